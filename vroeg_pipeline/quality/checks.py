"""What is checked of each partner's delivery: whether it is there, and how it compares with its agreement and habit.

Great Expectations judges (`quality`); this turns its judgements into asset checks. None of them stops a month
(DOMAIN §4), so all of them warn, but that a delivery may have lost people. What cannot be judged in a month gives no result.
"""

from collections.abc import Iterator, Sequence
from datetime import date

import dagster as dg
import duckdb

from vroeg_pipeline.deliveries.assets import delivery_key
from vroeg_pipeline.domain.agreements import Agreement
from vroeg_pipeline.domain.months import AMSTERDAM, moment_text
from vroeg_pipeline.domain.partners import Partners
from vroeg_pipeline.formats.drift import Drift, drift_of
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.notes import RegisteredFile
from vroeg_pipeline.installation.statements import rows_of
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline.monthly import keys_are_unique, months_of
from vroeg_pipeline.quality.data_docs import remove_pages, write_index
from vroeg_pipeline.quality.delivery_register import told_months
from vroeg_pipeline.quality.expectations import check_names, expected_of
from vroeg_pipeline.quality.judging import judge
from vroeg_pipeline.verdicts import Severity, Verdict, note, results

CHECKS = [keys_are_unique("delivery_measures", "partner")]

DELIVERED = "delivered"
ON_TIME = "on_time"
REPLACEMENT_IS_WHOLE = "replacement_is_whole"


def delivery_checks(partners: Partners, partitions: dg.PartitionsDefinition) -> list[dg.AssetChecksDefinition]:
    """The checks of all partners in one definition, so that Great Expectations is imported once."""
    specs = [spec for agreement in partners.agreements.values() for spec in _specs(agreement, partitions)]
    if not specs:
        return []

    # A month without a delivery has nothing to judge: then a check gives no result, which only a subset may.
    @dg.multi_asset_check(name="check_deliveries", specs=specs, can_subset=True)
    def check_deliveries(
        context: dg.AssetCheckExecutionContext,
        warehouse: WarehouseResource,
        installation: dg.ResourceParam[Installation],
    ) -> Iterator[dg.AssetCheckResult]:
        wanted = context.selected_asset_check_keys
        with warehouse.connect() as connection:
            months = months_of(context)
            verdicts = [v for month in months for v in _arrival_verdicts(connection, installation, month)]
            measures = [row for month in months for row in _measures(connection, month)]
            drifts = _drifts(connection, installation, months)
        verdicts += _judged(measures, installation, months, drifts)
        partners = [delivery_key(partner) for partner in installation.partners.agreements]
        note(installation.home, months, partners, verdicts)
        asked = [v for v in verdicts if dg.AssetCheckKey(v.asset_key, v.check_name) in wanted]
        yield from results(context, asked)

    return [check_deliveries]


def _specs(agreement: Agreement, partitions: dg.PartitionsDefinition) -> list[dg.AssetCheckSpec]:
    rules: dict[str, list[str]] = {}
    for expected in expected_of(agreement):
        rules.setdefault(expected.check, []).append(f"{expected.rule} Expected: {expected.bounds}.")
    described = {
        DELIVERED: "An owed delivery is there and can be used (DOMAIN §3, §4).",
        REPLACEMENT_IS_WHOLE: "No file that would replace the delivery lacks more of its references than agreed, "
        "or somebody decided what it is: vroeg deliveries decide (DOMAIN §4).",
        ON_TIME: "The first usable file came before the deadline (DOMAIN §3).",
        **{check: " ".join(rules[check]) for check in check_names(agreement)},
    }
    return [
        dg.AssetCheckSpec(
            name,
            asset=delivery_key(agreement.partner),
            description=description,
            additional_deps=["delivery_measures"],
            partitions_def=partitions,
        )
        for name, description in described.items()
    ]


