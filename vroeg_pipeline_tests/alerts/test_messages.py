"""Every kind of alert has words in both languages, and what a partner can mend is asked of it."""

from __future__ import annotations

import re
from datetime import date

import pytest

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
from vroeg_pipeline.alerts.messages import compose, partner_text
from vroeg_pipeline.alerts.plan import Condition, Notice, Phase
from vroeg_pipeline.alerts.problems import month_done
from vroeg_pipeline.domain.agreements import agreement_from
from vroeg_pipeline.domain.alerts import ASKED_OF_PARTNERS, AlertKind
from vroeg_pipeline.domain.partners import Partners
from vroeg_pipeline.installation.notes import Finding, Issue, Made
from vroeg_pipeline.installation.town import ALONE
from vroeg_pipeline.quality.checks import delivery_checks
from vroeg_pipeline_tests.kit.world import agreement, moment

MARCH, NOW = date(2021, 3, 1), moment("2021-03-09 10:00")
WHO = {"name": "Huur", "contact": "020", "addressee": "afdeling incasso"}
CENTS = Finding("median_amount", "22050 euro", "at most 7500 euro", "14550 euro too high: cents read as euro?")
RENAMED, FEW = Finding("renamed", "Initial", "Initials"), Finding("row_count", "5", "20 to 400", "15 too low")
# Facts, and what stands in the English and in the Dutch line.
TOLD: list[tuple[Facts, str, str]] = [
    (
        Missing(**WHO, due="05-03-2021 17:00", refusals=("unreadable",)),
        "Nothing usable came by 05-03-2021 17:00. What came was refused: unreadable. The worklists are made without it",
        "Er kwam niets bruikbaars voor 05-03-2021 17:00. Wat kwam is geweigerd: het bestand kan niet worden gelezen",
    ),
    (
        Late(due="05-03-2021 17:00", received="06-03-2021 09:00", hours=16.5, rows=20),
        "It came on 06-03-2021 09:00, 16.5 hours after the deadline of 05-03-2021 17:00: 20 rows. It is used.",
        "Ontvangen op 06-03-2021 09:00, de afspraak was 05-03-2021 17:00: 20 regels. De levering wordt gebruikt.",
    ),
    (
        Missing(
            **WHO,
            due="05-03-2021 17:00",
            refusals=("too_large", "unreadable"),
            refusals_in_dutch=("dit", "en dat"),
        ),
        "Nothing usable came by 05-03-2021 17:00. What came was refused: too_large, unreadable.",
        "Er kwam niets bruikbaars voor 05-03-2021 17:00. Wat kwam is geweigerd: dit; en dat. De werklijsten",
    ),
    (
        Refused(
            **WHO,
            received="03-03-2021 10:00",
            refusal="missing_columns",
            detail="lacks surname",
            detail_in_dutch="deze kolommen ontbreken: 'Naam'",
        ),
        "What came on 03-03-2021 10:00 cannot be used: missing_columns (lacks surname).",
        "Het bestand van 03-03-2021 10:00 kan niet worden gebruikt: deze kolommen ontbreken: 'Naam'.",
    ),
    (
        Refused(**WHO, received="03-03-2021 10:00", refusal="missing_columns", detail="lacks surname"),
        "What came on 03-03-2021 10:00 cannot be used: missing_columns (lacks surname).",
        "Het bestand van 03-03-2021 10:00 kan niet worden gebruikt: een verplichte kolom ontbreekt",
    ),
    (
        Questioned(**WHO, received="15-03-2021 10:00", lacking=12, references=20),
        "The file of 15-03-2021 10:00 would replace the delivery, but lacks 12 of its 20 references. It is not used until",
        "Het bestand van 15-03-2021 10:00 zou de levering vervangen, maar 12 van de 20 klantkenmerken ontbreken.",
    ),
    (
        Mistaken(said="agreements/huur.yaml: field 'type' is missing"),
        "agreements/huur.yaml: field 'type' is missing. The last good agreements and settings stay in force",
        "De laatste goede afspraken en instellingen blijven gelden tot het is hersteld. agreements/huur.yaml: field",
    ),
    (
        Returned(
            worklist="wijkteam_noord",
            received="12-03-2021 10:00",
            rows=3,
            is_refused=False,
            reply="terugmelding_1.xlsx",
        ),
        "3 rows of the file of Wijkteam Noord that came on 12-03-2021 10:00 could not be read: mend the marked cells of "
        "terugmelding_1.xlsx in the outbox, and hand that in.",
        "In het bestand van Wijkteam Noord, ontvangen op 12-03-2021 10:00, konden we 3 regels niet lezen. Verbeter de "
        "gemarkeerde cellen in terugmelding_1.xlsx en lever dat bestand in.",
    ),
    (
        Returned(worklist="", received="12-03-2021 10:00", rows=0, is_refused=True, reply="terugmelding_1.xlsx"),
        "The file of a team that came on 12-03-2021 10:00 was refused: terugmelding_1.xlsx in the outbox says why.",
        "Het bestand van een team, ontvangen op 12-03-2021 10:00, kon niet worden gebruikt. Waarom staat in terugmelding_",
    ),
    (
        Crisis(worklist="wijkteam_noord", issue=2, addresses=1),
        "Issue 2 of Wijkteam Noord adds 1 address where a cut-off or eviction was announced: first contact within three",
        "Uitgifte 2 van Wijkteam Noord heeft 1 adres met een aangekondigde afsluiting of ontruiming erbij",
    ),
    (
        Crisis(worklist="budgetcoach", issue=3, addresses=2),
        "Issue 3 of Budgetcoach adds 2 addresses where",
        "Uitgifte 3 van Budgetcoach heeft 2 adressen met",
    ),
    (
        Stray(files=2),
        "2 files lie in folders without an agreement: add one, or remove the folder.",
        "2 bestanden liggen in mappen zonder leveringsafspraak.",
    ),
    (
        Outdated(**WHO, old_bytes=True, newest="18-02-2021", age=15, most=14, percentage=20),
        "The same bytes as for an earlier month came again; its newest reference date is 18-02-2021, 15 days before the "
        "deadline (at most 14); 20% of its rows are outdated and were rejected.",
        "Het bestand is gelijk aan dat van een eerdere maand; de nieuwste peildatum is 18-02-2021, 15 dagen voor de "
        "uiterste leverdatum (afgesproken is hoogstens 14); 20% van de regels is verouderd en afgekeurd.",
    ),
    (
        Volume(**WHO, said="row_count is 5, expected 20 to 400", findings=(FEW,)),
        "row_count is 5, expected 20 to 400",
        "Aantal regels: 5, verwacht 20 tot 400.",
    ),
    (
        Drift(**WHO, said="'Initials' seems to be called 'Initial' now", findings=(RENAMED,)),
        "'Initials' seems to be called 'Initial' now",
        "De kolom 'Initials' lijkt nu 'Initial' te heten.",
    ),
    (
        CheckFailed(check="signals.adds_up", said="is broken 2 times"),
        "adds_up: is broken 2 times",
        "adds_up: is broken",
    ),
    (
        CheckFailed(name="Huur", check="amounts_as_usual", said=f"{CENTS} (agreements/huur.yaml)", findings=(CENTS,)),
        "amounts_as_usual: median_amount is 22050 euro, expected at most 7500 euro (14550 euro too high: cents read as",
        "mediaan van de achterstanden: 22050 euro, verwacht hoogstens 7500 euro (centen gelezen als euro?)",
    ),
    (
        RunFailed(
            job="month", run="0a1b2c3d", run_id="0a1b2c3d-4", months=("2021-03-01",), failed_at=1.5, step="signals"
        ),
        "Job month, run 0a1b2c3d, step signals. Teams get nothing new until it succeeds",
        "Er komt niets nieuws op de werklijsten tot het is verholpen (run 0a1b2c3d)",
    ),
    (
        RunFailed(
            job="month",
            run="0a1b2c3d",
            run_id="0a1b2c3d-4",
            months=(),
            failed_at=1.5,
            step="check_signals",
            by_hand=True,
        ),
        "Job month, run 0a1b2c3d, step check_signals. Somebody started it, and it is not tried again by itself: the run",
        "Iemand heeft deze verwerking zelf gestart (run 0a1b2c3d). Wat vanzelf loopt, gaat door.",
    ),
    (
        RunFailed(job="retention", run="0a1b2c3d", run_id="0a1b2c3d-4", months=(), failed_at=1.5, step="removal"),
        "Job retention, run 0a1b2c3d, step removal. What is over its term is not removed; it is tried again the next night",
        "Het verwijderen na de bewaartermijn is mislukt (run 0a1b2c3d). Wat vanzelf loopt, gaat door.",
    ),
    (Automation(said="it is turned off in the UI"), "it is turned off in the UI.", "it is turned off in the UI."),
    (Disk(said="1 GiB free of 100"), "1 GiB free of 100. Runs fail when it is full.", "1 GiB free of 100."),
    (
        ToBeRemoved(day="08-08-2021", terms=("files", "rejected"), count=1204),
        "From 08-08-2021 on it is removed for good: 1204 rows and files (files, rejected). The month is not run again",
        "1.204 regels en bestanden worden vanaf 08-08-2021 voorgoed verwijderd. De maand wordt daarna niet meer verwerkt.",
    ),
    (
        TooLate(files=1),
        "1 file came after its data was removed: kept in the inbox, and not worked on. Read it, or ask its sender.",
        "1 bestand kwam nadat de gegevens waren verwijderd: bewaard in de inbox, niet verwerkt. De beheerder weet ervan.",
    ),
    (
        MonthDone(signals=3, addresses=2, recidivists=1, missing=("Water",), issues=(Issue("centrum", 2, 1, 0),)),
        "3 signals, 2 addresses reported, 1 of them before. Made without Water. Issued: Centrum, issue 2: 1 "
        "added, 0 withdrawn.",
        "3 signalen, 2 adressen gemeld, waarvan 1 eerder gemeld. Zonder Water. Uitgegeven: Centrum, uitgifte 2: "
        "1 bijgekomen, 0 vervallen.",
    ),
]


