"""What is checked of each partner's delivery: whether it is there, and how it compares with its agreement and habit.

Great Expectations judges (`quality`); this turns its judgements into asset checks. None of them stops a month
(DOMAIN §4), so all of them warn, but that a delivery may have lost people. What cannot be judged in the newest month says
why.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

import dagster as dg
import duckdb

from vroeg_pipeline.deliveries.assets import delivery_key
from vroeg_pipeline.deliveries.partner_month import PartnerMonth
from vroeg_pipeline.domain.agreements import Agreement
from vroeg_pipeline.domain.months import AMSTERDAM, moment_text, month_text
from vroeg_pipeline.domain.partners import Partners
from vroeg_pipeline.formats.drift import Drift, drift_of
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.notes import RegisteredFile
from vroeg_pipeline.installation.statements import rows_of
from vroeg_pipeline.installation.town import Town
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline.monthly import keys_are_unique, observed, page_link
from vroeg_pipeline.quality.data_docs import remove_pages, write_index
from vroeg_pipeline.quality.delivery_register import told_months
from vroeg_pipeline.quality.expectations import Measures, check_names, expected_of
from vroeg_pipeline.quality.judging import NotJudged, judge
from vroeg_pipeline.verdicts import NOT_JUDGED, Severity, Verdict, months_to_judge, note, results

CHECKS = [keys_are_unique("delivery_measures", "partner")]

DELIVERED = "delivered"
ON_TIME = "on_time"
REPLACEMENT_IS_WHOLE = "replacement_is_whole"


def delivery_checks(partners: Partners, town: Town) -> list[dg.AssetChecksDefinition]:
    """The checks of all partners in one definition, so that Great Expectations is imported once."""
    specs = [spec for agreement in partners.agreements.values() for spec in _specs(agreement, town)]
    if not specs:
        return []

    @dg.multi_asset_check(name="check_deliveries", specs=specs, can_subset=True)
    def check_deliveries(
        context: dg.AssetCheckExecutionContext,
        warehouse: WarehouseResource,
        installation: dg.ResourceParam[Installation],
    ) -> Iterator[dg.AssetCheckResult]:
        months = months_to_judge(context, "delivery_measures", town)
        with warehouse.connect() as connection:
            owed = {month: told_months(connection, installation, month) for month in months.all}
            measures = [row for month in months.all for row in _measures(connection, month)]
            drifts = _drifts(connection, installation, list(months.all))
        now = installation.now()
        verdicts = [verdict for of_month in owed.values() for of in of_month for verdict in _of_arrival(of, now)]
        judged, why_not = _judged(measures, installation, months.all, drifts)
        verdicts += judged
        agreements = installation.partners.agreements
        note(installation.home, months.all, map(delivery_key, agreements), verdicts)
        if months.newest:
            told = {verdict.check_key for verdict in verdicts if verdict.month == months.newest}
            not_told = [spec.key for spec in specs if spec.key not in told]
            verdicts += _not_judged(not_told, months.newest, owed[months.newest], why_not, agreements)
        yield from results(context, verdicts, months, specs, town)

    return [check_deliveries]


def _specs(agreement: Agreement, town: Town) -> list[dg.AssetCheckSpec]:
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
            additional_deps=[town.key("delivery_measures")],
        )
        for name, description in described.items()
    ]


def _of_arrival(of: PartnerMonth, now: datetime) -> Iterator[Verdict]:
    """What can be said of what came of a delivery, at the aware moment `now`."""
    key, month = delivery_key(of.agreement.partner), of.month
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
            {**observed("hours too late", late if of.is_owed else 0.0, at_most=0), "month": month_text(month)},
        )
        yield Verdict(
            key,
            REPLACEMENT_IS_WHOLE,
            month,
            not of.questioned,
            _said_of_questioned(of.questioned) or "no file lacks too many references of the delivery.",
            Severity.ERROR,
            {**observed("questioned files", len(of.questioned), at_most=0), "month": month_text(month)},
        )
    yield delivered_verdict(of, now)


def delivered_verdict(of: PartnerMonth, now: datetime) -> Verdict:
    """Whether an owed delivery is there, at the aware moment `now`: nothing is missing before its deadline, but what came
    and was refused is told at once.
    """
    partner, due = of.agreement.partner, f"{of.due:%d-%m-%Y %H:%M}"
    if of.usable:
        passed, said = True, f"delivered. Due {due}"
    elif of.refusals:
        passed, said = False, f"what came was refused ({', '.join(of.refusals)}). Due {due}"
    elif of.is_missing(now):
        passed, said = False, f"nothing came. Due {due}"
    else:
        passed, said = True, f"not due until {due}; nothing came yet"
    return Verdict(
        delivery_key(partner),
        DELIVERED,
        of.month,
        passed,
        f"{said}, agreements/{partner}.yaml.",
        Severity.WARN,
        {
            **observed("files that can be used", len(of.usable), at_least=0 if passed and not of.usable else 1),
            "files": len(of.files),
            "refusals": ", ".join(of.refusals) or "none",
            "month": month_text(of.month),
        },
    )


def _not_judged(
    checks: Sequence[dg.AssetCheckKey],
    month: date,
    owed: Sequence[PartnerMonth],
    why_not: Sequence[NotJudged],
    agreements: Mapping[str, Agreement],
) -> Iterator[Verdict]:
    """Why checks say nothing of the month; they pass, as nothing is wrong."""
    owing = {delivery_key(of.agreement.partner): of for of in owed}
    reasons = {(delivery_key(n.partner), n.check): n.reason for n in why_not if n.month == month}
    ended = {delivery_key(partner): agreement.valid_until for partner, agreement in agreements.items()}
    for check in checks:
        key = check.asset_key
        if key not in owing:
            until = ended[key]
            why = f"the agreement ended in {month_text(until)}" if until and until < month else "nothing is owed yet"
        elif not owing[key].usable:
            why = "there is no usable delivery"
        else:
            why = reasons.get((key, check.name), "nothing to measure")
        figures = {NOT_JUDGED: why, "month": month_text(month)}
        yield Verdict(key, check.name, month, True, f"not judged: {why}.", Severity.WARN, figures, judged=False)


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
    months: Sequence[date],
    drifts: dict[tuple[str, date], Drift],
) -> tuple[list[Verdict], Sequence[NotJudged]]:
    docs = installation.home.quality / "data_docs"
    agreements, of = installation.partners.agreements, {(m["partner"], m["month"]): m for m in measures}
    judged = judge(measures, agreements, docs, installation.home.scratch)
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
                    **_observed(agreements[judgement.partner], judgement.check, of[judgement.partner, judgement.month]),
                    "findings": said,
                    "agreement": dg.MetadataValue.path(judgement.agreement),
                    "Data Docs": page_link(installation, judgement.page),
                    "all Data Docs": page_link(installation, index),
                    "month": f"{judgement.month:%Y-%m}",
                },
                findings,
            )
        )
    return verdicts, judged.not_judged


def _observed(agreement: Agreement, check: str, measures: Measures) -> dict[str, float]:
    """What a check measured of a delivery, with the bounds of its agreement."""
    found: dict[str, float] = {}
    for bound in expected_of(agreement):
        if bound.check == check and not bound.why_not_judged(measures):
            value = float(measures[bound.measure])
            found |= observed(bound.measure, value, at_least=bound.lowest, at_most=bound.highest)
    return found
