"""What is wrong with the deliveries of a month, from the register and the verdicts of the checks.

Several things may be wrong at once, where the delivery board shows one state. Plain facts in, conditions for `alerts.plan`
out; what missing, late and outdated are stands in `deliveries.partner_month`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import TypedDict

from vroeg_pipeline.alerts.facts import (
    CheckFailed,
    Crisis,
    Drift,
    Facts,
    Late,
    Missing,
    MonthDone,
    Outdated,
    Questioned,
    Refused,
    Returned,
    Solution,
    Stray,
    ToBeRemoved,
    TooLate,
    Volume,
)
from vroeg_pipeline.alerts.plan import Condition
from vroeg_pipeline.deliveries.partner_month import PartnerMonth
from vroeg_pipeline.domain.agreements import Agreement
from vroeg_pipeline.domain.months import moment_text, month_text
from vroeg_pipeline.domain.partners import Partners
from vroeg_pipeline.domain.senders import SenderAgreement
from vroeg_pipeline.installation.notes import Announced, Made, NotedVerdict, RegisteredFile, SentBack
from vroeg_pipeline.installation.notes import ToBeRemoved as Gone

# Checks that say what another kind of alert says.
_VOLUME_CHECKS = frozenset({"rows_as_agreed", "rows_as_usual"})
_DRIFT_CHECK = "columns_as_agreed"
_TOLD_BY_STATE = frozenset(
    {"delivered", "on_time", "replacement_is_whole", "reference_date_is_recent", "few_rows_outdated"}
)


class _Who(TypedDict):
    name: str
    contact: str
    addressee: str
    sender: str


def month_done(month: date, made: Made, told: Iterable[tuple[str, str, str, str]] = ()) -> Condition:
    """The worklists of the month are made; another one when teams got another issue.

    Its issues are those that none of the keys `told`, of what was told before, names: what the last run issued.
    """
    named = {
        issue
        for kind, _, of_month, occurrence in told
        if (kind, of_month) == (MonthDone.kind.value, str(month))
        for issue in occurrence.split(", ")
    }
    names = [f"{issue.worklist} {issue.issue}" for issue in made.issues]
    facts = MonthDone(
        signals=made.signals,
        addresses=made.addresses,
        recidivists=made.recidivists,
        missing=made.missing,
        issues=tuple(issue for issue, name in zip(made.issues, names, strict=True) if name not in named),
    )
    return Condition(facts, "", month, ", ".join(names))


def crises(month: date, made: Made) -> Iterator[Condition]:
    """Each issue of a worklist that added addresses with a cut-off or eviction announced; told once."""
    for issue in made.issues:
        if issue.crises:
            facts = Crisis(worklist=issue.worklist, issue=issue.issue, addresses=issue.crises)
            yield Condition(facts, "", month, f"{issue.worklist} {issue.issue}")


def sent_back(month: date, files: Iterable[SentBack]) -> Iterator[Condition]:
    """Each file of a team that went back to it, or of which rows did; told once."""
    for file in files:
        facts = Returned(
            worklist=file.worklist,
            received=moment_text(file.received_at),
            rows=file.refused_rows,
            is_refused=file.is_refused,
            reply=file.reply,
        )
        yield Condition(facts, "", month, file.reply)


def delivery_problems(
    of: PartnerMonth, verdicts: Sequence[NotedVerdict], now: datetime, sender: SenderAgreement | None = None
) -> Iterator[Condition]:
    """Everything that is wrong with a partner's delivery of the month at the aware moment `now`, and that it came late.

    Refused: a file that no usable one followed. Outdated: its delivery is, or old bytes came again and no usable file after
    them. `verdicts` are those of this partner and month. `sender`: who sends its rows and can be asked.
    """
    partner, who = of.agreement.partner, _who(of.agreement, sender)
    for facts in _of_arrival(of, who, now):
        yield Condition(facts, partner, of.month)
    for file in of.questioned:
        received, lacking, references = moment_text(file.received_at), file.references_lacking, file.references_before
        asked = Questioned(**who, received=received, lacking=lacking or 0, references=references or 0)
        yield Condition(asked, partner, of.month, f"{file.received_at:%Y-%m-%dT%H:%M:%S}")
    if not of.usable:
        return
    broken = [verdict for verdict in verdicts if not verdict.passed]
    if volume := [verdict for verdict in broken if verdict.check in _VOLUME_CHECKS]:
        findings = tuple(finding for verdict in volume for finding in verdict.findings)
        said = "; ".join(verdict.said for verdict in volume)
        yield Condition(Volume(**who, said=said, findings=findings), partner, of.month)
    for each in broken:
        if each.check == _DRIFT_CHECK:
            yield Condition(Drift(**who, said=each.said, findings=each.findings), partner, of.month)
        elif each.check not in _VOLUME_CHECKS | _TOLD_BY_STATE:
            failed = CheckFailed(name=who["name"], check=each.check, said=each.said, findings=each.findings)
            yield Condition(failed, partner, of.month, each.check)


def _of_arrival(of: PartnerMonth, who: _Who, now: datetime) -> Iterator[Facts]:
    due = moment_text(of.due)
    if of.is_missing(now):
        yield Missing(**who, due=due, refusals=of.refusals, refusals_in_dutch=of.refusals_in_dutch)
    if of.is_late and of.first_usable:
        first = of.first_usable.received_at
        hours = round((first - of.due).total_seconds() / 3600, 1)
        yield Late(name=who["name"], due=due, received=moment_text(first), hours=hours, rows=of.row_count)
    unreadable = [file for file in of.refused_since if file.refusal != "stale_copy"]
    for file in unreadable[-1:]:
        received = moment_text(file.received_at)
        why, in_dutch = file.detail or "", file.detail_in_dutch or ""
        yield Refused(**who, received=received, refusal=file.refusal or "", detail=why, detail_in_dutch=in_dutch)
    old_bytes = any(file.refusal == "stale_copy" for file in of.refused_since)
    if old_bytes or of.is_outdated:
        yield Outdated(
            **who,
            old_bytes=old_bytes,
            newest=f"{of.reference_date:%d-%m-%Y}" if of.reference_date else None,
            age=of.reference_date_age,
            most=of.agreement.delivery.max_age_days,
            percentage=round(100 * of.share_outdated),
        )


def retention(told: Announced, came: Mapping[date, int]) -> Iterator[Condition]:
    """What is announced to be removed, told once for the terms of a month; and what `came` for months that are closed."""
    terms: dict[date, list[Gone]] = {}
    for each in told.next:
        terms.setdefault(each.month, []).append(each)
    day = max((each.day for each in told.announcements), default=date.max)
    for month, of_month in terms.items():
        kept = tuple(sorted({each.kept for each in of_month}))
        facts = ToBeRemoved(
            name=month_text(month), day=f"{day:%d-%m-%Y}", terms=kept, count=sum(each.count for each in of_month)
        )
        yield Condition(facts, occurrence=f"{month_text(month)} {', '.join(kept)}")
    for month, files in came.items():
        yield Condition(TooLate(name=month_text(month), files=files), occurrence=month_text(month))


def stray_files(month: date, files: Mapping[str, Sequence[RegisteredFile]], partners: Partners) -> Iterator[Condition]:
    """Files in folders without an agreement. Only their number: a folder may have any name (DOMAIN §12)."""
    count = sum(len(in_folder) for folder, in_folder in files.items() if not partners.is_known(folder))
    if count:
        yield Condition(Stray(files=count), "", month, "unknown_partner")


def table_problems(month: date, verdicts: Sequence[NotedVerdict]) -> Iterator[Condition]:
    """The checks of published tables that do not hold."""
    for verdict in verdicts:
        if not verdict.passed and verdict.partner is None:
            failed = CheckFailed(check=f"{verdict.asset}.{verdict.check}", said=verdict.said)
            yield Condition(failed, verdict.asset, month, verdict.check)


def solution_of(of: PartnerMonth) -> Solution | None:
    """What can be told of a partner's month when a problem of it is solved: the delivery that it has now."""
    return Solution(moment_text(of.delivery.received_at), of.row_count) if of.delivery else None


def _who(agreement: Agreement, sender: SenderAgreement | None) -> _Who:
    asked = sender or agreement
    contact = asked.contact
    return {
        "name": agreement.name,
        "contact": ", ".join(part for part in (contact.name, contact.email, contact.phone) if part),
        "addressee": contact.name or asked.name,
        "sender": sender.sender if sender else "",
    }
