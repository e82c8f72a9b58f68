"""What a partner may learn of the signals it sent, and how its month is told to its contact, in Dutch (docs/feedback.md).

Only words and the rule of who learns what. Where the figures come from is `feedback.files`' work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from vroeg_pipeline.deliveries.partner_month import PartnerMonth, is_in_time
from vroeg_pipeline.domain.dutch import in_dutch
from vroeg_pipeline.domain.months import moment_text, month_text
from vroeg_pipeline.domain.reasons import REASONS_IN_DUTCH, REFUSALS_IN_DUTCH
from vroeg_pipeline.installation.notes import RegisteredFile

# DDAS tells partners these and no other reason: why else a signal was not picked up is nobody's business but the town's.
TOLD = frozenset(
    {
        "Niet opgepakt: herhaalde melding",
        "Niet opgepakt: onterecht signaal",
        "Persoon is geen inwoner (meer) in de gemeente",
        "Inwoner is overleden",
    }
)
OTHER_REASON = "Niet opgepakt: andere reden"
_NOTHING_TO_TELL = frozenset({"Opgepakt", "Nog niet opgepakt"})


def status_for_partner(ddas_status: str) -> str | None:
    """What its partner is told of a signal with this status; nothing while or when it is picked up."""
    if ddas_status in _NOTHING_TO_TELL:
        return None
    return ddas_status if ddas_status in TOLD else OTHER_REASON


@dataclass(frozen=True)
class DeliveredMonth:
    """One month of the partner's own deliveries, all files that count together.

    `received_at`: of the file by which it is late or on time; None where what came only adds to what is still owed.
    `due_at`: None where nothing was owed. `reminder_told`: of how many signals the files say whether a reminder was sent.
    """

    month: date
    received_at: datetime | None
    due_at: datetime | None
    row_count: int
    rejected_count: int
    outdated_count: int
    reminder_told: int
    without_reminder: int

    @property
    def on_time(self) -> bool:
        return self.received_at is not None and is_in_time(self.received_at, self.due_at)


@dataclass(frozen=True)
class DeliveryReport:
    """A partner's month: what came, what was rejected and why, what is told back. `trend` ends with the month itself,
    where it has a usable delivery; `gaps`: the months between without one, and what became of them. `municipality`: the only
    one that it is about, where they are separate.
    """

    partner_name: str
    addressee: str
    month: date
    files: Sequence[RegisteredFile]
    rejected: Mapping[str, int]
    told: Mapping[str, int]
    trend: Sequence[DeliveredMonth]
    gaps: Mapping[date, str] = field(default_factory=dict)
    municipality: str | None = None

    @property
    def delivered(self) -> DeliveredMonth | None:
        """The usable delivery of the month itself."""
        return self.trend[-1] if self.trend and self.trend[-1].month == self.month else None


def share(part: int, whole: int) -> str:
    """A share as Dutch readers write it."""
    return f"{100 * part / whole:.1f}%".replace(".", ",") if whole else "–"


def file_said(file: RegisteredFile) -> str:
    """What became of a file."""
    if file.status == "refused":
        return f"geweigerd: {file.detail_in_dutch or REFUSALS_IN_DUTCH[str(file.refusal)]}"
    if file.status == "questioned":
        return (
            f"nog niet gebruikt: {file.references_lacking} van de {file.references_before} klantkenmerken van uw levering "
            "ontbreken; wij vragen u of dat klopt"
        )
    if file.status == "accepted" and file.row_count and file.rejected_rows == file.row_count:
        return "gelezen; alle regels zijn afgekeurd"
    if file.status == "accepted":
        told = f" ({file.detail_in_dutch})" if file.detail_in_dutch else ""
        return ("verwerkt als aanvulling" if file.is_addition else "verwerkt") + told
    return "vervangen door een later bestand"


def text_for_contact(report: DeliveryReport, signature: str, attachments: Sequence[str]) -> str:
    """The text for the contact person."""
    paragraphs = [f"Beste {report.addressee},", _what_came(report)]
    if report.municipality:
        paragraphs.insert(1, f"Dit bericht gaat alleen over adressen in de gemeente {report.municipality}.")
    if report.rejected:
        paragraphs.append("Afgekeurd (een regel kan meer dan één reden hebben):\n" + _counted(
            {REASONS_IN_DUTCH[code]: number for code, number in report.rejected.items()}
        ))  # fmt: skip
    if (found := report.delivered) and found.without_reminder:
        paragraphs.append(
            f"Zonder herinnering vooraf, volgens uw bestand: {found.without_reminder} van "
            f"{in_dutch(found.reminder_told, 'verwerkte regel', 'verwerkte regels')} "
            f"({share(found.without_reminder, found.reminder_told)}). De wet vraagt om eerst een herinnering te sturen; wij "
            "keuren er geen regels om af."
        )
    if report.told:
        paragraphs.append(
            "Wat er met de signalen is gebeurd, voor zover wij het terugmelden:\n" + _counted(report.told)
        )
    paragraphs.append(
        "Meer staat in de bijlagen, met het regelnummer en uw eigen klantkenmerk:\n"
        + "\n".join(f"- {name}" for name in attachments)
    )
    paragraphs.append(f"Met vriendelijke groet,\n{signature}")
    return "\n\n".join(paragraphs) + "\n"


def _what_came(report: DeliveryReport) -> str:
    month, found = month_text(report.month), report.delivered
    if found is None:
        last = report.files[-1]
        return (
            f"Uw bestand voor de signaalmaand {month}, ontvangen op {moment_text(last.received_at)} uur, konden we niet "
            f"verwerken ({file_said(last)}). Wilt u een nieuw bestand aanleveren?"
        )
    due = f", afgesproken was uiterlijk {moment_text(found.due_at)} uur" if found.due_at else ""
    if found.received_at is None:
        came = f"Uw aanvulling voor de signaalmaand {month} is verwerkt; de levering zelf ontvingen wij nog niet{due}."
    else:
        late = "" if found.on_time else " Dat was te laat; de levering wordt wel gebruikt."
        received = moment_text(found.received_at)
        came = f"Uw aanlevering voor de signaalmaand {month} is ontvangen op {received} uur{due}.{late}"
    if len(report.files) > 1:
        files = (f"- {moment_text(file.received_at)}: {file_said(file)}" for file in report.files)
        came += "\nUw bestanden:\n" + "\n".join(files)
    if found.row_count and found.rejected_count == found.row_count:
        came += (
            "\nGeen enkele regel kon worden verwerkt: alle regels zijn afgekeurd. Wilt u een nieuw bestand aanleveren?"
        )
    return (
        f"{came}\n"
        f"Regels: {found.row_count}. Verwerkt: {found.row_count - found.rejected_count}. "
        f"Afgekeurd: {found.rejected_count} ({share(found.rejected_count, found.row_count)}), "
        f"waarvan te oud: {found.outdated_count} ({share(found.outdated_count, found.row_count)} van alle regels)."
    )


def _counted(numbers: Mapping[str, int]) -> str:
    return "\n".join(f"- {number} × {what}" for what, number in numbers.items())


def gap_said(of: PartnerMonth, now: datetime) -> str:
    """What became of a month without a usable delivery, at the aware moment `now`."""
    if of.questioned:
        return "nog niet gebruikt"
    if of.refused:
        return "geweigerd"
    return "niet ontvangen" if of.is_missing(now) else "nog verwacht"
