"""How notices read: English for who watches the pipeline, Dutch for teams and partners.

Only words. What is told stands in `alerts.plan` and `alerts.problems`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vroeg_pipeline.alerts.plan import Notice, Phase
from vroeg_pipeline.domain.alerts import ASKED_OF_PARTNERS, AlertKind, Language
from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.domain.reasons import REFUSALS_IN_DUTCH

Facts = Mapping[str, Any]

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
        AlertKind.OUTDATED: "delivery outdated",
        AlertKind.VOLUME: "unusual number of rows",
        AlertKind.DRIFT: "columns are not as agreed",
        AlertKind.CHECK_FAILED: "check failed",
        AlertKind.RUN_FAILED: "run failed",
        AlertKind.AUTOMATION: "sensor or schedule does not work",
        AlertKind.DISK: "disk is filling",
        AlertKind.MONTH_DONE: "worklists made",
    },
    "nl": {
        AlertKind.MISSING: "levering ontbreekt",
        AlertKind.LATE: "levering kwam te laat",
        AlertKind.REFUSED: "levering geweigerd",
        AlertKind.OUTDATED: "levering verouderd",
        AlertKind.VOLUME: "ongewoon aantal regels",
        AlertKind.DRIFT: "kolommen wijken af van de afspraak",
        AlertKind.CHECK_FAILED: "controle niet geslaagd",
        AlertKind.RUN_FAILED: "verwerking mislukt",
        AlertKind.AUTOMATION: "sensor of schema werkt niet",
        AlertKind.DISK: "schijf raakt vol",
        AlertKind.MONTH_DONE: "werklijsten gemaakt",
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
    "share_rejected": "aandeel afgekeurde regels",
    "share_doubles": "aandeel dubbele regels",
    "share_needs_review": "aandeel adressen dat niet zeker is gevonden",
    "missing_columns": "afgesproken kolommen die ontbreken",
    "unexpected_columns": "kolommen die niet zijn afgesproken",
}
_BOUNDS_IN_DUTCH = (("at most", "hoogstens"), ("at least", "minstens"), (" to ", " tot "), (" times", " keer"))


def compose(notices: Sequence[Notice], language: Language, *, link: str | None, drafts_by: str | None) -> Message:
    """One message of one or more notices, in their order.

    `link`: the address of the UI. `drafts_by`: add for each problem that a partner can mend the Dutch text for its contact,
    with this signature.
    """
    lines = [_line(notice, language) for notice in notices]
    if drafts_by is not None:
        asked = [n for n in notices if n.condition.kind in ASKED_OF_PARTNERS and n.phase != Phase.SOLVED]
        asked = [notice for notice in asked if notice.condition.facts.get("name")]
        lines += [_draft(notice, language, drafts_by) for notice in asked]
    if link:
        see = "Dagster UI" if language == "en" else "Details in Dagster"
        lines.append(f"{see}: {_page(notices, link)}")
    return Message(_title(notices, language), "\n\n".join(lines) + "\n")


def letter(notices: Sequence[Notice], signature: str) -> Message:
    """The message to a partner's own contact, in Dutch; all notices are of that partner."""
    asked = "\n\n".join(_ask(notice) for notice in notices)
    first = notices[0].condition
    months = ", ".join(dict.fromkeys(month_text(n.condition.month) for n in notices if n.condition.month))
    title = f"Aanlevering vroegsignalering {months}: {_TITLES['nl'][first.kind]}"
    return Message(
        title if len(notices) == 1 else f"Aanlevering vroegsignalering {months}",
        _as_letter(first.facts, asked, signature),
    )


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
    return f"{_SENDER}: {what}, {about}"


def _about(notice: Notice) -> str:
    condition = notice.condition
    who = condition.facts.get("name") or condition.subject
    return " ".join(part for part in (str(who), month_text(condition.month) if condition.month else "") if part)


def _line(notice: Notice, language: Language) -> str:
    kind, facts = notice.condition.kind, notice.condition.facts
    said = _PHASES[language][notice.phase] + _TITLES[language][kind]
    head = f"{_about(notice)}: {said}." if _about(notice) else _sentence(said)
    if notice.phase == Phase.SOLVED:
        return f"{head} {_solution(facts, language)}".rstrip()
    contact = facts.get("contact")
    reach = f" Contact: {contact}." if contact and kind in ASKED_OF_PARTNERS else ""
    return f"{head} {(_ENGLISH if language == 'en' else _DUTCH)[kind](facts)}{reach}".strip()


def _solution(facts: Facts, language: Language) -> str:
    if "solved_by" not in facts:
        return ""
    if language == "nl":
        return f"De levering is nu die van {facts['solved_by']}, {facts['rows']} regels."
    return f"The delivery is now that of {facts['solved_by']}, {facts['rows']} rows."


