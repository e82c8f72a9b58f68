"""The code location: which assets, checks, jobs and resources make up the pipeline. Read this first.

Only puts together; each stage is explained in its own module.
"""

from __future__ import annotations

import os
import warnings
from datetime import date

import dagster as dg
from dagster._utils.warnings import BetaWarning, PreviewWarning

# Single-run backfills and partitioned checks are marked beta and preview in Dagster 1.13; docs/adr/0004 and 0005 say
# why they are used all the same. Nobody who looks at the UI or the terminal can do anything about these lines.
warnings.filterwarnings("ignore", category=BetaWarning)
warnings.filterwarnings("ignore", category=PreviewWarning)
# Great Expectations must not call home (ARCHITECTURE decision 14); it reads this when it is imported.
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

from vroeg_pipeline.address_desk import assets as address_desk  # noqa: E402
from vroeg_pipeline.address_desk.checks import decisions_check  # noqa: E402
from vroeg_pipeline.addresses import assets as reference  # noqa: E402
from vroeg_pipeline.addresses.checks import register_checks  # noqa: E402
from vroeg_pipeline.alerts.sensor import alerts_sensor  # noqa: E402
from vroeg_pipeline.automation.arrivals import arrivals_sensor, worklists_schedule  # noqa: E402
from vroeg_pipeline.automation.jobs import intake_job, month_job  # noqa: E402
from vroeg_pipeline.ddas import assets as ddas  # noqa: E402
from vroeg_pipeline.ddas.checks import outgoing_checks  # noqa: E402
from vroeg_pipeline.deliveries import assets as deliveries  # noqa: E402
from vroeg_pipeline.deliveries.inbox import months_in  # noqa: E402
from vroeg_pipeline.evaluation import assets as evaluation  # noqa: E402
from vroeg_pipeline.feedback import assets as feedback  # noqa: E402
from vroeg_pipeline.installation.home import Home  # noqa: E402
from vroeg_pipeline.installation.installation import Installation  # noqa: E402
from vroeg_pipeline.installation.warehouse import WarehouseResource  # noqa: E402
from vroeg_pipeline.matches import assets as matches  # noqa: E402
from vroeg_pipeline.monthly import monthly_partitions  # noqa: E402
from vroeg_pipeline.outcomes import assets as outcomes  # noqa: E402
from vroeg_pipeline.quality import assets as measures  # noqa: E402
from vroeg_pipeline.quality import board_assets as board  # noqa: E402
from vroeg_pipeline.quality.checks import delivery_checks  # noqa: E402
from vroeg_pipeline.signals import assets as signals  # noqa: E402
from vroeg_pipeline.table_checks import table_checks  # noqa: E402
from vroeg_pipeline.worklists import assets as worklists  # noqa: E402


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

    Raises VroegError when an agreement or the settings are wrong; the UI shows its line in place of the location.
    """
    installation = installation or Installation.load(Home.from_environment())
    start = first_month(installation)
    partitions = monthly_partitions(start)
    partners = installation.partners
    jobs = [month_job(partitions), intake_job(partners, partitions)]
    return dg.Definitions(
        assets=dg.with_source_code_references(
            [
                *deliveries.delivery_specs(partners, partitions),
                *reference.TABLES_KEPT_BY_HAND,
                reference.address_register,
                deliveries.delivery_files_asset(partners, partitions),
                signals.signals_asset(partitions),
                measures.measures_asset(partitions),
                board.board_asset(partitions),
                matches.matches_asset(partitions),
                matches.recidivism_asset(partitions),
                address_desk.address_overrides,
                address_desk.address_desk_asset(partitions),
                outcomes.outcome_files_asset(partitions),
                worklists.worklists_asset(partitions),
                worklists.issues_asset(partitions),
                worklists.files_asset(partitions),
                outcomes.outcomes_asset(partitions),
                feedback.feedback_asset(partitions),
                ddas.ddas_asset(partitions),
                evaluation.evaluation_tables_asset(partitions),
                evaluation.evaluation_page_asset(partitions),
            ]
        ),
        asset_checks=[
            register_checks,
            decisions_check,
            *table_checks(partitions),
            *delivery_checks(partners, partitions),
            *outgoing_checks(partitions),
        ],
        jobs=jobs,
        sensors=[arrivals_sensor(installation, start, jobs), alerts_sensor(installation)],
        schedules=[worklists_schedule(installation)],
        resources={
            "installation": installation,
            "warehouse": WarehouseResource(
                home=str(installation.home.root), lock_timeout_minutes=installation.settings.lock_timeout_minutes
            ),
        },
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What Dagster loads. A function, so that importing this module reads no files."""
    return build_defs()
