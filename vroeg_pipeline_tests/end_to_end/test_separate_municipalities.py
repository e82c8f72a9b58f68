"""Two municipalities that are controllers of their own: no file that goes out holds both (separate_municipalities)."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import openpyxl
import pytest

from vroeg_pipeline.feedback.one_municipality import seen_by
from vroeg_pipeline.installation.statements import rows_of
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline_tests.kit.command import vroeg
from vroeg_pipeline_tests.kit.returned import HEADER_ROW, as_csv, hand_in
from vroeg_pipeline_tests.kit.world import World, month, row

HAARLEM, ZANDVOORT = "0392", "0473"
# Each surname and reference tells of which municipality its resident is; the first is not in the postcode table.
MARKS = {HAARLEM: "Haarlemmer", ZANDVOORT: "Zandvoorter"}
POSTCODES = {HAARLEM: "2021AB", ZANDVOORT: "2041AB"}
_MARCH = month("2021-03")


def of(town: str, number: int, **changes: str) -> dict[str, str]:
    """A row of a resident of that municipality."""
    who = {"customer_reference": f"{MARKS[town]}-{number}", "surname": MARKS[town]}
    return row(**{**who, "postcode": POSTCODES[town], "house_number": str(number), **changes})


def delivered(partner: str) -> list[dict[str, str]]:
    both = [of(town, number) for town in MARKS for number in range(1, 13)]
    if partner == "water":
        return both[::2]
    nobody_knows = of(HAARLEM, 90, postcode="9999ZZ")
    elsewhere = of(HAARLEM, 91, postcode="2051AB")  # rejected, for the first that is agreed
    few = [of(town, 70, amount_due="10") for town in MARKS]
    uncertain = [of(town, 80, house_number="80") for town in MARKS]
    return [*both, *few, *uncertain, nobody_knows, elsewhere, of(ZANDVOORT, 92, objection="ja"), row(postcode="")]


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A month that was first run for both together, and then anew for each alone."""
    world = World(tmp_path_factory.mktemp("apart"))
    dwellings = [f"{POSTCODES[town]},{n},,,{town}" for town in MARKS for n in (*range(1, 13), 70)]
    two_doors = [f"{POSTCODES[town]},80,{letter},,{town}" for town in MARKS for letter in "AB"]
    world.register(*dwellings, *two_doors)
    world.agree("huur", municipalities=[HAARLEM, ZANDVOORT])
    world.agree("water", type="Water", municipalities=[HAARLEM, ZANDVOORT])
    world.agree("strand", type="Energie", municipalities=[ZANDVOORT])
    before = {"reference_date": "01-02-2021", "arrears_since": "01-12-2020"}
    for partner in ("huur", "water"):
        world.deliver(partner, "2021-02", [{**each, **before} for each in delivered(partner)])
        # More than then, so that it is no repeat.
        more = [{**each, "amount_due": each["amount_due"].replace("100,00", "150,00")} for each in delivered(partner)]
        world.deliver(partner, "2021-03", more)
    world.deliver("strand", "2021-03", [of(ZANDVOORT, 5)])
    world.run("2021-02", "2021-03")
    assert (world.home.outbox_of(_MARCH) / "adresdesk_2021-03.xlsx").exists()
    world.now += timedelta(days=1)
    world.settings(separate_municipalities=True, capacity={"budgetcoach": 3, "0473_budgetcoach": 1})
    world.run("2021-02", "2021-03")
    return world


def contents(path: Path) -> str:
    """All that the file says, unpacked."""
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as packed:
            return "".join(packed.read(name).decode("utf-8", "replace") for name in packed.namelist())
    if path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as opened:
            names = [name for (name,) in opened.execute("SHOW TABLES").fetchall()]
            return "".join(str(opened.execute(f"FROM {name}").fetchall()) for name in names)
    return path.read_text(encoding="utf-8")


def outbox(world: World) -> Iterator[Path]:
    """The files of the outbox of March; the first issues of before are what teams have already."""
    for path in sorted(world.home.outbox.rglob("*")):
        if path.is_file() and "2021-02" not in path.parts:
            yield path


def test_no_file_that_goes_out_holds_two(apart: World) -> None:
    named: dict[str, set[str]] = {}
    for path in outbox(apart):
        code = re.search(r"_(0[0-9]{3})[_.]", path.name)
        if code is None:
            # Of all together: the deliveries, and the lists that were issued and are taken back.
            assert re.match(
                r"(bord|leveringsbord|delivery|werklijst_2021-03_[a-z-]+_uitgifte-[12]\.xlsx)", path.name
            ), path
            continue
        said = contents(path)
        kind = path.name.split("_")[0]
        named.setdefault(kind, set()).add(code[1])
        (other,) = {*MARKS} - {code[1]}
        assert MARKS[other] not in said, path.name
        assert POSTCODES[other] not in said, path.name
        # Delivers for the one alone.
        assert code[1] == ZANDVOORT or "strand" not in said.casefold(), path.name
        if kind in ("werklijst", "adresdesk"):
            assert MARKS[code[1]] in said, path.name
    kinds = {"werklijst", "adresdesk", "terugkoppeling", "leveringsrapport", "bericht", "evaluatie", "reading"}
    assert {kind: codes for kind, codes in named.items() if kind in kinds} == {kind: {*MARKS} for kind in kinds}
    assert named["ddas-vroegsignalering-v1.2"] == {*MARKS}


