"""What a partner may learn of the signals it sent, and how its month is told to its contact, in Dutch (docs/feedback.md).

Only words and the rule of who learns what. Where the figures come from is `feedback.files`' work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    sent: PartnerMonth
    rejected: Mapping[str, int]
    told: Mapping[str, int]
    trend: Sequence[DeliveredMonth]
    gaps: Mapping[date, str] = field(default_factory=dict)
    municipality: str | None = None

    @property
    def month(self) -> date:
        return self.sent.month

    @property
    def files(self) -> Sequence[RegisteredFile]:
        """All that came, whatever became of it, oldest first."""
        return self.sent.files

    @property
    def delivered(self) -> DeliveredMonth | None:
        """The usable delivery of the month itself."""
        return self.trend[-1] if self.trend and self.trend[-1].month == self.month else None


def share(part: int, whole: int) -> str:
    """A share as Dutch readers write it."""
    return f"{100 * part / whole:.1f}%".replace(".", ",") if whole else "–"


def file_said(file: RegisteredFile, sent: PartnerMonth) -> str:
    """What became of a file, beside all that came for the month."""
    if file.status == "refused":
        return f"geweigerd: {file.detail_in_dutch or REFUSALS_IN_DUTCH[str(file.refusal)]}"
    if file.status == "questioned":
        lacks = f"{file.references_lacking} van de {file.references_before} klantkenmerken van uw levering ontbreken"
        is_open = file in sent.questioned
        return f"nog niet gebruikt: {lacks}; wij vragen u of dat klopt" if is_open else f"niet gebruikt: {lacks}"
    if file.status == "accepted" and file.row_count and file.rejected_rows == file.row_count:
        return "gelezen; alle regels zijn afgekeurd"
    if file.status == "accepted":
        told = f" ({file.detail_in_dutch})" if file.detail_in_dutch else ""
        return ("verwerkt als aanvulling" if file.is_addition else "verwerkt") + told
    return "vervangen door een later bestand"


def text_for_contact(report: DeliveryReport, signature: str, statuses: str, overview: str) -> str:
    """The text for the contact person. `statuses`, `overview`: the names of the CSV and the XLSX."""
    paragraphs = [f"Beste {report.addressee},", _what_came(report)]
    if report.municipality:
        paragraphs.insert(1, f"Dit bericht gaat alleen over adressen in de gemeente {report.municipality}.")
    if report.rejected:
        paragraphs.append("Afgekeurd (een regel kan meer dan één reden hebben):\n" + _counted(
            {REASONS_IN_DUTCH[code]: number for code, number in report.rejected.items()}
        ) + _what_to_mend(report))  # fmt: skip
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
    paragraphs.append(_attachments(report, statuses, overview))
    paragraphs.append(f"Met vriendelijke groet,\n{signature}")
    return "\n\n".join(paragraphs) + "\n"


def _what_came(report: DeliveryReport) -> str:
    month, found, files = month_text(report.month), report.delivered, _files_said(report)
    if found is None:
        if len(report.files) > 1:
            said = f"Uw bestanden voor de signaalmaand {month} gebruiken we niet:\n{files}\n"
        else:
            (file,) = report.files
            received, why = moment_text(file.received_at), file_said(file, report.sent)
            said = f"Uw bestand voor de signaalmaand {month}, ontvangen op {received} uur, gebruiken we niet ({why}). "
        return (said + _asked_of_refused(report)).rstrip()
    due = f", afgesproken was uiterlijk {moment_text(found.due_at)} uur" if found.due_at else ""
    if found.received_at is None:
        came = f"Uw aanvulling voor de signaalmaand {month} is ontvangen."
        if due:
            came += f" De levering zelf ontvingen wij nog niet{due}. Wilt u die ook aanleveren?"
    else:
        late = "" if found.on_time else " Dat was te laat; de levering wordt wel gebruikt."
        received = moment_text(found.received_at)
        came = f"Uw aanlevering voor de signaalmaand {month} is ontvangen op {received} uur{due}.{late}"
    if len(report.files) > 1 or report.files[-1].detail_in_dutch:
        came += f"\nUw bestanden:\n{files}"
    came += "".join(f"\n{ask}" for ask in _asked_of_files(report.sent))
    if not found.row_count:
        return (
            f"{came}\nEr staan geen regels in: u meldt deze maand niemand. Klopt dat niet, wilt u dan een nieuw bestand "
            "aanleveren?"
        )
    if found.rejected_count == found.row_count:
        came += (
            "\nGeen enkele regel kon worden verwerkt: alle regels zijn afgekeurd. Wilt u een nieuw bestand aanleveren?"
        )
    return (
        f"{came}\n"
        f"Regels: {found.row_count}. Verwerkt: {found.row_count - found.rejected_count}. "
        f"Afgekeurd: {found.rejected_count} ({share(found.rejected_count, found.row_count)}), "
        f"waarvan te oud: {found.outdated_count} ({share(found.outdated_count, found.row_count)} van alle regels)."
    )


def _files_said(report: DeliveryReport) -> str:
    return "\n".join(f"- {moment_text(file.received_at)}: {file_said(file, report.sent)}" for file in report.files)


def _asked_of_refused(report: DeliveryReport) -> str:
    """What the partner is asked where nothing can be used."""
    if report.files[-1].refusal != "not_active":
        return "Wilt u een nieuw bestand aanleveren?"
    # What its sender delivers is said with the refusal.
    elsewhere = report.sent.agreement.delivered_by
    return "" if elsewhere else "Hoort het bij een andere maand? Wilt u het dan voor die maand aanleveren?"


def _asked_of_files(sent: PartnerMonth) -> Iterator[str]:
    """What the partner is asked of files that came beside what is used."""
    for file in sent.questioned:
        yield (
            f"Wilt u ons laten weten of het bestand van {moment_text(file.received_at)} uur uw levering vervangt, of een "
            "aanvulling daarop is?"
        )
    if again := [file for file in sent.refused_since if file.refusal != "not_active"]:
        which = "het geweigerde bestand" if len(again) == 1 else "de geweigerde bestanden"
        yield f"Wilt u {which} verbeteren en opnieuw aanleveren?"


def _what_to_mend(report: DeliveryReport) -> str:
    """How rows can be mended, where the partner delivers them itself and is not asked for another file already."""
    found = report.delivered
    if found is None or found.rejected_count == found.row_count or report.sent.agreement.delivered_by:
        return ""
    if report.sent.agreement.is_delivered_in_parts:
        return "\nKunt u regels verbeteren? Stuur die dan in een nieuw bestand."
    return (
        "\nKunt u regels verbeteren? Stuur dan het hele bestand opnieuw, niet alleen die regels: het nieuwe vervangt het "
        "vorige."
    )


def _attachments(report: DeliveryReport, statuses: str, overview: str) -> str:
    """Those with something in them, and what that is."""
    of_rows = ", met het regelnummer en uw eigen klantkenmerk"
    named = [f"- {statuses}: wat er met die signalen is gebeurd{of_rows}"] if report.told else []
    rejected = f"; de afgekeurde regels en waarom{of_rows}" if report.rejected else ""
    named.append(f"- {overview}: wat wij van u ontvingen, deze maand en de maanden ervoor{rejected}")
    return ("Bijlagen:\n" if len(named) > 1 else "Bijlage:\n") + "\n".join(named)


def _counted(numbers: Mapping[str, int]) -> str:
    return "\n".join(f"- {number} × {what}" for what, number in numbers.items())


def gap_said(of: PartnerMonth, now: datetime) -> str:
    """What became of a month without a usable delivery, at the aware moment `now`."""
    if of.questioned:
        return "nog niet gebruikt"
    if of.refused:
        return "geweigerd"
    return "niet ontvangen" if of.is_missing(now) else "nog verwacht"
