"""A resident is shown what is held of them, and nothing of who lives with them (AVG art. 15, DOMAIN §14)."""

from __future__ import annotations

import io
import json
import re
import stat
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from vroeg_pipeline.addresses.lookup import define_address_macros
from vroeg_pipeline.cli.app import app
from vroeg_pipeline.cli.subject import write_copy
from vroeg_pipeline.cli.subject_copy import copy_of, in_words, page_of
from vroeg_pipeline.ddas.file import ddas_paths
from vroeg_pipeline.domain.dutch import euro_text
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import is_month, parse_month
from vroeg_pipeline.domain.retention import Kept
from vroeg_pipeline.installation.home import CHECKOUT
from vroeg_pipeline.installation.installation import CLOCK
from vroeg_pipeline.installation.log import read_log
from vroeg_pipeline.installation.requests import Asked, Request, all_requests
from vroeg_pipeline.residents.asking import ask, lift
from vroeg_pipeline.residents.finding import Wanted, find_resident
from vroeg_pipeline.residents.own_rows import PossibleRow, keep_own, own_of
from vroeg_pipeline.residents.shown import Shown, what_is_shown
from vroeg_pipeline.worklists.worklist_file import month_title
from vroeg_pipeline_tests.kit.browser import barriers
from vroeg_pipeline_tests.kit.tables import MARCH, PARTNERS, Tables, key_of
from vroeg_pipeline_tests.kit.world import World, moment

RESIDENT = Wanted(postcode="2021 AB", number="1", surname="Kanariegeel", birth_date=date(1980, 2, 1))
# Of who lives with them, or has their name: in no byte of what they get.
OF_OTHERS = (
    "Huisgenoot", "0699999999", "huisgenoot@example.org", "REF-HUISGENOOT", "987", "1955", "NAAMGENOOT", "555", "Notitie",
    "al bekend bij", "Crisis", "CRISIS: ",
)  # fmt: skip
ENDED = {
    "2021-02": "Inwoner regelt het zelf/hoeft geen hulp vanuit vroegsignalering",
    "2021-03": "Inwoner al bekend bij schuldhulpverlening",
}


class Town:
    """A town in a file, filled row by row as deliveries would have."""

    def __init__(self, root: Path) -> None:
        self.world = World(root, moment("2021-04-10 09:00"))
        for partner, (kind, succeeds) in PARTNERS.items():
            contact = {"name": f"Incasso {partner}", "email": f"{partner}@example.org"}
            self.world.agree(partner, type=kind, succeeds=list(succeeds), contact=contact, name=f"Bedrijf {partner}")
        self._count = 0

    def row(self, tables: Tables, partner: str, month: str, *reasons: str, number: int = 1, **values: Any) -> None:
        """A delivered row and what became of it: a signal, or a rejected row with these reasons."""
        self._count += 1
        own = {
            "surname": "Kanariegeel", "initials": "K.", "birth_date": date(1980, 2, 1), "phone": "0611122233",
            "customer_reference": "REF-KANARIE", "amount_due": Decimal("120.50"), "row_number": self._count, **values,
        }  # fmt: skip
        written = {"amount_due": f"{own['amount_due']:.2f}".replace(".", ","), "postcode": "2021 ab"}
        written |= {"house_number": str(number), "arrears_since": f"01-01-{month[:4]}"}
        if own["birth_date"]:
            written["birth_date"] = f"{own['birth_date']:%d-%m-%Y}"
        as_text = {name: own[name] for name in ("surname", "initials", "phone", "customer_reference", "row_number")}
        tables.delivered(partner, month, **as_text, **written)
        if reasons:
            tables.rejected(
                *reasons, partner=partner, month=month, row_number=self._count, ddas_status="Niet opgepakt: "
                "onterecht signaal",
                customer_reference=own["customer_reference"], postcode="2021AB", house_number=number,
                amount_due=own["amount_due"],
            )  # fmt: skip
        else:
            tables.signal(partner, number, month, **own)