def test_lists_ranks_issues_and_capacity_are_of_each_municipality(apart: World) -> None:
    entries = apart.query("FROM prioritised_worklists WHERE month = '2021-03-01'")
    lists = {entry["worklist"] for entry in entries}
    assert {"0392_budgetcoach", "0473_budgetcoach", "0392_adresdesk", "0473_adresdesk"} <= lists
    assert all(re.fullmatch("(0392|0473)_[a-z_]+", name) for name in lists)
    for name in lists:
        ranks = sorted(entry["rank"] for entry in entries if entry["worklist"] == name)
        assert ranks == list(range(1, len(ranks) + 1))
    visits = [entry["worklist"] for entry in entries if entry["action"] == "home_visit"]
    assert (visits.count("0392_budgetcoach"), visits.count("0473_budgetcoach")) == (3, 1)
    names = {path.name for path in apart.home.outbox_of(_MARCH).glob("werklijst_*")}
    assert {
        "werklijst_2021-03_0473_budgetcoach_uitgifte-1.xlsx",
        "werklijst_2021-03_budgetcoach_uitgifte-2.xlsx",
    } <= names
    issues = apart.query("SELECT DISTINCT issue FROM worklist_issues WHERE month = '2021-03-01' AND worklist LIKE '0%'")
    assert issues == [{"issue": 1}]


def test_a_list_names_who_did_not_deliver_for_its_municipality(apart: World) -> None:
    folder = apart.home.outbox_of(month("2021-02"))
    for code, name in ((HAARLEM, "wijkteam-noord"), (ZANDVOORT, "wijkteam-zandvoort")):
        said = contents(folder / f"werklijst_2021-02_{code}_{name}_uitgifte-1.xlsx")
        assert ("Strand" in said) is (code == ZANDVOORT)


def test_every_row_is_of_exactly_one_municipality(apart: World) -> None:
    tables = ("validated_signals", "rejected_rows", "signal_statuses", "address_matches", "prioritised_worklists")
    with WarehouseResource(home=str(apart.root)).connect() as connection:
        installation = apart.installation
        installation.define_macros(connection)
        installation.set_month(connection, _MARCH)
        count = "SELECT count(*) AS rows FROM {} WHERE month = '2021-03-01'"
        whole = {table: rows_of(connection, count.format(table)) for table in tables}
        parts: dict[str, int] = dict.fromkeys(tables, 0)
        for code in MARKS:
            with seen_by(connection, installation, code) as own:
                assert ("strand" in own.partners.agreements) is (code == ZANDVOORT)
                for table in tables:
                    parts[table] += rows_of(connection, count.format(table))[0]["rows"]
        assert {table: [{"rows": number}] for table, number in parts.items()} == whole
        assert {table: rows_of(connection, count.format(table)) for table in tables} == whole  # as it was before


def test_each_hears_of_its_own_alone(apart: World) -> None:
    folder = apart.home.outbox_of(_MARCH) / "partners"
    assert not list(folder.glob("*/*_2021-03.*"))  # those of both together are gone
    assert not (folder / "strand" / "bericht_strand_2021-03_0392.txt").exists()
    text = (folder / "huur" / "bericht_huur_2021-03_0473.txt").read_text(encoding="utf-8")
    assert "gaat alleen over adressen in de gemeente 0473" in text
    assert "Regels: 15. Verwerkt: 13. Afgekeurd: 2" in text
    path = apart.home.outbox_of(_MARCH) / "ddas-vroegsignalering-v1.2_2021-03_0473.json"
    (levering,) = json.loads(path.read_text(encoding="utf-8"))["leveringen"]
    assert levering["gemeentecode"] == ZANDVOORT
    page = (apart.home.outbox_of(_MARCH) / "evaluatie_2021-03_0473.html").read_text(encoding="utf-8")
    assert "gemeente 0473" in page


def test_commands_keep_them_apart_too(apart: World, tmp_path: Path) -> None:
    for command, name in (
        (("worklists", "--month", "2021-03"), "werklijst_2021-03_0392_budgetcoach_stand.xlsx"),
        (("evaluate", "--from", "2021-02", "--to", "2021-03"), "evaluatie_2021-02_2021-03_0392.html"),
        (("ddas", "--from", "2021-02", "--to", "2021-03"), "ddas-vroegsignalering-v1.2_2021-02_2021-03_0392.json"),
    ):
        done = vroeg(apart.root, *command)
        assert done.returncode == 0, done.stderr
        (path,) = apart.home.outbox.rglob(name)
        assert MARKS[ZANDVOORT] not in contents(path)


def test_what_comes_back_is_known_and_later_all_can_be_together_again(apart: World) -> None:
    """Last, as it ends what stands above."""
    path = apart.home.outbox_of(_MARCH) / "werklijst_2021-03_0473_budgetcoach_uitgifte-1.xlsx"
    lines = list(openpyxl.load_workbook(path)["Werklijst"].iter_rows(min_row=HEADER_ROW, values_only=True))
    cases = [str(line[lines[0].index("Kenmerk (niet wijzigen)")]) for line in lines[1:]]
    told = [{"case_id": case, "contact_kind": "Brief", "contacted_on": "05-03-2021"} for case in cases]
    hand_in(apart, as_csv(told), name="lijst.csv")
    apart.run("2021-03")
    attempts = apart.query("SELECT DISTINCT worklist FROM contact_attempts")
    assert attempts == [{"worklist": "0473_budgetcoach"}]
    apart.home.settings.unlink()
    apart.run("2021-03")
    names = {path.name for path in outbox(apart) if "werklijst" not in path.name and "2021-03" in path.parts}
    assert not [name for name in names if re.search(r"_(0392|0473)[_.]", name)]
    assert {"adresdesk_2021-03.xlsx", "evaluatie_2021-03.html"} <= names
