"""Files: refused, superseded, accepted, archived, registered (DOMAIN §4)."""

from __future__ import annotations

import os
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from vroeg_pipeline.deliveries.assets import delivery_key
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline_tests.kit.world import LATER, WHOLE, World, as_csv, moment, row

HEADER = as_csv([])


def files(world: World, month: str = "2021-03") -> dict[tuple[str, str], dict[str, Any]]:
    """The register of a month by partner and file name."""
    rows = world.table("delivery_files", where=f"month = '{month}-01'")
    return {(r["partner"], r["file_name"]): r for r in rows}


def verdicts(world: World, month: str = "2021-03") -> dict[str, str]:
    """File name to refusal, or else status."""
    return {name: f["refusal"] or f["status"] for (_, name), f in files(world, month).items()}


@pytest.fixture
def huur(world: World) -> World:
    """An installation with one partner."""
    world.agree("huur", valid_from="2021-01", valid_until="2021-06")
    return world


def test_refusals_stop_nobody_else(huur: World) -> None:
    huur.agree("water", type="Water")
    huur.agree("licht", type="Energie", delivery={"format": "json"})
    huur.settings(max_file_mb=0.05)
    huur.deliver("huur", "2021-03", [row()])
    huur.deliver("water", "2021-03", as_csv([row()]).replace(b"Surname", b"Naam"), name="kolom.csv")
    huur.deliver("water", "2021-03", b"\xff\xfe\x00", name="stuk.csv")
    huur.deliver("water", "2021-03", b"x" * 60_000, name="groot.csv")
    huur.deliver("water", "2021-03", b"", name="leeg.csv")
    huur.deliver("licht", "2021-03", b'{"a": 1}', name="object.json")
    huur.deliver("vreemd", "2021-03", [row()], name="vreemd.csv")
    huur.make("2021-03", upto="prioritised_worklists")
    assert verdicts(huur) == {
        "levering.csv": "accepted",
        "kolom.csv": "missing_columns",
        "stuk.csv": "unreadable",
        "groot.csv": "too_large",
        "leeg.csv": "missing_columns",
        "object.json": "unreadable",
        "vreemd.csv": "unknown_partner",
    }
    found = files(huur)
    assert {name: f["row_count"] for (_, name), f in found.items()} == {
        "levering.csv": 1, "kolom.csv": 1, "stuk.csv": None, "groot.csv": None, "leeg.csv": 0, "object.json": None,
        "vreemd.csv": None,
    }  # fmt: skip
    refused = [f for f in found.values() if f["status"] == "refused"]
    assert all(f["accepted_count"] is None and f["rejected_count"] is None for f in refused)
    assert found["water", "kolom.csv"]["reference_date_max"] is not None
    assert len(huur.table("prioritised_worklists")) == 1


@pytest.mark.parametrize("month", ["2020-12", "2021-07"])
def test_outside_the_agreement(huur: World, month: str) -> None:
    huur.agree("water", valid_from="2020-01")
    huur.deliver("huur", month, [row()])
    huur.deliver("huur", month, b"\xff", name="ook_stuk.csv")
    huur.make(month, upto="delivery_files")
    assert verdicts(huur, month) == {"levering.csv": "not_active", "ook_stuk.csv": "not_active"}
    assert files(huur, month)["huur", "levering.csv"]["row_count"] == 1


def test_a_month_before_every_agreement_can_be_run(huur: World) -> None:
    huur.deliver("huur", "2020-11", [row()])
    huur.run("2020-11", upto="delivery_files")
    assert verdicts(huur, "2020-11") == {"levering.csv": "not_active"}


@pytest.mark.parametrize("month", ["2021-01", "2021-06"])
def test_first_and_last_month_of_the_agreement(huur: World, month: str) -> None:
    huur.deliver("huur", month, [row(reference_date=f"01-{month[5:]}-2021", arrears_since="01-11-2020")])
    huur.make(month, upto="delivery_files")
    assert verdicts(huur, month) == {"levering.csv": "accepted"}


