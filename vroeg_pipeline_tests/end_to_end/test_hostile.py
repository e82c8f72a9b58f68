"""A month in which partners send what breaks things: each such delivery is refused, everyone else's month goes on."""

from __future__ import annotations

import io
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from vroeg_pipeline_tests.kit.world import World, as_csv, row

SECRET = "geheim van een ander"
HEADER = as_csv([]).decode().strip()


def workbook(**parts: bytes) -> bytes:
    """A ZIP that calls itself a workbook."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as book:
        for name, data in parts.items():
            book.writestr(name.replace("__", "/").replace("_xml", ".xml"), data)
    return content.getvalue()


def xxe(target: Path) -> bytes:
    entity = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{target}">]>'.encode()
    sheet = (
        entity + b"<worksheet><sheetData><row><c t='inlineStr'><is><t>&e;</t></is></c></row></sheetData></worksheet>"
    )
    return workbook(xl__workbook_xml=b"<workbook/>", xl__worksheets__sheet1_xml=sheet)


@dataclass(frozen=True)
class Month:
    """A month that was run, and what its run says."""

    world: World
    result: dg.ExecuteInProcessResult


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Month:
    """Every partner but one sends something hostile; what is in `elsewhere` must never be read. To be looked at."""
    folder = tmp_path_factory.mktemp("attacked")
    world = World(folder / "home")
    elsewhere = folder / "elsewhere.csv"
    elsewhere.write_bytes(as_csv([row(surname=SECRET)]))
    csvs: dict[str, bytes] = {
        "afgekapt": as_csv([row()])[:-20] + b';"afgeka',
        "andere_codering": as_csv([row()]).replace(b"Testman", b"M\xfcller"),
        "nul": as_csv([row()]).replace(b"Testman", b"Test\0man"),
        "dubbele_kop": (HEADER + ";Surname\n").encode() + b";" * 20,
        "leeg": b"",
        "geen_kop": as_csv([row()]).split(b"\r\n", 1)[1],
        "te_groot": HEADER.encode() + b"\n" + b"x" * (2 * 1024 * 1024),
    }
    books = {
        "bom": workbook(xl__workbook_xml=b"<workbook/>", xl__worksheets__sheet1_xml=b"0" * (600 * 1024 * 1024)),
        "xxe": xxe(elsewhere),
        "geen_zip": b"PK\x03\x04 en dan niets",
    }
    world.settings(max_file_mb=1)
    world.agree("goed")
    world.deliver("goed", "2021-03", [row()])
    for partner, content in csvs.items():
        world.agree(partner)
        world.deliver(partner, "2021-03", content)
    for partner, content in books.items():
        world.agree(partner, delivery={"format": "xlsx"})
        world.deliver(partner, "2021-03", content, name="levering.xlsx")
    world.agree("diep", delivery={"format": "json"})
    world.deliver("diep", "2021-03", b"[" * 100_000, name="levering.json")
    world.agree("vreemd")
    strange = world.home.inbox / "vreemd" / "2021-03"
    strange.mkdir(parents=True)
    (strange / "link.csv").symlink_to(elsewhere)
    os.mkfifo(strange / "pijp.csv")
    (strange / "map.csv").mkdir()
    (world.home.inbox / "vreemd" / "2021-02").symlink_to(folder)
    (world.home.inbox / "link").symlink_to(folder)
    world.agree("sql")
    names = ("'; DROP TABLE validated_signals; --.csv", "..%2f..%2fweg.csv", "regel\nbreuk.csv")
    for number, name in enumerate(names):
        hostile = row(surname="'); DROP TABLE rejected_rows; --", customer_reference=f"K{number}")
        world.deliver("sql", "2021-03", [hostile], name=name, received=f"2021-03-0{number + 1} 10:00")
    return Month(world, world.run("2021-03"))


def test_the_month_goes_on(attacked: Month) -> None:
    world = attacked.world
    assert attacked.result.success
    files = {(file["partner"], file["status"], file["refusal"]) for file in world.table("delivery_files")}
    unreadable = ("afgekapt", "andere_codering", "dubbele_kop", "bom", "xxe", "geen_zip", "diep")
    assert files == {
        ("goed", "accepted", None),
        # It spoils its row alone (DOMAIN §4).
        ("nul", "accepted", None),
        *((partner, "refused", "unreadable") for partner in unreadable),
        *((partner, "refused", "missing_columns") for partner in ("leeg", "geen_kop")),
        ("te_groot", "refused", "too_large"),
        ("sql", "accepted", None),
        ("sql", "superseded", None),
    }
    signals = world.table("validated_signals")
    assert {signal["partner"] for signal in signals} == {"goed", "sql"}
    assert [(r["partner"], r["reasons"]) for r in world.table("rejected_rows")] == [("nul", ["damaged_value"])]
    assert {signal["surname"] for signal in signals} == {"Testman", "'); DROP TABLE rejected_rows; --"}
    assert world.query("SELECT count(*) AS n FROM raw.delivery_rows WHERE surname = $$" + SECRET + "$$")[0]["n"] == 0
    assert {path.name for path in world.root.parent.iterdir()} == {"home", "elsewhere.csv"}
    archived = {path.name for path in world.home.archive.rglob("*") if path.is_file()}
    assert archived == {file["file_sha256"] for file in world.table("delivery_files")}


def test_what_is_left_alone_is_told(attacked: Month) -> None:
    (event,) = [
        event for event in attacked.result.get_asset_materialization_events()
        if event.asset_key and event.asset_key.to_user_string() == "delivery_files"
    ]  # fmt: skip
    told = str(event.step_materialization_data.materialization.metadata["left alone in the inbox"].value)
    for what in ("link", "no regular file", "folder in a month folder"):
        assert what in told


def test_a_folder_that_may_not_be_read_stops_nobody(world: World) -> None:
    world.agree("goed")
    world.agree("dicht")
    world.deliver("goed", "2021-03", [row()])
    closed = world.deliver("dicht", "2021-03", [row()])
    closed.unlink()
    closed.symlink_to("/dev/zero")
    assert world.run("2021-03", upto="validated_signals").success
    assert {file["partner"] for file in world.table("delivery_files")} == {"goed"}