def _arrival_verdicts(
    connection: duckdb.DuckDBPyConnection, installation: Installation, month: date
) -> Iterator[Verdict]:
    for of in told_months(connection, installation, month):
        partner, key = of.agreement.partner, delivery_key(of.agreement.partner)
        if of.first_usable:
            first = of.first_usable.received_at.astimezone(AMSTERDAM)
            late = max(0.0, round((first - of.due).total_seconds() / 3600, 1))
            yield Verdict(
                key,
                ON_TIME,
                month,
                not of.is_late,
                f"it came on {first:%d-%m-%Y %H:%M}, "
                + (f"due {of.due:%d-%m-%Y %H:%M}." if of.is_owed else "before anything was owed by this agreement."),
                Severity.WARN,
                {"hours too late": late if of.is_owed else 0.0, "month": f"{month:%Y-%m}"},
            )
            said = "delivered"
            yield Verdict(
                key,
                REPLACEMENT_IS_WHOLE,
                month,
                not of.questioned,
                _said_of_questioned(of.questioned) or "no file lacks too many references of the delivery.",
                Severity.ERROR,
                {"questioned files": len(of.questioned), "month": f"{month:%Y-%m}"},
            )
        elif of.refusals:
            said = f"what came was refused ({', '.join(of.refusals)})"
        else:
            said = "nothing came"
        yield Verdict(
            key,
            DELIVERED,
            month,
            not of.is_open,
            f"{said}. Due {of.due:%d-%m-%Y %H:%M}, agreements/{partner}.yaml.",
            Severity.WARN,
            {"files": len(of.files), "refusals": ", ".join(of.refusals) or "none", "month": f"{month:%Y-%m}"},
        )


def _said_of_questioned(files: Sequence[RegisteredFile]) -> str:
    return " ".join(
        f"The file of {moment_text(file.received_at)} lacks {file.references_lacking} of the {file.references_before} "
        "references of the delivery, and is not used until somebody decides: vroeg deliveries list."
        for file in files
    )


def _measures(connection: duckdb.DuckDBPyConnection, month: date) -> list[dict[str, object]]:
    return rows_of(connection, "SELECT * FROM delivery_measures WHERE month = ? ORDER BY partner", [month])


def _drifts(
    connection: duckdb.DuckDBPyConnection, installation: Installation, months: list[date]
) -> dict[tuple[str, date], Drift]:
    """What changed in the columns of each accepted delivery against its agreement."""
    rows = connection.execute(
        "SELECT partner, month, list_distinct(flatten(list(missing_optional))), "
        "list_distinct(flatten(list(unexpected_columns))) FROM delivery_files "
        "WHERE status = 'accepted' AND month IN (SELECT unnest(?::DATE[])) GROUP BY partner, month",
        [months],
    ).fetchall()
    agreements = installation.partners.agreements
    return {
        (partner, month): drift_of(
            agreements[partner].headers,
            lacking,
            unexpected,
            one_header=agreements[partner].delivery.has_one_header,
        )
        for partner, month, lacking, unexpected in rows
        if partner in agreements
    }


def _judged(
    measures: list[dict[str, object]],
    installation: Installation,
    months: list[date],
    drifts: dict[tuple[str, date], Drift],
) -> list[Verdict]:
    docs = installation.home.quality / "data_docs"
    judged = judge(measures, installation.partners.agreements, docs, installation.home.scratch)
    remove_pages(docs, months, keep={judgement.page for judgement in judged.judgements})
    index = write_index(docs)
    verdicts = []
    for judgement in judged.judgements:
        said = "; ".join(str(finding) for finding in judgement.findings)
        findings = judgement.findings
        drift = drifts.get((judgement.partner, judgement.month))
        if judgement.check == "columns_as_agreed" and drift and str(drift):
            said = f"{said}: {drift}"
            findings = drift.findings or findings
        verdicts.append(
            Verdict(
                delivery_key(judgement.partner),
                judgement.check,
                judgement.month,
                judgement.passed,
                f"{said} ({judgement.agreement}).",
                Severity.WARN,
                {
                    "findings": said,
                    "agreement": dg.MetadataValue.path(judgement.agreement),
                    "Data Docs": dg.MetadataValue.path(str(judgement.page)),
                    "all Data Docs": dg.MetadataValue.path(str(index)),
                    "month": f"{judgement.month:%Y-%m}",
                },
                findings,
            )
        )
    return verdicts
