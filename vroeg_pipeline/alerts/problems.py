"""What is wrong with the deliveries of a month, from the register and the verdicts of the checks.

Several things may be wrong at once, where the delivery board shows one state (`quality.board`). Plain facts in,
conditions for `alerts.plan` out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from vroeg_pipeline.alerts.plan import Condition
from vroeg_pipeline.domain.agreements import Agreement
from vroeg_pipeline.domain.alerts import AlertKind
from vroeg_pipeline.domain.months import moment_text
from vroeg_pipeline.installation.month_notes import Made, NotedVerdict
from vroeg_pipeline.quality.board import RegisteredFile, is_outdated

# Checks that say what another kind of alert says.
_VOLUME_CHECKS = frozenset({"rows_as_agreed", "rows_as_usual"})
_DRIFT_CHECK = "columns_as_agreed"
_TOLD_BY_STATE = frozenset({"delivered", "on_time", "reference_date_is_recent", "few_rows_outdated"})


def month_done(month: date, made: Made) -> Condition:
    """The worklists of the month are made; another one when teams got another issue."""
    occurrence = ", ".join(f"{issue.worklist} {issue.issue}" for issue in made.issues)
    return Condition(AlertKind.MONTH_DONE, "", month, occurrence, asdict(made))


def delivery_problems(
    agreement: Agreement,
    month: date,
    files: Sequence[RegisteredFile],
    verdicts: Sequence[NotedVerdict],
    now: datetime,
) -> Iterator[Condition]:
    """Everything that is wrong with a partner's delivery of the month at the aware moment `now`, and that it came late.

    Missing: owed, and nothing usable by the deadline; what was refused does not count (DOMAIN §4). Refused: a file that no
    usable one followed. Outdated: see `quality.board.is_outdated`, or old bytes again that no usable file followed.
    `verdicts` are those of this partner and month.
    """

    def condition(kind: AlertKind, occurrence: str = "", **facts: Any) -> Condition:
        return Condition(kind, agreement.partner, month, occurrence, {**_who(agreement), **facts})

    usable = [file for file in files if file.is_usable]
    refused = [file for file in files if file.status == "refused"]
    last_usable = max((file.received_at for file in usable), default=None)
    after = [file for file in refused if last_usable is None or file.received_at > last_usable]
    due = agreement.due(month)
    if agreement.is_owed(month):
        refusals = sorted({file.refusal or "" for file in refused})
        if not usable and now > due:
            yield condition(AlertKind.MISSING, due=moment_text(due), refusals=refusals)
        if usable and (first := min(file.received_at for file in usable)) > due:
            hours = round((first - due).total_seconds() / 3600, 1)
            rows = next((file.row_count or 0 for file in usable if file.status == "accepted"), 0)
            yield condition(AlertKind.LATE, due=moment_text(due), received=moment_text(first), hours=hours, rows=rows)
    for file in sorted((f for f in after if f.refusal != "stale_copy"), key=lambda file: file.received_at)[-1:]:
        yield condition(
            AlertKind.REFUSED, received=moment_text(file.received_at), refusal=file.refusal, detail=file.detail or ""
        )
    old_bytes = any(file.refusal == "stale_copy" for file in after)
    accepted = next((file for file in files if file.status == "accepted"), None)
    if old_bytes or (accepted and is_outdated(agreement, month, accepted)):
        newest = accepted.reference_date_max if accepted else None
        yield condition(
            AlertKind.OUTDATED,
            old_bytes=old_bytes,
            newest=f"{newest:%d-%m-%Y}" if newest else None,
            age=(due.date() - newest).days if newest else None,
            most=agreement.delivery.max_age_days,
            percentage=round(100 * accepted.share_outdated) if accepted else 0,
        )
    if accepted:
        yield from _broken(condition, verdicts)


def _broken(condition: Any, verdicts: Sequence[NotedVerdict]) -> Iterator[Condition]:
    broken = [verdict for verdict in verdicts if not verdict.passed]
    volume = [verdict for verdict in broken if verdict.check in _VOLUME_CHECKS]
    if volume:
        findings = [finding for verdict in volume for finding in verdict.findings]
        yield condition(AlertKind.VOLUME, said="; ".join(v.said for v in volume), findings=findings)
    for verdict in broken:
        if verdict.check == _DRIFT_CHECK:
            yield condition(AlertKind.DRIFT, said=verdict.said, findings=verdict.findings)
        elif verdict.check not in _VOLUME_CHECKS | _TOLD_BY_STATE:
            yield condition(
                AlertKind.CHECK_FAILED, verdict.check, check=verdict.check, said=verdict.said, findings=verdict.findings
            )


def stranger_problems(
    month: date, files: Mapping[str, Sequence[RegisteredFile]], agreements: Mapping[str, Agreement]
) -> Iterator[Condition]:
    """Files in folders of partners without an agreement. Only their number: a folder may have any name (DOMAIN §12)."""
    count = sum(len(of_partner) for partner, of_partner in files.items() if partner not in agreements)
    if count:
        yield Condition(AlertKind.REFUSED, "", month, "unknown_partner", {"refusal": "unknown_partner", "files": count})


def table_problems(month: date, verdicts: Sequence[NotedVerdict]) -> Iterator[Condition]:
    """The checks of published tables that do not hold."""
    for verdict in verdicts:
        if not verdict.passed and verdict.partner is None:
            facts = {"check": f"{verdict.asset}.{verdict.check}", "said": verdict.said, "findings": ()}
            yield Condition(AlertKind.CHECK_FAILED, verdict.asset, month, verdict.check, facts)


def solution_of(files: Sequence[RegisteredFile]) -> Mapping[str, Any] | None:
    """What can be told of a partner's month when a problem of it is solved: the delivery that it has now."""
    accepted = next((file for file in files if file.status == "accepted"), None)
    return {"solved_by": moment_text(accepted.received_at), "rows": accepted.row_count or 0} if accepted else None


def _who(agreement: Agreement) -> Mapping[str, Any]:
    contact = agreement.contact
    reachable = ", ".join(part for part in (contact.name, contact.email, contact.phone) if part)
    return {"name": agreement.name, "contact": reachable, "addressee": contact.name or agreement.name}