def notice(facts: Facts, phase: Phase = Phase.RAISED, solution: Solution | None = None) -> Notice:
    return Notice(phase, Condition(facts, "huur", MARCH), NOW, NOW, solution)


def test_every_kind_is_told_here() -> None:
    assert {facts.kind for facts, _, _ in TOLD} == set(AlertKind)


@pytest.mark.parametrize(("facts", "english", "dutch"), TOLD, ids=[type(facts).__name__ for facts, _, _ in TOLD])
def test_the_words_of_each_kind(facts: Facts, english: str, dutch: str) -> None:
    assert english in compose([notice(facts)], "en", link=None, drafts_by=None).body
    assert dutch in compose([notice(facts)], "nl", link=None, drafts_by=None).body


def test_what_is_to_be_typed_is_so_for_the_town() -> None:
    for town, command in (("", "vroeg"), ("haarlem", "vroeg --town haarlem")):
        told = [compose([notice(facts)], "en", link=None, town=town, drafts_by=None).body for facts, _, _ in TOLD]
        typed = re.findall(r": (vroeg [^.]*)\.", "".join(told))
        assert typed == [f"{command} deliveries list", f"{command} retention --dry-run"]


def test_what_partners_are_asked_is_what_settings_let_them_hear() -> None:
    asked = [facts for facts, _, _ in TOLD if isinstance(facts, AskedOfPartner)]
    assert {facts.kind for facts in asked} == set(ASKED_OF_PARTNERS)
    for facts in asked:
        told = partner_text([notice(facts, Phase.REMINDER)], "Gemeente Haarlem").body
        assert told.startswith("Beste afdeling incasso,\n\nWe hebben dit eerder gemeld. ")
        assert "2021-03" in told
        assert (
            f"> {told.splitlines()[2]}" in compose([notice(facts, Phase.REMINDER)], "en", link=None, drafts_by="G").body
        )
    for facts in (facts for facts, _, _ in TOLD if not isinstance(facts, AskedOfPartner)):
        assert "Beste" not in compose([notice(facts)], "nl", link=None, drafts_by="Gemeente Haarlem").body


