"""One file for several partners (DOMAIN §4, §5): each has its own delivery, and no row is lost between them."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import pytest
import xlsxwriter

from vroeg_pipeline.deliveries.assets import delivery_key
from vroeg_pipeline.deliveries.intake import MonthIntake, take_in
from vroeg_pipeline.deliveries.slips import load_slips
from vroeg_pipeline.domain.fields import CANONICAL_FIELDS, REQUIRED_FIELDS
from vroeg_pipeline.feedback.files import feedback_paths
from vroeg_pipeline.monthly import months_at_work
from vroeg_pipeline_tests.kit.world import World, moment, month, row

NAMES = {"Huur BV": "huur", "Waterbedrijf": "water"}
HEADERS = [*(name.title() for name in CANONICAL_FIELDS), "Instantie"]


@pytest.fixture
def portal(world: World) -> World:
    """A portal that sends CSV for `huur` and `water`; `water` delivers from February to June."""
    world.agree_sender("portaal", NAMES)
    world.agree_delivered("huur", "portaal")
    world.agree_delivered("water", "portaal", type="Water", valid_from="2021-02", valid_until="2021-06")
    return world


def of(partner: str, **changes: str) -> dict[str, str]:
    return {**row(**changes), "partner": partner}


def as_csv(rows: Sequence[Mapping[str, str]]) -> bytes:
    lines = [HEADERS, *([r.get(name, "") for name in (*CANONICAL_FIELDS, "partner")] for r in rows)]
    return "".join(";".join(line) + "\r\n" for line in lines).encode()


THREE = [of("Huur BV"), of("waterbedrijf", customer_reference="W1"), of("Huur BV", customer_reference="K2")]


def taken_in(world: World, in_month: str = "2021-03") -> tuple[MonthIntake, list[str]]:
    """What an intake of the month finds, and says."""
    said: list[str] = []
    warehouse = world.warehouse
    with months_at_work(warehouse, world.installation, [month(in_month)]) as months:
        for each in months:
            found = take_in(each.connection, each.installation, each.month, said.append)
    return found, said


def register(world: World, in_month: str = "2021-03") -> dict[tuple[str, str], tuple[str, int | None]]:
    """File name and partner to refusal or status, and rows."""
    return {
        (f["file_name"], f["partner"]): (f["refusal"] or f["status"], f["row_count"])
        for f in world.table("delivery_files", where=f"month = '{in_month}-01'")
    }


def test_each_partner_has_its_own_delivery_and_no_row_is_lost(portal: World) -> None:
    unknown = [of("Gas & Co", customer_reference="G1"), of("", customer_reference="E1")]
    portal.deliver("portaal", "2021-03", as_csv([*THREE, *unknown]))
    found, said = taken_in(portal)
    assert register(portal) == {
        ("levering.csv", "huur"): ("accepted", 2),
        ("levering.csv", "water"): ("accepted", 1),
        ("levering.csv", "portaal"): ("accepted", 2),
    }
    assert set(found.accepted) == {"huur", "water"}
    assert found.unknown_rows == {"portaal": 2}
    assert said == ["2021-03 portaal: 2 of 5 rows are of partners that agreements/portaal.yaml does not name"]
    rows = portal.query("SELECT partner, row_number, customer_reference FROM raw.delivery_rows ORDER BY row_number")
    assert [tuple(r.values()) for r in rows] == [
        ("huur", 1, "K1"), ("water", 2, "W1"), ("huur", 3, "K2"), ("portaal", 4, "G1"), ("portaal", 5, "E1"),
    ]  # fmt: skip
    files = portal.table("delivery_files", "partner")
    assert {(f["partner"], f["delivered_by"]) for f in files} == {
        ("huur", "portaal"), ("water", "portaal"), ("portaal", None),
    }  # fmt: skip
    assert len({f["file_sha256"] for f in files}) == 1
    archived = [path for path in portal.home.archive.rglob("*") if path.is_file()]
    assert [path.parent.parent.name for path in archived] == ["portaal"]


# Killed where the files are archived, and again with all rows in the warehouse and nothing committed.
_KILLED = """
import os, signal, sys
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from vroeg_pipeline.deliveries import intake
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline.monthly import months_at_work