def filled(town: Town, tables: Tables) -> None:
    """February: alone at the door. March: with others there, some of their name."""
    months = ("2021-02", "2021-03")
    for month in months:
        for partner in ("huur", "water", "licht", "huur_twee"):
            tables.delivery(partner, month)
    town.row(tables, "huur", "2021-02")
    town.row(tables, "huur", "2021-03", held_reason="withdrawn")
    town.row(tables, "water", "2021-03", "below_threshold", amount_due=Decimal("12.25"), customer_reference="W-KANARIE")
    town.row(
        tables, "water", "2021-03", amount_due=Decimal("340.10"), customer_reference="W-KANARIE", desk_id="writing",
    )  # fmt: skip
    decision = {
        "file_sha256": "d",
        "row_number": 1,
        "desk_id": "writing",
        "decision": "as_written",
        "decided_by": "Desk",
    }
    decision |= {"why": "Notitie over Huisgenoot", "decided_at": moment("2021-03-08 10:00")}
    tables._insert("reference.address_decisions", decision)
    other = {
        "surname": "Huisgenoot", "initials": "H.", "birth_date": date(1955, 5, 5), "phone": "0699999999",
        "customer_reference": "REF-HUISGENOOT", "amount_due": Decimal("987.65"),
    }  # fmt: skip
    town.row(tables, "licht", "2021-03", crisis=True, **other)
    town.row(tables, "licht", "2021-03", "outdated", **other)
    town.row(
        tables, "huur_twee", "2021-03", surname="Kanariegeel e/o Huisgenoot", phone="0699999999", initials="H.",
        customer_reference="SAMEN-7", amount_due=Decimal("77.70"),
    )  # fmt: skip
    namesake = {"customer_reference": "NAAMGENOOT", "amount_due": Decimal("555.55"), "phone": None}
    town.row(tables, "licht", "2021-03", birth_date=date(1955, 5, 5), **namesake)
    town.row(tables, "licht", "2021-03", birth_date=None, initials="Q.", **namesake)
    for month in months:
        tables.recidivism(month)
        tables.worklists(month)
        tables.query("UPDATE known_client_counts SET is_linked = true")
        issued_at = moment(f"{month}-09 06:00")
        tables._insert(
            "worklist_issues",
            {
                "month": parse_month(month), "worklist": "wijkteam_noord", "issue": 1, "address_key": "2021AB_1__",
                "change": "added", "issued_at": issued_at,
            },
        )  # fmt: skip
        tables.told(1, month, written=["Notitie over Huisgenoot"])
        case = {
            "month": parse_month(month), "case_id": tables.query("FROM outcome_rows")[0]["case_id"],
            "address_key": "2021AB_1__", "worklist": "wijkteam_noord", "reported_at": moment(f"{month}-25 10:00"),
            "file_sha256": f"{month} 1",
        }  # fmt: skip
        contact = {
            "attempt": 1,
            "contact_kind": "Huisbezoek",
            "reached": True,
            "contacted_on": date(2021, int(month[5:]), 12),
        }
        tables._insert("contact_attempts", {**case, **contact, "day_part": "Avond"})
        tables._insert("case_results", {**case, "end_result": ENDED[month], "ended_on": None})


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Filled, with a request of before."""
    root = tmp_path_factory.mktemp("town")
    made = Town(root / "home")
    (root / "clock").write_text(made.world.now.isoformat(), encoding="utf-8")
    made.world._begin_with_an_empty_warehouse()
    warehouse = made.world.warehouse
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CLOCK, str(root / "clock"))
        with warehouse.connect() as connection:
            installation = made.world.installation
            installation.define_macros(connection)
            define_address_macros(connection, installation, today=True)
            filled(made, Tables(connection, made.world))
        of = parse_month("2021-03")
        (delivery,) = ddas_paths(installation, made.world.home.outbox_of(of), [of]).values()
        delivery.parent.mkdir(parents=True)
        delivery.write_text("{}", encoding="utf-8")
        request = Request(1, Asked.RESTRICT, "Tester", "brief 1", made.world.now, "", ())
        ask(warehouse, made.world.installation, RESIDENT, request)
        lift(made.world.installation, 1, "Tester", "brief 2")
        yield made.world


def copied(world: World, folder: Path, wanted: Wanted = RESIDENT, **how: Any) -> tuple[Any, str, str]:
    """The JSON, the page, and what was printed."""
    out = Console(file=io.StringIO(), width=200)
    write_copy(world.home, wanted, folder, out, by="Tester", reason="brief 3", **how)
    (page,), (kept,) = sorted(folder.glob("*.html")), sorted(folder.glob("*.json"))
    return json.loads(kept.read_text(encoding="utf-8")), page.read_text(encoding="utf-8"), out.file.getvalue()  # type: ignore[attr-defined]


def words_of(page: str) -> str:
    text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+([.,:;])", r"\1", " ".join(unescape(text).split()))


def leaves(of: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Each value with the key that it stands under."""
    if isinstance(of, dict):
        for key, value in of.items():
            yield from leaves(value, key)
    elif isinstance(of, list):
        for value in of:
            yield from leaves(value, name)
    else:
        yield name, of