def _findings(facts: Facts, language: Language) -> str:
    if language == "en" or not facts.get("findings"):
        return str(facts["said"])
    return "; ".join(_finding_in_dutch(finding) for finding in facts["findings"])


def _finding_in_dutch(finding: Mapping[str, str]) -> str:
    measure, observed, expected = finding["measure"], finding["observed"], finding["expected"]
    columns = {
        "renamed": f"de kolom '{expected}' lijkt nu '{observed}' te heten",
        "gone": f"de kolom '{expected}' ontbreekt",
        "added": f"de kolom '{observed}' is nieuw",
    }
    return columns.get(measure) or (
        f"{_MEASURES_IN_DUTCH.get(measure, measure)}: {_in_dutch(observed)}, verwacht {_in_dutch(expected)}"
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _in_dutch(bounds: str) -> str:
    for english, dutch in _BOUNDS_IN_DUTCH:
        bounds = bounds.replace(english, dutch)
    return bounds


def _why_outdated(facts: Facts) -> str:
    said = ["the same bytes as for an earlier month came again"] if facts["old_bytes"] else []
    if facts["age"] is not None and facts["age"] > facts["most"]:
        said.append(f"its newest reference date is {facts['newest']}, {facts['age']} days before the deadline (at most "
                    f"{facts['most']})")  # fmt: skip
    if facts["percentage"]:
        said.append(f"{facts['percentage']}% of its rows are outdated and were rejected")
    return _sentence("; ".join(said))


def _why_outdated_in_dutch(facts: Facts) -> str:
    said = [REFUSALS_IN_DUTCH["stale_copy"]] if facts["old_bytes"] else []
    if facts["age"] is not None and facts["age"] > facts["most"]:
        said.append(f"de nieuwste peildatum is {facts['newest']}, {facts['age']} dagen voor de uiterste leverdatum "
                    f"(afgesproken is hoogstens {facts['most']})")  # fmt: skip
    if facts["percentage"]:
        said.append(f"{facts['percentage']}% van de regels is verouderd en afgekeurd")
    return "; ".join(said)


def _month_done(facts: Facts) -> str:
    figures = (
        f"{facts['signals']} signals, {facts['addresses']} addresses reported, {facts['recidivists']} of them before"
    )
    missing = f"Made without {', '.join(facts['missing'])}." if facts["missing"] else "Every partner delivered."
    changes = "; ".join(f"{c['worklist']} issue {c['issue']}: +{c['added']} −{c['withdrawn']}" for c in facts["issues"])
    return f"{figures}. {missing} Issued: {changes or 'nothing'}."


def _month_done_in_dutch(facts: Facts) -> str:
    figures = (
        f"{facts['signals']} signalen, {facts['addresses']} adressen gemeld, "
        f"waarvan {facts['recidivists']} eerder gemeld"
    )
    missing = f"Zonder {', '.join(facts['missing'])}." if facts["missing"] else "Alle partners hebben geleverd."
    changes = "; ".join(
        f"{c['worklist']} uitgifte {c['issue']}: +{c['added']} −{c['withdrawn']}" for c in facts["issues"]
    )
    return f"{figures}. {missing} Uitgegeven: {changes or 'niets'}."


def _refused_before(facts: Facts) -> str:
    return f" What came was refused: {', '.join(facts['refusals'])}." if facts["refusals"] else ""


def _refused_before_in_dutch(facts: Facts) -> str:
    why = "; ".join(REFUSALS_IN_DUTCH[refusal] for refusal in facts["refusals"])
    return f" Wat kwam is geweigerd: {why}." if why else ""


_ENGLISH: Mapping[AlertKind, Callable[[Facts], str]] = {
    AlertKind.MISSING: lambda f: (
        f"Nothing usable came by {f['due']}." + _refused_before(f)
        + " The worklists are made without it; when it comes, they are made again."
    ),
    AlertKind.LATE: lambda f: (
        f"It came on {f['received']}, {f['hours']:g} hours after the deadline of {f['due']}: {f['rows']} rows. It is used."
    ),
    AlertKind.REFUSED: lambda f: (
        f"{f['files']} files lie in folders without an agreement: add one, or remove the folder." if "files" in f
        else f"What came on {f['received']} cannot be used: {f['refusal']} ({f['detail']})."
    ),
    AlertKind.OUTDATED: _why_outdated,
    AlertKind.VOLUME: lambda f: _findings(f, "en"),
    AlertKind.DRIFT: lambda f: _findings(f, "en"),
    AlertKind.CHECK_FAILED: lambda f: f"{f['check']}: {f['said']}",
    AlertKind.RUN_FAILED: lambda f: (
        f"Job {f['job']}, run {f['run']}, step {f['step']}. Teams get nothing new until it succeeds; it is tried again by "
        "itself, and the run's page says why it failed."
    ),
    AlertKind.AUTOMATION: lambda f: f"{f['said']}.",
    AlertKind.DISK: lambda f: f"{f['said']}. Runs fail when it is full.",
    AlertKind.MONTH_DONE: _month_done,
}  # fmt: skip
_DUTCH: Mapping[AlertKind, Callable[[Facts], str]] = {
    AlertKind.MISSING: lambda f: (
        f"Er kwam niets bruikbaars voor {f['due']}." + _refused_before_in_dutch(f)
        + " De werklijsten worden zonder deze partner gemaakt, en opnieuw als de levering komt."
    ),
    AlertKind.LATE: lambda f: (
        f"Ontvangen op {f['received']}, de afspraak was {f['due']}: {f['rows']} regels. De levering wordt gebruikt."
    ),
    AlertKind.REFUSED: lambda f: (
        f"{f['files']} bestanden liggen in mappen zonder leveringsafspraak." if "files" in f
        else f"Het bestand van {f['received']} kan niet worden gebruikt: {REFUSALS_IN_DUTCH[f['refusal']]}."
    ),
    AlertKind.OUTDATED: lambda f: _sentence(_why_outdated_in_dutch(f)),
    AlertKind.VOLUME: lambda f: _sentence(_findings(f, "nl")),
    AlertKind.DRIFT: lambda f: _sentence(_findings(f, "nl")),
    AlertKind.CHECK_FAILED: lambda f: f"{f['check']}: {_findings(f, 'nl')}",
    AlertKind.RUN_FAILED: lambda f: (
        f"Er komt niets nieuws op de werklijsten tot het is verholpen (run {f['run']}); de beheerder weet ervan."
    ),
    AlertKind.AUTOMATION: lambda f: f"{f['said']}.",
    AlertKind.DISK: lambda f: f"{f['said']}.",
    AlertKind.MONTH_DONE: _month_done_in_dutch,
}  # fmt: skip


def _draft(notice: Notice, language: Language, signature: str) -> str:
    facts = notice.condition.facts
    head = "Text for" if language == "en" else "Tekst voor"
    body = "\n".join(f"> {line}".rstrip() for line in _as_letter(facts, _ask(notice), signature).splitlines())
    return f"{head} {facts.get('contact') or facts['name']}:\n{body}"


def _ask(notice: Notice) -> str:
    """What the partner is told and asked, without salutation."""
    condition = notice.condition
    facts, month = condition.facts, month_text(condition.month) if condition.month else ""
    again = "We hebben dit eerder gemeld. " if notice.phase == Phase.REMINDER else ""
    if condition.kind == AlertKind.MISSING:
        refused = [REFUSALS_IN_DUTCH[refusal] for refusal in facts["refusals"]]
        got = f" Wat we ontvingen konden we niet gebruiken: {'; '.join(refused)}." if refused else ""
        return (
            f"{again}We hebben voor de signaalmaand {month} nog geen bruikbare aanlevering van u ontvangen. Afgesproken was "
            f"uiterlijk {facts['due']} uur.{got} Wilt u het bestand alsnog aanleveren? Ook een late levering wordt verwerkt."
        )
    if condition.kind == AlertKind.REFUSED:
        return (
            f"{again}Uw bestand voor de signaalmaand {month}, ontvangen op {facts['received']} uur, konden we niet "
            f"gebruiken: {REFUSALS_IN_DUTCH[facts['refusal']]}. Wilt u een nieuw bestand aanleveren?"
        )
    if condition.kind == AlertKind.OUTDATED:
        return (
            f"{again}Uw aanlevering voor de signaalmaand {month} is verouderd: {_why_outdated_in_dutch(facts)}. Wilt u een "
            "nieuw bestand met een recente peildatum aanleveren?"
        )
    what = "het aantal regels" if condition.kind == AlertKind.VOLUME else "de kolommen"
    return (
        f"{again}In uw aanlevering voor de signaalmaand {month} wijken {what} af van wat we verwachten: "
        f"{_findings(facts, 'nl')}. Klopt dat? Zo niet, wilt u dan een nieuw bestand aanleveren?"
    )


def _as_letter(facts: Facts, asked: str, signature: str) -> str:
    return f"Beste {facts['addressee']},\n\n{asked}\n\nMet vriendelijke groet,\n{signature}\n"


def _page(notices: Sequence[Notice], link: str) -> str:
    """The page of the one partner that the notices are about, else the front page."""
    subjects = {notice.condition.subject for notice in notices if notice.condition.facts.get("name")}
    base = re.sub(r"/+$", "", link)
    everything_of_one = len(subjects) == 1 and all(n.condition.subject in subjects for n in notices)
    return f"{base}/assets/deliveries/{subjects.pop()}?view=checks" if everything_of_one else base