def test_too_large_goes_before_unreadable(huur: World) -> None:
    huur.settings(max_file_mb=0.01)
    huur.deliver("huur", "2021-03", b"\xff" * 20_000)
    huur.make("2021-03", upto="delivery_files")
    assert verdicts(huur) == {"levering.csv": "too_large"}


def test_the_newest_usable_file_is_the_delivery(huur: World) -> None:
    huur.deliver("huur", "2021-03", [row()], name="een.csv", received="2021-03-02 09:00")
    huur.deliver("huur", "2021-03", [row(), row(house_number="14")], name="twee.csv", received="2021-03-03 09:00")
    huur.deliver("huur", "2021-03", b"\xff", name="drie.csv", received="2021-03-04 09:00")
    huur.make("2021-03", upto="validated_signals")
    assert verdicts(huur) == {"een.csv": "superseded", "twee.csv": "accepted", "drie.csv": "unreadable"}
    superseded = files(huur)["huur", "een.csv"]
    assert (superseded["row_count"], superseded["accepted_count"]) == (1, None)
    assert len(huur.table("validated_signals")) == 2


def test_of_two_at_one_moment_the_last_name_counts(huur: World) -> None:
    huur.deliver("huur", "2021-03", [row()], name="b.csv")
    huur.deliver("huur", "2021-03", [row(surname="Ander")], name="a.csv")
    huur.make("2021-03", upto="delivery_files")
    assert verdicts(huur) == {"a.csv": "superseded", "b.csv": "accepted"}


def test_the_same_bytes_twice_are_one_delivery(huur: World) -> None:
    huur.deliver("huur", "2021-03", [row()], name="later.csv", received="2021-03-04 09:00")
    huur.deliver("huur", "2021-03", [row()], name="eerst.csv", received="2021-03-02 09:00")
    huur.make("2021-03", upto="delivery_files")
    (file,) = huur.table("delivery_files")
    assert (file["file_name"], file["received_at"]) == ("eerst.csv", moment("2021-03-02 09:00"))


def test_an_old_version_sent_again_does_not_replace_a_newer_one(huur: World) -> None:
    path = huur.deliver("huur", "2021-03", [row()], received="2021-03-01 09:00")
    huur.make("2021-03", upto="validated_signals")
    huur.deliver("huur", "2021-03", [row(surname="Nieuw")], received="2021-03-02 09:00")
    huur.make("2021-03", upto="validated_signals")
    huur.deliver("huur", "2021-03", [row()], name="opnieuw.csv", received="2021-03-04 09:00")
    huur.make("2021-03", upto="validated_signals")
    assert path.exists()
    by_time = huur.table("delivery_files", "received_at")
    assert [(f["status"], f["received_at"]) for f in by_time] == [
        ("superseded", moment("2021-03-01 09:00")),
        ("accepted", moment("2021-03-02 09:00")),
    ]
    assert [s["surname"] for s in huur.table("validated_signals")] == ["Nieuw"]


def test_a_file_that_left_the_inbox_stays_delivered(huur: World) -> None:
    path = huur.deliver("huur", "2021-03", [row()])
    huur.make("2021-03", upto="validated_signals")
    before = huur.table("validated_signals")
    path.unlink()
    huur.make("2021-03", upto="validated_signals")
    assert verdicts(huur) == {"levering.csv": "accepted"}
    assert huur.table("validated_signals") == before


def test_old_bytes_for_a_later_month_are_stale(huur: World) -> None:
    huur.deliver("huur", "2021-02", [row()])
    huur.deliver("huur", "2021-03", [row()], name="kopie.csv")
    huur.deliver("huur", "2021-04", HEADER)
    huur.deliver("huur", "2021-05", HEADER)
    huur.make("2021-02", "2021-05", upto="validated_signals")
    assert verdicts(huur, "2021-03") == {"kopie.csv": "stale_copy"}
    assert verdicts(huur, "2021-05") == {"levering.csv": "accepted"}  # zero rows are never a stale copy
    assert huur.table("validated_signals", where="month = '2021-03-01'") == []