def dies(*_):
    os.kill(os.getpid(), signal.SIGKILL)

@contextmanager
def never_committed(connection):
    connection.begin()
    yield
    dies()

root, place = sys.argv[1:]
setattr(intake, place, {"keep_month": dies, "transaction": never_committed}[place])
warehouse, installation = WarehouseResource(home=root), Installation.load(Home(Path(root)))
with months_at_work(warehouse, installation, [date(2021, 3, 1)]) as months:
    for of in months:
        intake.take_in(of.connection, of.installation, of.month, print)
"""


def test_killed_between_the_archive_and_the_register_it_is_registered_by_the_next_run(portal: World) -> None:
    path = portal.deliver("portaal", "2021-03", as_csv([*THREE, of("Vreemd")]))
    for place in ("keep_month", "transaction"):
        killed = subprocess.run([sys.executable, "-c", _KILLED, str(portal.root), place], check=False)
        assert killed.returncode == -signal.SIGKILL
        assert register(portal) == {}
    (archived,) = (each for each in portal.home.archive.rglob("*") if each.is_file())
    assert archived.read_bytes() == path.read_bytes()
    for _ in range(2):
        assert set(taken_in(portal)[0].accepted) == {"huur", "water"}
        assert register(portal) == {
            ("levering.csv", "huur"): ("accepted", 2),
            ("levering.csv", "water"): ("accepted", 1),
            ("levering.csv", "portaal"): ("accepted", 1),
        }
        assert len(portal.table("raw.delivery_rows")) == 4
        assert [each for each in portal.home.archive.rglob("*") if each.is_file()] == [archived]


def test_who_is_not_in_the_file_has_not_delivered(portal: World) -> None:
    portal.deliver("portaal", "2021-03", as_csv(THREE[:1]))
    found, _ = taken_in(portal)
    assert register(portal) == {("levering.csv", "huur"): ("accepted", 1), ("levering.csv", "portaal"): ("accepted", 0)}
    open_ones = {p for p, a in portal.installation.partners.agreements.items() if found.of(a, month("2021-03")).is_open}
    assert open_ones == {"water"}


def test_a_file_without_rows_delivers_for_nobody(portal: World) -> None:
    portal.deliver("portaal", "2021-03", as_csv([]))
    assert taken_in(portal)[0].accepted == {}
    assert register(portal) == {("levering.csv", "portaal"): ("accepted", 0)}


def test_a_newer_file_replaces_the_rows_of_who_is_in_it(portal: World) -> None:
    portal.deliver("portaal", "2021-03", as_csv([*THREE, of("Vreemd")]), name="een.csv", received="2021-03-02 09:00")
    first, _ = taken_in(portal)
    portal.deliver("portaal", "2021-03", as_csv(THREE[2:]), name="twee.csv")
    second, _ = taken_in(portal)
    assert register(portal) == {
        ("een.csv", "huur"): ("superseded", 2),
        ("een.csv", "water"): ("accepted", 1),
        ("een.csv", "portaal"): ("superseded", 1),
        ("twee.csv", "huur"): ("accepted", 1),
        ("twee.csv", "portaal"): ("accepted", 0),
    }
    assert (first.unknown_rows, second.unknown_rows) == ({"portaal": 1}, {})
    assert "water" not in second.changed
    assert "huur" in second.changed


def test_a_run_again_and_a_file_that_is_gone_change_nothing(portal: World) -> None:
    path = portal.deliver("portaal", "2021-03", as_csv([*THREE, of("Vreemd")]))
    taken_in(portal)
    before = [portal.table(table) for table in ("delivery_files", "raw.delivery_rows")]
    path.unlink()
    again, _ = taken_in(portal)
    assert [portal.table(table) for table in ("delivery_files", "raw.delivery_rows")] == before
    assert again.changed == set()


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"\xff\xfe\x00", "unreadable"),
        (as_csv(THREE) * 40, "too_large"),
        (b"", "missing_columns"),
        (as_csv(THREE).replace(b"Instantie", b"Naam instantie"), "missing_columns"),
    ],
    ids=["unreadable", "too large", "empty", "no partners"],
)
def test_what_cannot_be_used_is_told_of_every_partner_that_is_owed(portal: World, content: bytes, refusal: str) -> None:
    portal.settings(max_file_mb=0.01)
    portal.agree_sender("portaal", {**NAMES, "Later": "later"})
    portal.agree_delivered("later", "portaal", valid_from="2021-05")
    portal.deliver("portaal", "2021-03", content)
    found, said = taken_in(portal)
    verdicts = {partner: verdict for (_, partner), (verdict, _) in register(portal).items()}
    assert verdicts == dict.fromkeys(("huur", "water", "portaal"), refusal)
    assert found.accepted == {}
    (line,) = said
    assert line.startswith(f"2021-03 portaal, huur, water: refused, {refusal} (")


def test_rows_of_a_file_that_lacks_a_column_are_still_divided(portal: World) -> None:
    portal.deliver("portaal", "2021-03", as_csv([*THREE, of("Vreemd")]).replace(b"Amount_Due", b"Saldo"))
    taken_in(portal)
    assert register(portal) == {
        ("levering.csv", "huur"): ("missing_columns", 2),
        ("levering.csv", "water"): ("missing_columns", 1),
        ("levering.csv", "portaal"): ("missing_columns", 1),
    }


def test_a_partner_whose_agreement_does_not_hold_is_refused_alone(portal: World) -> None:
    portal.deliver("portaal", "2021-07", as_csv(THREE))
    _, said = taken_in(portal, "2021-07")
    assert register(portal, "2021-07") == {
        ("levering.csv", "huur"): ("accepted", 2),
        ("levering.csv", "water"): ("not_active", 1),
        ("levering.csv", "portaal"): ("accepted", 0),
    }
    (line,) = said
    assert line.startswith("2021-07 water: refused, not_active (the agreement holds for 2021-02 to 2021-06; ")


def test_old_bytes_are_stale_for_who_delivered_them(portal: World) -> None:
    for each in ("2021-01", "2021-03"):
        portal.deliver("portaal", each, as_csv(THREE))
        taken_in(portal, each)
    assert register(portal) == {
        ("levering.csv", "huur"): ("stale_copy", 2),
        ("levering.csv", "water"): ("accepted", 1),  # in January nothing was agreed with it
        ("levering.csv", "portaal"): ("stale_copy", 0),
    }


def test_a_file_in_the_partners_own_folder_is_not_its_delivery(portal: World) -> None:
    portal.deliver("huur", "2021-03", as_csv(THREE[:1]), name="zelf.csv")
    portal.deliver("portaal", "2021-03", as_csv(THREE))
    taken_in(portal)
    assert register(portal)["zelf.csv", "huur"] == ("not_active", None)
    assert register(portal)["levering.csv", "huur"] == ("accepted", 2)


def test_the_same_bytes_in_both_folders_are_one_delivery(portal: World) -> None:
    portal.deliver("huur", "2021-03", as_csv(THREE), name="zelf.csv", received="2021-03-02 09:00")
    taken_in(portal)
    portal.deliver("portaal", "2021-03", as_csv(THREE))
    for _ in range(2):
        taken_in(portal)
        assert register(portal) == {
            ("levering.csv", "huur"): ("accepted", 2),
            ("levering.csv", "water"): ("accepted", 1),
            ("levering.csv", "portaal"): ("accepted", 0),
        }


def test_a_sender_that_has_no_agreement_any_more_is_a_stranger(portal: World) -> None:
    portal.deliver("portaal", "2021-03", as_csv(THREE))
    taken_in(portal)
    (portal.home.agreements / "portaal.yaml").unlink()
    for partner in NAMES.values():
        portal.agree(partner)
    taken_in(portal)
    assert register(portal) == {("levering.csv", "portaal"): ("unknown_partner", None)}


def test_withdrawals_lie_in_the_folder_of_each_partner(portal: World) -> None:
    portal.slip("huur", "2021-03", "withdrawals", "K1")
    portal.slip("portaal", "2021-03", "withdrawals", "W1")
    warehouse = portal.warehouse
    with months_at_work(warehouse, portal.installation, [month("2021-03")]) as months:
        for each in months:
            unusable = load_slips(each.connection, each.installation, each.month)
            assert each.connection.execute("SELECT partner, customer_reference FROM withdrawals").fetchall() == [
                ("huur", "K1")
            ]
    assert list(unusable) == ["portaal, withdrawals: belongs in the folder of each partner, as it sends for several"]


def as_workbook(rows: Sequence[Mapping[str, str]], *above: str) -> bytes:
    """An export of a portal: lines above the header, then the rows."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Signalen")
        for number, line in enumerate(above):
            sheet.write(number, 0, line)
        sheet.write_row(len(above), 0, HEADERS)
        for number, each in enumerate(rows, start=len(above) + 1):
            sheet.write_row(number, 0, [each.get(name, "") for name in (*CANONICAL_FIELDS, "partner")])
    return file.getvalue()