def test_one_file_is_one_letter() -> None:
    refused = Refused(**WHO, received="03-03-2021 10:00", refusal="unreadable", detail="")
    missing = Missing(**WHO, due="05-03-2021 17:00", refusals=("unreadable",))
    of_one_file = [notice(facts) for facts in (missing, refused)]
    rows, columns = Volume(**WHO, said="", findings=(FEW,)), Drift(**WHO, said="", findings=(RENAMED,))
    for notices, paragraphs in ((of_one_file, 1), ([notice(rows), notice(columns)], 2)):
        told = compose(notices, "en", link=None, drafts_by="Het team").body
        assert told.count("Text for 020:") == told.count("> Beste") == 1
        letter = partner_text(notices, "Het team")
        assert letter.body.count("\n\n") == 1 + paragraphs
    assert partner_text(of_one_file, "Het team").title.endswith("2021-03: levering ontbreekt")
    assert partner_text([notice(rows), notice(columns)], "Het team").title == "Aanlevering vroegsignalering 2021-03"
    # That it is missing is solved by another file, and so is what was refused.
    assert "konden we niet gebruiken" in partner_text([notice(refused)], "Het team").body


def test_a_file_of_several_partners_is_one_letter_to_who_sent_it() -> None:
    who = {"contact": "020", "addressee": "Portaal", "sender": "portaal"}
    notices = [
        Notice(Phase.RAISED, Condition(Refused(name=name, **who, **file), partner, MARCH), NOW, NOW)
        for name, partner, file in (
            ("Huur", "huur", {"received": "03-03-2021 10:00", "refusal": "unreadable", "detail": ""}),
            ("Water", "water", {"received": "03-03-2021 10:00", "refusal": "unreadable", "detail": ""}),
            ("Gas", "gas", {"received": "04-03-2021 10:00", "refusal": "too_large", "detail": ""}),
        )
    ]
    body = partner_text(notices, "Het team").body
    assert body.startswith("Beste Portaal,")
    assert body.count("konden we niet gebruiken") == 2
    assert "Wilt u een nieuw bestand aanleveren? Het gaat om Huur en Water." in body
    assert "Wilt u een nieuw bestand aanleveren? Het gaat om Gas." in body