def test_a_late_earlier_month_makes_the_later_copy_stale(huur: World) -> None:
    huur.deliver("huur", "2021-03", [row()])
    huur.make("2021-03", upto="delivery_files")
    assert verdicts(huur) == {"levering.csv": "accepted"}
    huur.deliver("huur", "2021-02", [row()])
    huur.make("2021-02", "2021-03", upto="delivery_files")
    assert verdicts(huur, "2021-02") == {"levering.csv": "accepted"}
    assert verdicts(huur) == {"levering.csv": "stale_copy"}


def test_bytes_of_another_partner_or_of_a_refused_file_are_not_stale(huur: World) -> None:
    huur.agree("water", valid_from="2021-03")
    huur.deliver("water", "2021-02", [row()])  # not active yet, so never delivered
    huur.deliver("huur", "2021-02", [row()])
    huur.deliver("water", "2021-03", [row()])
    huur.make("2021-02", "2021-03", upto="delivery_files")
    assert verdicts(huur, "2021-03") == {"levering.csv": "accepted"}


def test_a_delivery_of_zero_rows_is_a_delivery(huur: World) -> None:
    huur.agree("licht", delivery={"format": "json"})
    huur.deliver("huur", "2021-03", HEADER)
    huur.deliver("licht", "2021-03", b"[]", name="leeg.json")
    huur.make("2021-03", upto="prioritised_worklists")
    assert verdicts(huur) == {"levering.csv": "accepted", "leeg.json": "accepted"}
    assert [(f["row_count"], f["accepted_count"], f["rejected_count"]) for f in files(huur).values()] == [(0, 0, 0)] * 2
    assert huur.table("prioritised_worklists") == []


def test_what_is_unfinished_is_left_alone(huur: World) -> None:
    for ending in (".part", ".tmp", ".filepart", ".PART"):
        huur.deliver("huur", "2021-03", [row()], name=f"levering.csv{ending}")
    path = huur.deliver("huur", "2021-03", [row()], name="vers.csv")
    fresh = (LATER - timedelta(seconds=5)).timestamp()
    os.utime(path, (fresh, fresh))
    result = huur.run("2021-03", upto="delivery_files")
    assert verdicts(huur) == {}
    assert told(result, "left alone in the inbox") == "5 × still being written"
    huur.settings(settle_seconds=5)
    huur.make("2021-03", upto="delivery_files")
    assert verdicts(huur) == {"vers.csv": "accepted"}


def told(result: dg.ExecuteInProcessResult, key: str) -> object:
    """A figure on the materialization of the register."""
    (event,) = [e for e in result.all_events if e.is_step_materialization and e.asset_key.path == ["delivery_files"]]
    return event.materialization.metadata[key].value


def test_nothing_is_read_from_behind_a_link(huur: World, tmp_path: Path) -> None:
    outside = tmp_path / "elsewhere" / "2021-03"
    outside.mkdir(parents=True)
    (outside / "buiten.csv").write_bytes(as_csv([row()]))
    folder = huur.deliver("huur", "2021-03", [row()]).parent
    (folder / "link.csv").symlink_to(outside / "buiten.csv")
    huur.agree("water")
    (huur.home.inbox / "water").symlink_to(outside.parent)
    (huur.home.inbox / "huur" / "2021-04").symlink_to(outside)
    (huur.home.inbox / "huur" / "geen-maand").mkdir()
    (huur.home.inbox / "huur" / "2021-13").mkdir()
    (huur.home.inbox / "los.csv").write_bytes(as_csv([row()]))
    (folder / "map").mkdir()
    os.mkfifo(folder / "pijp.csv")
    result = huur.run("2021-03", upto="delivery_files")
    assert verdicts(huur) == {"levering.csv": "accepted"}
    assert told(result, "left alone in the inbox") == (
        "1 × folder in a month folder, 3 × link, 1 × no regular file, 3 × not in a month folder"
    )


