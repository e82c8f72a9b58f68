"""The code location: which stages, checks, jobs and sensors make up the pipeline, in the order of the data. Read this first.

Only puts together; each stage is explained in its own room.
"""

from collections.abc import Sequence
from datetime import date

import dagster as dg

import vroeg_pipeline.address_desk.assets as address_desk
import vroeg_pipeline.address_desk.checks as address_desk_checks
import vroeg_pipeline.addresses.assets as addresses
import vroeg_pipeline.addresses.checks as address_checks
import vroeg_pipeline.ddas.assets as ddas
import vroeg_pipeline.ddas.checks as ddas_checks
import vroeg_pipeline.deliveries.assets as deliveries
import vroeg_pipeline.deliveries.checks as intake_checks
import vroeg_pipeline.evaluation.assets as evaluation
import vroeg_pipeline.evaluation.checks as evaluation_checks
import vroeg_pipeline.feedback.assets as feedback
import vroeg_pipeline.feedback.checks as feedback_checks
import vroeg_pipeline.matches.assets as matches
import vroeg_pipeline.matches.checks as match_checks
import vroeg_pipeline.outcomes.assets as outcomes
import vroeg_pipeline.outcomes.checks as outcome_checks
import vroeg_pipeline.quality.assets as quality
import vroeg_pipeline.quality.checks as quality_checks
import vroeg_pipeline.retention.assets as retention
import vroeg_pipeline.retention.checks as retention_checks
import vroeg_pipeline.signals.assets as signals
import vroeg_pipeline.signals.checks as signal_checks
import vroeg_pipeline.worklists.assets as worklists
import vroeg_pipeline.worklists.checks as worklist_checks
from vroeg_pipeline.alerts.sensor import alerts_sensor
from vroeg_pipeline.automation.arrivals import arrivals_sensor, retention_schedule, worklists_schedule
from vroeg_pipeline.automation.housekeeping import housekeeping_job, housekeeping_schedule
from vroeg_pipeline.automation.jobs import Jobs
from vroeg_pipeline.deliveries.inbox import months_in
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.town import town_of
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline.monthly import monthly_partitions, with_origins
from vroeg_pipeline.verdicts import month_checks

Assets = Sequence[dg.AssetSpec | dg.AssetsDefinition]

# The steps of a month, in the order of the data; what precedes the deliveries of each partner is `OF_NO_MONTH`.
STEPS = [
    deliveries.delivery_files,
    signals.signals,
    quality.delivery_measures,
    quality.delivery_board,
    matches.address_matches,
    matches.recidivism,
    worklists.prioritised_worklists,
    worklists.worklist_issues,
    worklists.worklist_files,
    address_desk.address_desk,
    outcomes.outcome_files,
    outcomes.outcomes,
    feedback.partner_feedback,
    ddas.ddas_delivery,
    evaluation.evaluation,
    evaluation.evaluation_page,
]
OF_NO_MONTH: Assets = [
    deliveries.AGREEMENTS,
    addresses.address_register,
    addresses.MUNICIPALITIES,
    worklists.AREAS,
    worklists.KNOWN_CLIENTS,
    address_desk.address_overrides,
]
# What is done with all of it, apart from any month.
OF_ALL_MONTHS: Assets = [retention.retention]
CHECKS = [
    *intake_checks.CHECKS,
    *signal_checks.CHECKS,
    *quality_checks.CHECKS,
    *match_checks.CHECKS,
    *worklist_checks.CHECKS,
    *address_desk_checks.CHECKS,
    *outcome_checks.CHECKS,
    *feedback_checks.CHECKS,
    *ddas_checks.CHECKS,
    *evaluation_checks.CHECKS,
]


def first_month(installation: Installation) -> date:
    """The first month that can be run: set, else the oldest that an agreement or the inbox knows.

    The inbox counts because a file from before every agreement must be refused, not overlooked (DOMAIN §4).
    """
    if installation.settings.first_month:
        return installation.settings.first_month
    agreed = [a.valid_from for a in installation.partners.agreements.values()]
    this_month = installation.now().date().replace(day=1)
    return min([*agreed, *months_in(installation.home.inbox), this_month])


def build_defs(installation: Installation | None = None) -> dg.Definitions:
    """The whole location, for the installation of the environment or another one (tests, the command line).

    Raises VroegError when an agreement or the settings are wrong and never were right; the UI shows its line in place of the
    location.
    """
    installation = installation or Installation.load_or_last_good(Home.from_environment())
    installation.keep_agreed()
    start, town = first_month(installation), town_of(installation.home)
    partitions, partners = monthly_partitions(start), installation.partners
    without_months: Assets = [
        *deliveries.of_partners(partners),
        *(step for step in STEPS if step is not deliveries.delivery_files),
    ]
    of_months: Assets = dg.map_asset_specs(
        lambda spec: spec.replace_attributes(partitions_def=partitions), without_months
    )
    owner = installation.settings.owner
    owned: Assets = dg.map_asset_specs(
        lambda spec: with_origins(spec if spec.owners else spec.replace_attributes(owners=[owner])),
        [*OF_NO_MONTH, *of_months, *OF_ALL_MONTHS],
    )
    jobs = Jobs(partners, partitions, town)
    return dg.Definitions(
        assets=town.assets(owned),
        asset_checks=town.checks(
            [
                intake_checks.agreements_check,
                address_checks.register_checks,
                address_desk_checks.decisions_check,
                retention_checks.terms_are_kept,
                *month_checks(CHECKS, STEPS),
                *quality_checks.delivery_checks(partners, town),
            ]
        ),
        jobs=[jobs.month, jobs.intake, jobs.retention, housekeeping_job],
        sensors=[arrivals_sensor(installation, start, jobs), alerts_sensor(installation)],
        schedules=[worklists_schedule(installation), retention_schedule(), housekeeping_schedule],
        resources={
            "installation": installation,
            "warehouse": WarehouseResource.of(installation),
        },
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What Dagster loads. A function, so that importing this module reads no files."""
    return build_defs()