def failed_checks(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """What each check that does not hold says."""
    found = [e for e in result.get_asset_check_evaluations() if not e.passed]
    return {f"{e.asset_key.path[-1]}.{e.check_name}": e.description or "" for e in found}


def test_a_month_of_a_portal(portal: World) -> None:
    """Rent and water at one door by one file, with rows of who is not known."""
    portal.agree_delivered("licht", "portaal", type="Energie")
    portal.agree_sender("portaal", {**NAMES, "Licht NV": "licht"}, delivery={"format": "xlsx", "header_row": 3})
    rows = [
        of("Huur BV", customer_reference="H1"),
        of("Waterbedrijf", customer_reference="W1"),
        of("Gasfabriek", customer_reference="G1"),
        of("HUUR  BV", customer_reference="H2", house_number="14", amount_due="10,00"),
    ]
    portal.deliver("portaal", "2021-03", as_workbook(rows, "Export signalen", "Vertrouwelijk"), name="export.xlsx")
    result = portal.run("2021-03")

    assert {p: (f["row_count"], f["accepted_count"], f["rejected_count"]) for p, f in by_partner(portal).items()} == {
        "huur": (2, 1, 1), "water": (1, 1, 0), "portaal": (1, 0, 1),
    }  # fmt: skip
    rejected = {(r["partner"], r["row_number"]): r for r in portal.table("rejected_rows")}
    assert {of: r["reasons"] for of, r in rejected.items()} == {
        ("portaal", 3): ["unknown_partner_in_file"],
        ("huur", 4): ["below_threshold"],
    }
    assert rejected["portaal", 3]["ddas_status"] is None
    assert rejected["portaal", 3]["customer_reference"] is None
    signals = portal.table("validated_signals", "partner")
    assert [(s["signal_id"].split("-")[0], s["row_number"]) for s in signals] == [("huur", 1), ("water", 2)]
    (match,) = portal.table("address_matches")
    assert (match["match_kind"], match["partners"], match["has_rent"]) == ("multiple", ["huur", "water"], True)
    assert portal.table("prioritised_worklists")[0]["tier_name"] == "rent_enriched"

    failed = failed_checks(result)
    assert "(1 of portaal)" in failed["delivery_files.partners_are_known"]
    assert set(failed) >= {"licht.delivered"}
    assert not {"validated_signals.row_accounting", "delivery_files.files_are_whole"} & set(failed)
    assert "nothing came" in failed["licht.delivered"]
    assert [m["partner"] for m in portal.table("delivery_measures", "partner")] == ["huur", "water"]
    filled = {p for p in ("huur", "water", "licht") if portal.instance.get_materialized_partitions(delivery_key(p))}
    assert filled == {"huur", "water"}
    deliveries = {d["partner"]: (d["state"], d["row_count"]) for d in portal.table("evaluation_deliveries")}
    assert deliveries == {
        "huur": ("on time", 2), "water": ("on time", 1), "licht": ("missing", None), "portaal": ("not owed", 1),
    }  # fmt: skip

    page = (portal.home.outbox_of(month("2021-03")) / "evaluatie_2021-03.html").read_text(encoding="utf-8")
    assert "Portaal (onbekende partners)" in page
    told = feedback_paths(portal.home, month("2021-03"), "huur")["csv"].read_text(encoding="utf-8").splitlines()
    assert told == ["Regel;Klantkenmerk;Status;Bestand", "4;H2;Niet opgepakt: onterecht signaal;export.xlsx"]
    assert not feedback_paths(portal.home, month("2021-03"), "portaal")["csv"].parent.exists()

    # A correction with a row less of rent, and water as it was: nothing of the first file is left of either.
    portal.deliver(
        "portaal",
        "2021-03",
        as_workbook(rows[:2], "Export signalen", "Vertrouwelijk"),
        name="export 2.xlsx",
        received="2021-03-04 09:00",
    )
    again = failed_checks(portal.run("2021-03"))
    assert "delivery_files.partners_are_known" not in again
    assert portal.table("rejected_rows") == []
    assert [(s["partner"], s["row_number"]) for s in portal.table("validated_signals", "partner")] == [
        ("huur", 1), ("water", 2),
    ]  # fmt: skip

    # What cannot be read is refused for all, and the delivery stands.
    portal.deliver("portaal", "2021-03", b"kapot", name="export 3.xlsx", received="2021-03-05 09:00")
    portal.run("2021-03", upto="validated_signals")
    assert {key: verdict for key, (verdict, _) in register(portal).items() if key[0] == "export 3.xlsx"} == {
        ("export 3.xlsx", partner): "unreadable" for partner in ("huur", "water", "licht", "portaal")
    }
    assert len(portal.table("validated_signals")) == 2


@pytest.mark.parametrize("form", [{"format": "csv", "header_row": 0}, {"format": "xlsx", "header_row": 0}])
def test_a_partner_can_be_named_by_a_number(world: World, form: dict[str, Any]) -> None:
    """In a file without headers; a workbook holds it as a number, a CSV of a spreadsheet as text around it."""
    columns = {name: place for place, name in enumerate(REQUIRED_FIELDS, start=2)}
    world.agree_sender("portaal", {"07": "huur", "12": "water"}, partner_column=1, columns=columns, delivery=form)
    world.agree_delivered("huur", "portaal")
    world.agree_delivered("water", "portaal")
    cells = [[row()[name] for name in REQUIRED_FIELDS] for _ in range(3)]
    if form["format"] == "csv":
        codes = ('="07"', "'12", "13")
        lines = [";".join([code, *its]) for code, its in zip(codes, cells, strict=True)]
        content = "\r\n".join(lines).encode()
    else:
        file = io.BytesIO()
        with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
            sheet = book.add_worksheet()
            for number, (code, its) in enumerate(zip(("07", 12, 13), cells, strict=True)):
                sheet.write_row(number, 0, [code, *its])
        content = file.getvalue()
    world.deliver("portaal", "2021-03", content)
    taken_in(world)
    assert {partner: rows for (_, partner), (_, rows) in register(world).items()} == {
        "huur": 1, "water": 1, "portaal": 1,
    }  # fmt: skip


_OBJECTS = [{"wie": {"naam": name}, "rij": row()} for name in ("Huur BV", "waterbedrijf", "Gas", None)]
_ELEMENTS = [
    f'<signaal wie="{name}">{"".join(f"<{field}>{value}</{field}>" for field, value in row().items())}</signaal>'
    for name in ("Huur BV", "waterbedrijf", "Gas", "")
]
_LINES = [
    name.ljust(15) + "".join(value.ljust(15) for value in row().values())
    for name in ("Huur BV", "waterbedrijf", "Gas", "")
]
_SPANS = {field: f"{15 * number + 1}-{15 * number + 15}" for number, field in enumerate(row(), start=1)}


@pytest.mark.parametrize(
    ("form", "columns", "partner_column", "content"),
    [
        (
            {"format": "json", "records_at": "signalen"},
            {field: f"rij.{field}" for field in row()},
            "wie.naam",
            json.dumps({"signalen": _OBJECTS}),
        ),
        (
            {"format": "jsonl"},
            {field: f"rij.{field}" for field in row()},
            "wie.naam",
            "\n".join(json.dumps(each) for each in _OBJECTS),
        ),
        (
            {"format": "xml", "records_at": "export.signaal"},
            {field: field for field in row()},
            "@wie",
            f"<export>{''.join(_ELEMENTS)}</export>",
        ),
        ({"format": "fixed"}, _SPANS, "1-15", "\r\n".join(_LINES)),
    ],
    ids=["json", "jsonl", "xml", "fixed"],
)
def test_every_format_can_be_of_several_partners(
    world: World, form: dict[str, Any], columns: dict[str, str], partner_column: str, content: str
) -> None:
    world.agree_sender("portaal", NAMES, delivery=form, columns=columns, partner_column=partner_column)
    for partner in NAMES.values():
        world.agree_delivered(partner, "portaal")
    world.deliver("portaal", "2021-03", content.encode())
    taken_in(world)
    assert {partner: found for (_, partner), found in register(world).items()} == {
        "huur": ("accepted", 1), "water": ("accepted", 1), "portaal": ("accepted", 2),
    }  # fmt: skip


def by_partner(world: World) -> dict[str, dict[str, Any]]:
    return {f["partner"]: f for f in world.table("delivery_files", where="status = 'accepted'")}


def test_the_export_of_a_portal_with_its_own_notation(world: World) -> None:
    """Numbers and dates are cells of a workbook, and the kind of partner is a column that was not agreed."""
    columns = {
        "customer_reference": "Klantnummer", "surname": "Achternaam", "postcode": "Postcode",
        "house_number": "Huisnummer", "amount_due": "Bedrag", "arrears_since": "Ontstaansdatum",
        "reference_date": "Peildatum",
    }  # fmt: skip
    form = {"columns": columns, "partner_column": "Signaalpartner", "delivery": {"format": "xlsx"}}
    world.agree_sender("vps_export", {"Ymere": "ymere", "PWN": "pwn"}, **form)
    world.agree_delivered("ymere", "vps_export")
    world.agree_delivered("pwn", "vps_export", type="Water")
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Signaalpartner", "Soort", *columns.values()])
        day = book.add_format({"num_format": "dd-mm-yyyy"})
        for number, (partner, kind, amount) in enumerate((("Ymere", "Huur", 640), ("PWN", "Water", 140)), start=1):
            sheet.write_row(number, 0, [partner, kind, f"{kind[0]}1", "Testman", "2021AB", 35, amount])
            sheet.write_datetime(number, 7, moment("2021-01-01 00:00").replace(tzinfo=None), day)
            sheet.write_datetime(number, 8, moment("2021-03-01 00:00").replace(tzinfo=None), day)
    world.deliver("vps_export", "2021-03", file.getvalue(), name="signalen.xlsx")
    world.make("2021-03", upto="address_matches")
    (match,) = world.table("address_matches")
    assert (match["partners"], match["match_kind"], match["has_rent"]) == (["pwn", "ymere"], "multiple", True)
    assert int(match["total_amount"]) == 780
    assert world.table("rejected_rows") == []