def test_reserved_folders_are_nobodys_deliveries(huur: World) -> None:
    for reserved in ("outcomes", "adresdesk"):
        huur.deliver(reserved, "2021-03", [row()])
    huur.make("2021-03", upto=WHOLE)
    assert verdicts(huur) == {}


@pytest.mark.parametrize(
    "name", ["'; DROP TABLE delivery_files; --.csv", "a\nb.csv", "..%2f..%2fx.csv", "é" * 100 + ".csv", "$(id).csv"]
)
def test_hostile_names_are_only_names(huur: World, name: str) -> None:
    huur.deliver("huur", "2021-03", [row()], name=name)
    huur.deliver(name.removesuffix(".csv"), "2021-03", [row()])
    huur.make("2021-03", upto=WHOLE)
    found = huur.table("delivery_files", "status")
    assert [f["status"] for f in found] == ["accepted", "refused"]
    assert "\n" not in "".join(f["file_name"] + f["partner"] for f in found)


def test_a_name_that_is_no_text(huur: World) -> None:
    path = huur.deliver("huur", "2021-03", [row()])
    os.rename(os.fsencode(path), os.fsencode(path.parent) + b"/\xff\xfe.csv")  # noqa: PTH104
    huur.make("2021-03", upto=WHOLE)
    (file,) = huur.table("delivery_files")
    assert (file["status"], file["file_name"]) == ("accepted", "\\xff\\xfe.csv")


def test_the_archive_keeps_the_bytes_for_the_owner_alone(huur: World) -> None:
    before = {path for path in huur.root.parent.rglob("*") if huur.root not in path.parents}
    with WarehouseResource(home=str(huur.root)).connect():
        pass  # made here, not copied by the kit
    huur.deliver("huur", "2021-03", [row()])
    huur.deliver("vreemd", "2021-03", b"\xff")
    huur.run("2021-03")
    (file,) = huur.table("delivery_files", where="status = 'accepted'")
    kept = huur.home.archive / "huur" / "2021-03" / file["file_sha256"]
    assert kept.read_bytes() == as_csv([row()])
    assert kept.stat().st_mtime == moment("2021-03-03 10:00").timestamp()
    for path in [*huur.home.archive.rglob("*"), huur.home.archive, *huur.home.outbox.rglob("*"), huur.home.warehouse]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path
    after = {path for path in huur.root.parent.rglob("*") if huur.root not in path.parents}
    assert after == before


def test_a_month_is_filled_once_and_only_by_what_arrived(huur: World) -> None:
    huur.agree("water")
    huur.deliver("huur", "2021-03", [row()])
    huur.deliver("water", "2021-03", b"\xff")
    huur.run("2021-03", upto="delivery_files")
    huur.run("2021-03", upto="delivery_files")
    assert huur.instance.get_materialized_partitions(delivery_key("huur")) == {"2021-03-01"}
    assert huur.instance.get_materialized_partitions(delivery_key("water")) == set()
    records = huur.instance.fetch_materializations(dg.AssetRecordsFilter(delivery_key("huur")), limit=10).records
    assert len(records) == 1
    huur.deliver("huur", "2021-03", [row(), row(house_number="16")], received="2021-03-04 09:00")
    huur.run("2021-03", upto="delivery_files")
    records = huur.instance.fetch_materializations(dg.AssetRecordsFilter(delivery_key("huur")), limit=10).records
    assert len(records) == 2


def test_very_many_files_of_one_partner_stop_nobody(world: World) -> None:
    world.agree("huur")
    world.agree("goed", type="Water")
    header = as_csv([]).decode()
    for number in range(1_200):
        world.deliver("huur", "2021-03", f"{header}K{number}{';' * 18}\r\n".encode(), name=f"{number:04d}.csv")
    world.deliver("goed", "2021-03", [row()])
    world.make("2021-03", upto="delivery_files")
    files = world.table("delivery_files")
    assert len(files) == 1_201
    assert {f["partner"] for f in files if f["status"] == "accepted"} == {"huur", "goed"}
    assert world.query("SELECT count(*) AS n FROM raw.delivery_rows")[0]["n"] == 1_201