@pytest.mark.parametrize(
    ("facts", "subject", "occurrence", "pages"),
    [
        (TOLD[0][0], "huur", "", ["assets/deliveries/huur?view=checks&checkDetail=delivered",
                                  "assets/deliveries/huur?view=partitions&partition=2021-03-01"]),
        (Volume(**WHO, said="", findings=()), "huur", "",
         ["assets/deliveries/huur?view=checks", "assets/deliveries/huur?view=partitions&partition=2021-03-01"]),
        (CheckFailed(check="validated_signals.row_accounting", said=""), "validated_signals", "row_accounting",
         ["assets/validated_signals?view=checks&checkDetail=row_accounting",
          "assets/validated_signals?view=partitions&partition=2021-03-01"]),
        (CheckFailed(name="Huur", check="few_doubles", said=""), "huur", "few_doubles",
         ["assets/deliveries/huur?view=checks&checkDetail=few_doubles",
          "assets/deliveries/huur?view=partitions&partition=2021-03-01"]),
        (Stray(files=2), "", "unknown_partner", ["assets/delivery_files?view=partitions&partition=2021-03-01"]),
        (RunFailed(job="month", run="0a", run_id="0a-1", months=(), failed_at=1.5), "month", "", ["runs/0a-1"]),
        (Mistaken(said="x"), "", "x", ["assets/agreements?view=checks&checkDetail=are_right"]),
    ],
)  # fmt: skip
def test_it_leads_to_the_failed_check_and_the_month(
    facts: Facts, subject: str, occurrence: str, pages: list[str]
) -> None:
    about = Notice(Phase.RAISED, Condition(facts, subject, MARCH, occurrence), NOW, NOW)
    said = compose([about], "en", link="https://dagster.example/", drafts_by=None).body
    wanted = " · ".join(f"https://dagster.example/{page}" for page in pages)
    assert said.splitlines()[1:] == [f"Dagster UI: {wanted}"]