def test_all_of_theirs_and_nothing_of_others(town: World, tmp_path: Path) -> None:
    told, page, said = copied(town, tmp_path)
    whole, text = json.dumps(told, ensure_ascii=False), words_of(page)
    for word in OF_OTHERS:
        assert word not in whole
        assert word not in page
    for word in ("REF-KANARIE", "W-KANARIE", "SAMEN-7", "0611122233", "2021 ab", "huur@example.org"):
        assert word in whole
        assert word in page
    for amount in ("€ 120,50", "€ 12,25", "€ 340,10", "€ 77,70"):
        assert amount in text
    for expected in (
        "Wij kregen 5 regels over u, van Bedrijf huur, Bedrijf huur_twee en Bedrijf water.",
        "Het bedrijf heeft deze melding ingetrokken.",
        "Deze regel is afgekeurd. Er is niets mee gedaan. Reden: bedrag ligt onder het minimum",
        "Deze regel staat ook op naam van een ander.",
        "Een adres bekijken wij als geheel",
        # February was theirs alone.
        "Voorrang Huur: Alleen huurachterstand.", "Hoe het afliep: Inwoner regelt het zelf",
        "12 februari 2021, Huisbezoek, Avond, iemand gesproken", "12 maart 2021, Huisbezoek, Avond",
        "Wij keken of schuldhulp of een wijkteam dit adres kent",
        "februari 2021: Wijkteam Noord, uitgifte 1, op 9 februari 2021 (op de lijst gezet)",
        "Bedrijf water, regel 3: Niet opgepakt: onterecht signaal",
        "Wij bewaren de regel zoals die binnenkwam tot 1 oktober 2021, de afgekeurde regel tot 1 oktober 2021.",
        "de melding zoals wij die lezen tot 1 oktober 2022.",
        "Verzoek 1, op 10 april 2021: gegevens stilzetten, beëindigd op 10 april 2021",
        "Op 8 maart 2021 besloot een medewerker welk adres is bedoeld.",
        "Uw naam staat er niet bij. maart 2021: Bedrijf huur, regel 2 maart 2021: Bedrijf huur_twee, regel 7",
        "1 × leveringen aan CBS",
        "autoriteitpersoonsgegevens.nl",
    ):  # fmt: skip
        assert expected in text
    assert "12 maart 2021, Huisbezoek, Avond, iemand gesproken" not in text
    assert "Left out: 1 rows" in said
    assert "KANARIE" not in said.upper()


