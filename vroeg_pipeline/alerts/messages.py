"""How notices read: English for who watches the pipeline, Dutch for teams and partners.

Only words. What is told stands in `alerts.plan` and `alerts.problems`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from vroeg_pipeline.alerts.facts import (
    AskedOfPartner,
    Automation,
    CheckFailed,
    Crisis,
    Disk,
    Drift,
    Facts,
    Late,
    Missing,
    Mistaken,
    MonthDone,
    Outdated,
    Questioned,
    Refused,
    Returned,
    RunFailed,
    Solution,
    Stray,
    ToBeRemoved,
    TooLate,
    Volume,
)
from vroeg_pipeline.alerts.links import links
from vroeg_pipeline.alerts.plan import Notice, Phase
from vroeg_pipeline.automation import jobs
from vroeg_pipeline.domain.alerts import AlertKind, Language
from vroeg_pipeline.domain.dutch import in_a_row, in_dutch
from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.domain.reasons import REFUSALS_IN_DUTCH
from vroeg_pipeline.installation.home import command_of
from vroeg_pipeline.installation.notes import Finding
from vroeg_pipeline.worklists.worklist_file import worklist_title

_SENDER = "Vroeg Eropaf"


@dataclass(frozen=True)
class Message:
    """What one recipient gets at one time."""

    title: str
    body: str


_TITLES: Mapping[Language, Mapping[AlertKind, str]] = {
    "en": {
        AlertKind.MISSING: "delivery missing",
        AlertKind.LATE: "delivery came late",
        AlertKind.REFUSED: "delivery refused",
        AlertKind.QUESTIONED: "replacement lacks people",
        AlertKind.OUTDATED: "delivery outdated",
        AlertKind.VOLUME: "unusual number of rows",
        AlertKind.DRIFT: "columns are not as agreed",
        AlertKind.CHECK_FAILED: "check failed",
        AlertKind.RUN_FAILED: "run failed",
        AlertKind.AUTOMATION: "sensor or schedule does not work",
        AlertKind.DISK: "disk is filling",
        AlertKind.AGREEMENTS: "an agreement or setting is wrong",
        AlertKind.MONTH_DONE: "worklists made",
        AlertKind.CRISIS: "crisis on a worklist",
        AlertKind.RETURNED: "a returned worklist went back",
        AlertKind.RETENTION: "the end of what is kept",
    },
    "nl": {
        AlertKind.MISSING: "levering ontbreekt",
        AlertKind.LATE: "levering kwam te laat",
        AlertKind.REFUSED: "levering geweigerd",
        AlertKind.QUESTIONED: "vervangend bestand mist klanten",
        AlertKind.OUTDATED: "levering verouderd",
        AlertKind.VOLUME: "het aantal regels wijkt af",
        AlertKind.DRIFT: "kolommen wijken af van de afspraak",
        AlertKind.CHECK_FAILED: "controle niet geslaagd",
        AlertKind.RUN_FAILED: "verwerking mislukt",
        AlertKind.AUTOMATION: "sensor of schema werkt niet",
        AlertKind.DISK: "schijf raakt vol",
        AlertKind.AGREEMENTS: "een leveringsafspraak of instelling klopt niet",
        AlertKind.MONTH_DONE: "werklijsten gemaakt",
        AlertKind.CRISIS: "crisis op een werklijst",
        AlertKind.RETURNED: "teruggestuurd naar het team",
        AlertKind.RETENTION: "einde van de bewaartermijn",
    },
}
_PHASES: Mapping[Language, Mapping[Phase, str]] = {
    "en": {Phase.RAISED: "", Phase.REMINDER: "still: ", Phase.SOLVED: "solved: "},
    "nl": {Phase.RAISED: "", Phase.REMINDER: "nog steeds: ", Phase.SOLVED: "opgelost: "},
}
_MEASURES_IN_DUTCH = {
    "row_count": "aantal regels",
    "rows_to_usual": "aantal regels vergeleken met de zes maanden ervoor",
    "amount_to_usual": "mediaan van de achterstanden vergeleken met de zes maanden ervoor",
    "median_amount": "mediaan van de achterstanden",
    "days_to_usual": "mediaan van de dagen achterstand vergeleken met de zes maanden ervoor",
    "share_rejected": "aandeel afgekeurde regels",
    "share_outside_area": "aandeel adressen buiten het gebied",
    "outside_area_above_usual": "aandeel adressen buiten het gebied, boven wat gewoon is",
    "share_doubles": "aandeel dubbele regels",
    "share_needs_review": "aandeel adressen dat niet zeker is gevonden",
    "share_without_reminder": "aandeel signalen zonder herinnering vooraf",
    "missing_columns": "afgesproken kolommen die ontbreken",
    "unexpected_columns": "kolommen die niet zijn afgesproken",
}
_GUESSES_IN_DUTCH = {
    "cents read as euro?": " (centen gelezen als euro?)",
    "euro read as cents?": " (euro gelezen als centen?)",
}
_BOUNDS_IN_DUTCH = (("at most", "hoogstens"), ("at least", "minstens"), (" to ", " tot "), (" times", " keer"))


def compose(
    notices: Sequence[Notice], language: Language, *, link: str | None, town: str = "", drafts_by: str | None
) -> Message:
    """One message of one or more notices, in their order.

    `link`: the address of the UI, for the pages of each; `town`: whose they are, of one among others. `drafts_by`: add for
    each contact that can mend something one Dutch text, with this signature.
    """
    see = "Dagster UI" if language == "en" else "Details in Dagster"
    lines = [
        _line(notice, language, command_of(town))
        + (f"\n{see}: {' · '.join(links(notice.condition, link, town))}" if link else "")
        for notice in notices
    ]
    if drafts_by is not None:
        letters: dict[tuple[str, str], list[tuple[Notice, AskedOfPartner]]] = {}
        for notice, facts in _asked([notice for notice in notices if notice.phase != Phase.SOLVED]):
            letters.setdefault((facts.contact or facts.name, facts.addressee), []).append((notice, facts))
        lines += [_draft(whom, asked, language, drafts_by) for (whom, _), asked in letters.items()]
    return Message(_title(notices, language), "\n\n".join(lines) + "\n")


def partner_text(notices: Sequence[Notice], signature: str) -> Message:
    """The message to a contact, in Dutch; all notices are of its partner, or of those whose rows it sends."""
    asked = _asked(notices)
    months = ", ".join(dict.fromkeys(month_text(n.condition.month) for n, _ in asked if n.condition.month))
    kinds = {facts.kind for _, facts in asked}
    title = f"Aanlevering vroegsignalering {months}"
    return Message(f"{title}: {_TITLES['nl'][kinds.pop()]}" if len(kinds) == 1 else title, _letter(asked, signature))


def _asked(notices: Sequence[Notice]) -> list[tuple[Notice, AskedOfPartner]]:
    """Those that a partner can mend, each file once: that nothing usable came says already why what came was refused."""
    asked = [(n, n.condition.facts) for n in notices if isinstance(n.condition.facts, AskedOfPartner)]
    told = {_of(notice) for notice, facts in asked if isinstance(facts, Missing) and facts.refusals}
    return [(n, facts) for n, facts in asked if not (isinstance(facts, Refused) and _of(n) in told)]


def _of(notice: Notice) -> tuple[Phase, str, date | None]:
    return notice.phase, notice.condition.subject, notice.condition.month


def _title(notices: Sequence[Notice], language: Language) -> str:
    first = notices[0]
    same = {(notice.phase, notice.condition.kind) for notice in notices} == {(first.phase, first.condition.kind)}
    if not same:
        counted = "meldingen" if language == "nl" else "alerts"
        kinds = dict.fromkeys(_TITLES[language][notice.condition.kind] for notice in notices)
        return f"{_SENDER}: {len(notices)} {counted} ({', '.join(kinds)})"
    what = _PHASES[language][first.phase] + _TITLES[language][first.condition.kind]
    about = ", ".join(dict.fromkeys(_about(notice) for notice in notices))
    if len(notices) > 1:
        months = ", ".join(dict.fromkeys(month_text(n.condition.month) for n in notices if n.condition.month))
        about = f"{len(notices)} × {months}" if months else f"{len(notices)} ×"
    return f"{_SENDER}: " + ", ".join(part for part in (what, about) if part)


def _about(notice: Notice) -> str:
    condition = notice.condition
    who = condition.facts.name or condition.subject
    return " ".join(part for part in (who, month_text(condition.month) if condition.month else "") if part)


def _line(notice: Notice, language: Language, vroeg: str) -> str:
    facts = notice.condition.facts
    said = _PHASES[language][notice.phase] + _TITLES[language][facts.kind]
    head = f"{_about(notice)}: {said}." if _about(notice) else _sentence(said)
    if notice.phase == Phase.SOLVED:
        return f"{head} {_solution(notice.solution, language)}".rstrip()
    reach = f" Contact: {facts.contact}." if isinstance(facts, AskedOfPartner) and facts.contact else ""
    return f"{head} {_english(facts, vroeg) if language == 'en' else _dutch(facts)}{reach}".strip()


def _solution(solution: Solution | None, language: Language) -> str:
    if solution is None:
        return ""
    if language == "nl":
        return f"De levering is nu die van {solution.received}, {in_dutch(solution.rows, 'regel', 'regels')}."
    return f"The delivery is now that of {solution.received}, {solution.rows} rows."


def _findings_in_dutch(facts: Volume | Drift | CheckFailed) -> str:
    return "; ".join(_finding_in_dutch(finding) for finding in facts.findings) or facts.said


def _finding_in_dutch(finding: Finding) -> str:
    measure, observed, expected = finding.measure, finding.observed, finding.expected
    columns = {
        "renamed": f"de kolom '{expected}' lijkt nu '{observed}' te heten",
        "gone": f"de kolom '{expected}' ontbreekt",
        "added": f"de kolom '{observed}' is nieuw",
    }
    guess = "".join(dutch for english, dutch in _GUESSES_IN_DUTCH.items() if english in finding.how_far_off)
    return columns.get(measure) or (
        f"{_MEASURES_IN_DUTCH.get(measure, measure)}: {_with_dutch_words(observed)}, "
        f"verwacht {_with_dutch_words(expected)}{guess}"
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _with_dutch_words(bounds: str) -> str:
    for english, dutch in _BOUNDS_IN_DUTCH:
        bounds = bounds.replace(english, dutch)
    return bounds


def _english(facts: Facts, vroeg: str) -> str:
    match facts:
        case Missing():
            refused = f" What came was refused: {', '.join(facts.refusals)}." if facts.refusals else ""
            return (
                f"Nothing usable came by {facts.due}.{refused} The worklists are made without it; when it comes, they are "
                "made again."
            )
        case Late():
            return (
                f"It came on {facts.received}, {facts.hours:g} hours after the deadline of {facts.due}: {facts.rows} rows. "
                "It is used."
            )
        case Refused():
            return f"What came on {facts.received} cannot be used: {facts.refusal} ({facts.detail})."
        case Questioned():
            return (
                f"The file of {facts.received} would replace the delivery, but lacks {facts.lacking} of its "
                f"{facts.references} references. It is not used until somebody decides what it is: {vroeg} deliveries list."
            )
        case Stray():
            what = "add one, or remove the folder"
            return f"{facts.files} files lie in folders without an agreement: {what}."
        case Outdated():
            return _why_outdated(facts)
        case Volume() | Drift():
            return facts.said
        case CheckFailed():
            return f"{facts.check}: {facts.said}"
        case RunFailed(by_hand=True):
            return (
                f"Job {facts.job}, run {facts.run}, step {facts.step}. Somebody started it, and it is not tried again by "
                "itself: the run's page says why it failed, and has Re-execute. What runs by itself goes on."
            )
        case RunFailed(job=jobs.HOUSEKEEPING_JOB):
            return (
                f"Job {facts.job}, run {facts.run}, step {facts.step}. Old runs are not cleared away; it is tried again the "
                "next night, and the run's page says why it failed. What teams and partners get goes on."
            )
        case RunFailed(job=jobs.RETENTION_JOB):
            return (
                f"Job {facts.job}, run {facts.run}, step {facts.step}. What is over its term is not removed; it is tried "
                "again the next night, and the run's page says why it failed. What teams and partners get goes on."
            )
        case RunFailed():
            return (
                f"Job {facts.job}, run {facts.run}, step {facts.step}. Teams get nothing new until it succeeds; it is tried "
                "again by itself, and the run's page says why it failed."
            )
        case Automation():
            return f"{facts.said}."
        case Disk():
            return f"{facts.said}. Runs fail when it is full."
        case Mistaken():
            return (
                f"{facts.said}. The last good agreements and settings stay in force, all of them, until it is mended."
            )
        case ToBeRemoved():
            return (
                f"From {facts.day} on it is removed for good: {facts.count} rows and files ({', '.join(facts.terms)}). The "
                f"month is not run again then. Which: {vroeg} retention --dry-run."
            )
        case TooLate():
            came = "1 file came" if facts.files == 1 else f"{facts.files} files came"
            return (
                f"{came} after its data was removed: kept in the inbox, and not worked on. Read it, or ask its sender."
            )
        case MonthDone():
            return _month_done(facts)
        case Crisis():
            addresses = "1 address" if facts.addresses == 1 else f"{facts.addresses} addresses"
            return (
                f"Issue {facts.issue} of {worklist_title(facts.worklist)} adds {addresses} where a cut-off or eviction was "
                "announced: first contact within three working days of the partner's file."
            )
        case Returned():
            whose = worklist_title(facts.worklist) if facts.worklist else "a team"
            if facts.is_refused:
                return (
                    f"The file of {whose} that came on {facts.received} was refused: {facts.reply} in the outbox says "
                    "why."
                )
            rows = "1 row" if facts.rows == 1 else f"{facts.rows} rows"
            return (
                f"{rows} of the file of {whose} that came on {facts.received} could not be read: mend the marked cells of "
                f"{facts.reply} in the outbox, and hand that in."
            )


def _dutch(facts: Facts) -> str:
    match facts:
        case Missing():
            refused = f" Wat kwam is geweigerd: {facts.why}." if facts.refusals else ""
            return (
                f"Er kwam niets bruikbaars voor {facts.due}.{refused} De werklijsten worden zonder deze partner gemaakt, en "
                "opnieuw als de levering komt."
            )
        case Late():
            return (
                f"Ontvangen op {facts.received}, de afspraak was {facts.due}: {in_dutch(facts.rows, 'regel', 'regels')}. "
                "De levering wordt gebruikt."
            )
        case Refused():
            return f"Het bestand van {facts.received} kan niet worden gebruikt: {facts.why}."
        case Questioned():
            return (
                f"Het bestand van {facts.received} zou de levering vervangen, maar {facts.lacking} van de "
                f"{facts.references} klantkenmerken ontbreken. Het wordt niet gebruikt tot iemand besluit wat het is."
            )
        case Stray():
            lie = in_dutch(facts.files, "bestand ligt in een map", "bestanden liggen in mappen")
            return f"{lie} zonder leveringsafspraak."
        case Outdated():
            return _sentence(_why_outdated_in_dutch(facts))
        case Volume() | Drift():
            return _sentence(_findings_in_dutch(facts))
        case CheckFailed():
            return f"{facts.check}: {_findings_in_dutch(facts)}"
        case RunFailed(by_hand=True):
            return f"Iemand heeft deze verwerking zelf gestart (run {facts.run}). Wat vanzelf loopt, gaat door."
        case RunFailed(job=jobs.HOUSEKEEPING_JOB):
            return f"Het opruimen van oude verwerkingen is mislukt (run {facts.run}). Wat vanzelf loopt, gaat door."
        case RunFailed(job=jobs.RETENTION_JOB):
            return f"Het verwijderen na de bewaartermijn is mislukt (run {facts.run}). Wat vanzelf loopt, gaat door."
        case RunFailed():
            return f"Er komt niets nieuws op de werklijsten tot het is verholpen (run {facts.run}); de beheerder weet ervan."
        case Automation() | Disk():
            return f"{facts.said}."
        case Mistaken():
            return f"De laatste goede afspraken en instellingen blijven gelden tot het is hersteld. {facts.said}."
        case ToBeRemoved():
            gone = in_dutch(facts.count, "regel of bestand wordt", "regels en bestanden worden")
            return f"{gone} vanaf {facts.day} voorgoed verwijderd. De maand wordt daarna niet meer verwerkt."
        case TooLate():
            came = in_dutch(facts.files, "bestand kwam", "bestanden kwamen")
            return f"{came} nadat de gegevens waren verwijderd: bewaard in de inbox, niet verwerkt. De beheerder weet ervan."
        case MonthDone():
            return _month_done_in_dutch(facts)
        case Crisis():
            addresses = in_dutch(facts.addresses, "adres", "adressen")
            return (
                f"Uitgifte {facts.issue} van {worklist_title(facts.worklist)} heeft {addresses} met een aangekondigde "
                "afsluiting of ontruiming erbij: eerste contact binnen drie werkdagen na het bestand van de partner."
            )
        case Returned():
            whose = worklist_title(facts.worklist) if facts.worklist else "een team"
            if facts.is_refused:
                return (
                    f"Het bestand van {whose}, ontvangen op {facts.received}, kon niet worden gebruikt. Waarom staat in "
                    f"{facts.reply}."
                )
            rows = in_dutch(facts.rows, "regel", "regels")
            return (
                f"In het bestand van {whose}, ontvangen op {facts.received}, konden we {rows} niet lezen. Verbeter de "
                f"gemarkeerde cellen in {facts.reply} en lever dat bestand in."
            )


def _why_outdated(facts: Outdated) -> str:
    said = ["the same bytes as for an earlier month came again"] if facts.old_bytes else []
    if facts.age is not None and facts.age > facts.most:
        said.append(
            f"its newest reference date is {facts.newest}, {facts.age} days before the deadline (at most {facts.most})"
        )
    if facts.percentage:
        said.append(f"{facts.percentage}% of its rows are outdated and were rejected")
    return _sentence("; ".join(said))


def _why_outdated_in_dutch(facts: Outdated) -> str:
    said = [REFUSALS_IN_DUTCH["stale_copy"]] if facts.old_bytes else []
    if facts.age is not None and facts.age > facts.most:
        said.append(
            f"de nieuwste peildatum is {facts.newest}, {in_dutch(facts.age, 'dag', 'dagen')} voor de uiterste leverdatum "
            f"(afgesproken is hoogstens {facts.most})"
        )
    if facts.percentage:
        said.append(f"{facts.percentage}% van de regels is verouderd en afgekeurd")
    return "; ".join(said)


def _month_done(facts: MonthDone) -> str:
    figures = f"{facts.signals} signals, {facts.addresses} addresses reported, {facts.recidivists} of them before"
    missing = f"Made without {', '.join(facts.missing)}." if facts.missing else "Every partner delivered."
    changes = "; ".join(
        f"{worklist_title(i.worklist)}, issue {i.issue}: {i.added} added, {i.withdrawn} withdrawn" for i in facts.issues
    )
    return f"{figures}. {missing} Issued: {changes or 'nothing'}."


def _month_done_in_dutch(facts: MonthDone) -> str:
    signals, addresses = in_dutch(facts.signals, "signaal", "signalen"), in_dutch(facts.addresses, "adres", "adressen")
    figures = f"{signals}, {addresses} gemeld, waarvan {facts.recidivists} eerder gemeld"
    missing = f"Zonder {', '.join(facts.missing)}." if facts.missing else "Alle partners hebben geleverd."
    changes = "; ".join(
        f"{worklist_title(i.worklist)}, uitgifte {i.issue}: {i.added} bijgekomen, {i.withdrawn} vervallen"
        for i in facts.issues
    )
    return f"{figures}. {missing} Uitgegeven: {changes or 'niets'}."


def _draft(whom: str, asked: Sequence[tuple[Notice, AskedOfPartner]], language: Language, signature: str) -> str:
    head = "Text for" if language == "en" else "Tekst voor"
    body = "\n".join(f"> {line}".rstrip() for line in _letter(asked, signature).splitlines())
    return f"{head} {whom}:\n{body}"


def _letter(asked: Sequence[tuple[Notice, AskedOfPartner]], signature: str) -> str:
    """One letter: what is the same for several partners, as one file is of all of them, stands in it once."""
    texts: dict[str, list[str]] = {}
    for notice, facts in asked:
        texts.setdefault(_ask(notice, facts), []).extend([facts.name] if facts.sender else [])
    said = "\n\n".join(text + (f" Het gaat om {in_a_row(names)}." if names else "") for text, names in texts.items())
    return f"Beste {asked[0][1].addressee},\n\n{said}\n\nMet vriendelijke groet,\n{signature}\n"


def _ask(notice: Notice, facts: AskedOfPartner) -> str:
    """What the partner is told and asked, without salutation."""
    month = month_text(notice.condition.month) if notice.condition.month else ""
    again = "We hebben dit eerder gemeld. " if notice.phase == Phase.REMINDER else ""
    match facts:
        case Missing():
            got = f" Wat we ontvingen konden we niet gebruiken: {facts.why}." if facts.refusals else ""
            return (
                f"{again}We hebben voor de signaalmaand {month} nog geen bruikbare aanlevering van u ontvangen. Afgesproken "
                f"was uiterlijk {facts.due} uur.{got} Wilt u het bestand alsnog aanleveren? Ook een late levering wordt "
                "verwerkt."
            )
        case Refused():
            return (
                f"{again}Uw bestand voor de signaalmaand {month}, ontvangen op {facts.received} uur, konden we niet "
                f"gebruiken: {facts.why}. Wilt u een nieuw bestand aanleveren?"
            )
        case Questioned():
            return (
                f"{again}In uw bestand voor de signaalmaand {month}, ontvangen op {facts.received} uur, ontbreken "
                f"{facts.lacking} van de {facts.references} klantkenmerken van uw eerdere levering. Wij gebruiken het nog "
                "niet. Vervangt het de eerdere levering, of is het een aanvulling daarop?"
            )
        case Outdated():
            return (
                f"{again}Uw aanlevering voor de signaalmaand {month} is verouderd: {_why_outdated_in_dutch(facts)}. Wilt u "
                "een nieuw bestand met een recente peildatum aanleveren?"
            )
        case Volume() | Drift():
            differs = "wijkt het aantal regels" if isinstance(facts, Volume) else "wijken de kolommen"
            return (
                f"{again}In uw aanlevering voor de signaalmaand {month} {differs} af van wat we verwachten: "
                f"{_findings_in_dutch(facts)}. Klopt dat? Zo niet, wilt u dan een nieuw bestand aanleveren?"
            )