@pytest.mark.parametrize("facts", [facts for facts, _, _ in TOLD], ids=lambda facts: type(facts).__name__)
def test_everything_leads_somewhere(facts: Facts) -> None:
    assert (
        "https://dagster.example" in compose([notice(facts)], "nl", link="https://dagster.example", drafts_by=None).body
    )


def test_the_checks_that_are_led_to_are_there() -> None:
    partners = Partners.of([agreement_from(agreement("huur"), "f", "huur")])
    known = {spec.name for checks in delivery_checks(partners, ALONE) for spec in checks.check_specs}
    pages = [
        links(Condition(facts, "huur", MARCH), "") for facts, _, _ in TOLD if isinstance(facts, AskedOfPartner | Late)
    ]
    named = {page.partition("checkDetail=")[2] for of_one in pages for page in of_one} - {""}
    assert named
    assert named <= known


def test_what_solved_it_is_told_where_it_is_known() -> None:
    missing = TOLD[0][0]
    solved = notice(missing, Phase.SOLVED, Solution("08-03-2021 11:00", 2))
    assert compose([solved], "en", link=None, drafts_by="G").body == (
        "Huur 2021-03: solved: delivery missing. The delivery is now that of 08-03-2021 11:00, 2 rows.\n"
    )
    gone = compose([notice(missing, Phase.SOLVED)], "nl", link=None, drafts_by="G").body
    assert gone == "Huur 2021-03: opgelost: levering ontbreekt.\n"


# One of everything: what a partner or team reads is right then too.
ONE: list[tuple[Facts, str]] = [
    (
        Late(due="05-03-2021 17:00", received="06-03-2021 09:00", hours=16, rows=1),
        "05-03-2021 17:00: 1 regel. De levering",
    ),
    (Stray(files=1), "1 bestand ligt in een map zonder leveringsafspraak."),
    (Outdated(**WHO, old_bytes=False, newest="x", age=1, most=0, percentage=1), "1 dag voor de uiterste leverdatum"),
    (
        MonthDone(signals=1, addresses=1, recidivists=1, missing=(), issues=()),
        "1 signaal, 1 adres gemeld, waarvan 1 eerder gemeld",
    ),
]


@pytest.mark.parametrize(("facts", "said"), ONE, ids=lambda value: type(value).__name__)
def test_one_is_told_as_one(facts: Facts, said: str) -> None:
    text = compose([notice(facts)], "nl", link=None, drafts_by=None).body
    assert said in text
    assert not re.search(r"\b1 (regels|bestanden|dagen|signalen|adressen)\b", text)


def test_what_differs_agrees_with_its_verb() -> None:
    rows = Volume(**WHO, said="", findings=(FEW,))
    columns = Drift(**WHO, said="", findings=(RENAMED,))
    assert "wijkt het aantal regels af van" in partner_text([notice(rows)], "Het team").body
    assert "wijken de kolommen af van" in partner_text([notice(columns)], "Het team").body


def test_only_what_was_issued_since_is_told() -> None:
    first, second = Issue("budgetcoach", 1, 5, 0), Issue("wijkteam_noord", 1, 9, 0)
    before = month_done(MARCH, Made(3, 2, 1, (), (first, second)))
    again = month_done(MARCH, Made(3, 2, 1, (), (first, Issue("wijkteam_noord", 2, 1, 4))), [before.key])
    other_month = month_done(date(2021, 4, 1), Made(3, 2, 1, (), (first,)), [before.key])
    issued = [facts.issues for facts in (before.facts, again.facts, other_month.facts) if isinstance(facts, MonthDone)]
    assert issued == [(first, second), (Issue("wijkteam_noord", 2, 1, 4),), (first,)]