def test_page_and_json_say_the_same(town: World, tmp_path: Path) -> None:
    told, page, _ = copied(town, tmp_path)
    text = words_of(page)
    values = [" ".join(value.split()) for _, value in leaves(told) if isinstance(value, str)]
    said = [
        month_title(parse_month(value)) if is_month(value)
        else in_words(date.fromisoformat(value)) if re.fullmatch(r"\d{4}-\d\d-\d\d", value)
        else euro_text(Decimal(value)) if re.fullmatch(r"\d+\.\d\d", value)
        else value
        for value in values
    ]  # fmt: skip
    assert {value for value in said if value not in text} == set()
    assert len(set(said)) > 60


def test_it_is_kept_who_asked_and_its_owner_alone_reads_it(
    town: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(all_requests(town.home))
    monkeypatch.setenv("VROEG_HOME", str(town.root))
    who = ["--postcode", "2021AB", "--number", "1", "--surname", "Kanariegeel", "--birth-date", "1980-02-01"]
    asked = ["subject", "export", *who, "--by", "Tester", "--reason", "brief 3", "--out", str(tmp_path)]
    assert CliRunner().invoke(app, asked).exit_code == 0
    told = json.loads(next(tmp_path.glob("*.json")).read_text(encoding="utf-8"))
    made = all_requests(town.home)[before:]
    assert [(each.number, each.kind, each.by, each.reason) for each in made] == [
        (told["verzoek"], Asked.EXPORT, "Tester", "brief 3")
    ]
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    lines = [line for line in read_log(town.home) if line["action"].endswith("subject export")]
    assert [line["action"] for line in lines[-2:]] == ["subject export", "vroeg subject export"]
    assert "data_subject_id" in json.dumps(lines[-2])
    assert "anarie" not in json.dumps(lines)
    with pytest.raises(VroegError, match="changed nothing"):
        lift(town.installation, told["verzoek"], "Tester", "x")
    # The next copy tells of this one.
    again, _, _ = copied(town, _folder(tmp_path, "again"))
    assert told["verzoek"] in [each["nummer"] for each in again["verzoeken"]]


def _folder(parent: Path, name: str) -> Path:
    (parent / name).mkdir()
    return parent / name


def test_who_lives_with_a_namesake_is_told_apart_or_shown_nothing(town: World, tmp_path: Path) -> None:
    with pytest.raises(VroegError, match="--birth-date"):
        copied(town, tmp_path, Wanted("2021AB", "1", "Kanariegeel"))
    assert list(tmp_path.iterdir()) == []
    # The housemate gets the row of both, and none of the resident's own.
    told, page, _ = copied(town, tmp_path, Wanted("2021AB", "1", "Huisgenoot"))
    assert "REF-HUISGENOOT" in page
    assert "SAMEN-7" in page
    assert not {"REF-KANARIE", "W-KANARIE", "0611122233"} & {str(value) for _, value in leaves(told)}


def test_of_whom_nothing_is_held_is_said_so(town: World, tmp_path: Path) -> None:
    told, page, _ = copied(town, tmp_path, Wanted("2021AB", "8", "Niemand"))
    assert told["meldingen"] == []
    assert told["verzoeken"] == []
    assert "Wij vonden nu geen gegevens van u" in words_of(page)


def test_anybody_can_read_it(town: World, tmp_path: Path) -> None:
    copied(town, tmp_path)
    assert barriers(*tmp_path.glob("*.html")) == {}


def shown_of(tables: Tables, wanted: Wanted) -> tuple[Shown, Any]:
    """What is shown, and the copy."""
    installation = tables.world.installation
    found = find_resident(tables.connection, installation, wanted)
    identities, _ = keep_own(tables.connection, installation, wanted, found, "")
    shown = what_is_shown(tables.connection, installation, identities)
    return shown, copy_of(shown, installation, 7)


def test_what_earlier_months_say_of_a_door_is_shown_to_whom_they_were_about(tables: Tables) -> None:
    tables.signal(number=1, month="2021-02", surname="Kanariegeel")
    tables.signal(number=2, month="2021-02", surname="Vroeger")
    for number in (1, 2):
        tables.signal("licht", number, surname="Kanariegeel", received="2021-03-03 10:00")
    tables.recidivism("2021-02", MARCH)
    tables.worklists()
    # Of the second an earlier file told, that was replaced.
    tables.delivery("licht", file_sha256="old", status="superseded", received_at=moment("2021-03-01 10:00"))
    written = {"surname": "Kanariegeel", "postcode": "2021AB", "house_number": "2", "row_number": 1}
    tables.delivered("licht", file_sha256="old", **written)
    for day, number in ((2, 1), (9, 1), (2, 2), (9, 2)):
        issue = {"month": parse_month(MARCH), "worklist": "wijkteam_noord", "issue": day, "change": "added"}
        issue |= {"address_key": key_of(number), "issued_at": moment(f"2021-03-{day:02d} 06:00")}
        tables._insert("worklist_issues", issue)
    _, own = shown_of(tables, Wanted("2021AB", "1", "Kanariegeel"))[0].doors
    assert own.entry is not None
    assert "eerder gemeld in 1 maand" in own.entry["explanation"]
    # The first list was made before the resident was reported.
    assert [issue for _, issue, _, _ in own.issues] == [9]
    (door,) = shown_of(tables, Wanted("2021AB", "2", "Kanariegeel"))[0].doors
    assert (door.is_shared, door.entry, len(door.issues)) == (False, None, 2)


def test_of_a_door_on_no_list_that_is_said(tables: Tables) -> None:
    tables.signal(held_reason="withdrawn", surname="Kanariegeel")
    page = page_of(shown_of(tables, Wanted("2021AB", "1", "Kanariegeel"))[1])
    assert "niet (meer) op een lijst" in page
    assert "Uw adres stond op geen lijst van een team." in page


def test_what_was_withdrawn_after_contact_is_told_with_its_list(tables: Tables) -> None:
    tables.delivery()
    tables.delivered(surname="Kanariegeel", postcode="2021AB", house_number="1", row_number=1)
    tables.rejected("objection", row_number=1)
    of, key = parse_month(MARCH), {"month": parse_month(MARCH), "address_key": key_of(1)}
    signal = {
        "signal_id": "s", "partner": "huur", "partner_type": "Huur", "file_sha256": f"huur {MARCH}", "row_number": 1,
        "received_at": moment(f"{MARCH}-03 10:00"), "customer_reference": "K1", "amount_due": 120, "arrears_since": of,
        "crisis": False, "warm_handover": False, "postcode": "2021AB", "house_number": 1, "house_letter": "",
        "house_number_addition": "",
    }  # fmt: skip
    report = {
        "match_kind": "single", "signal_count": 1, "has_rent": True, "needs_review": False, "first_received_on": of,
        "recidivism_kind": "new", "worklist": "wijkteam_noord", "tier": 2, "tier_name": "rent", "in_six_months": False,
        "deadline": date(2021, 3, 31),
    }  # fmt: skip
    tables._insert("contacted_signals", {**key, **signal})
    tables._insert("contacted_reports", {**key, **report})
    shown, copy = shown_of(tables, Wanted("2021AB", "1", "Kanariegeel"))
    text = words_of(page_of(copy))
    assert "Deze melding is vervallen. Wij bewaren haar, omdat er toen al contact was." in text
    assert "er is bezwaar gemaakt tegen het doorgeven van deze gegevens" in text
    assert "Eerste contact uiterlijk 31 maart 2021" in text
    assert set(shown.rows[0].gone) == {Kept.FILES, Kept.REJECTED, Kept.SIGNALS}


def test_each_key_of_the_json_is_explained(town: World, tmp_path: Path) -> None:
    told, _, _ = copied(town, tmp_path)
    explained = re.findall(r"`(\w+)`", (CHECKOUT / "docs/requests.md").read_text(encoding="utf-8"))
    assert {key for key, _ in leaves(told)} | set(told) <= set(explained)


def test_of_a_removed_month_it_is_told_that_they_were_reported(tables: Tables) -> None:
    for number, surname in ((1, "Kanariegeel"), (2, "Buur")):
        tables.signal(number=number, month="2021-01", surname=surname)
    tables.recidivism("2021-01")
    tables.forget()
    shown, copy = shown_of(tables, Wanted("2021AB", "1", "Kanariegeel"))
    assert [month for month, _ in shown.history] == [date(2021, 1, 1)]
    assert "januari 2021 (deze code bewaren wij tot" in words_of(page_of(copy))
    assert shown_of(tables, Wanted("2021AB", "2", "Kanariegeel"))[0].history == []


def test_who_sent_the_file_of_a_partner_is_told(tables: Tables) -> None:
    tables.world.agree_sender("portaal", {"Huur": "huur"}, contact={"email": "hulp@portaal.example"})
    tables.world.agree_delivered("huur", "portaal", type="Huur", name="Wonen & Zo")
    tables.delivery(delivered_by="portaal")
    tables.delivered(surname="<b>Kanariegeel", postcode="2021AB", house_number="1", row_number=1)
    _, copy = shown_of(tables, Wanted("2021AB", "1", "<b>Kanariegeel"))
    page = page_of(copy)
    assert "Wonen & Zo Huur – via Portaal (hulp@portaal.example)" in words_of(page)
    assert "&lt;b&gt;Kanariegeel" in page
    assert "Deze regel is nog niet beoordeeld." in page


def possible(
    name: str = "jansen", born: int = 0, initial: str = "", door: str = "", *, found: bool = True
) -> PossibleRow:
    """A row of the question itself."""
    place = (date(2021, 3, 1), "huur", name, born + len(initial))
    birth_date = date(born, 1, 1) if born else None
    return PossibleRow(place, frozenset(name.split()), birth_date, initial, door, False, found, found)


def test_rows_are_own_by_name_birth_date_and_initial() -> None:
    asked = frozenset({"jansen"})
    father, son, unsaid = possible(born=1950, initial="A"), possible(born=1980, initial="B"), possible()
    by_initial = possible(initial="B")
    with pytest.raises(VroegError, match="--birth-date"):
        own_of([father, son], asked)
    assert own_of([son, by_initial], asked, date(1980, 1, 1)).rows == [son, by_initial]
    # Which of the two a row without both is of, nobody knows.
    assert own_of([son, possible(born=1950, found=False), unsaid], asked, date(1980, 1, 1)).rows == [son]
    assert own_of([son, unsaid], asked).rows == [son, unsaid]
    with pytest.raises(VroegError, match="--initials"):
        own_of([possible(initial="A"), by_initial], asked)
    assert own_of([possible(initial="A"), by_initial, unsaid], asked, initial="B").rows == [by_initial]
    # At one number the doors are told apart too.
    upstairs, downstairs = possible(door="2021AB_12_A_"), possible(door="2021AB_12_B_")
    with pytest.raises(VroegError, match="several doors"):
        own_of([upstairs, downstairs], asked)
    sure = possible(born=1980, door="2021AB_12_A_")
    assert own_of([sure, upstairs, downstairs], asked).rows == [sure]
    assert own_of([sure, upstairs, unsaid], asked).rows == [sure, upstairs, unsaid]
    # A row with a part of the name can be of who they share a contract with.
    both = possible("jansen mulder")
    assert own_of([both, possible("mulder"), unsaid], frozenset({"jansen"})).rows == [both, unsaid]
    assert own_of([both, possible("mulder")], frozenset({"jansen", "mulder"})).rows == [both]
