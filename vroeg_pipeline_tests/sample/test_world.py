"""The sample world: the same each time, with every defect in it, and careful with what lies there."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import get_args

import pytest

from vroeg_pipeline.definitions import first_month
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.layouts import FileForm, Layout, from_name
from vroeg_pipeline.domain.months import parse_month
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.secrets import hash_key, keyed_hash
from vroeg_pipeline.sample.world import PLANTED, ROW_DEFECTS, make_world
from vroeg_pipeline_tests.kit.world import World, moment


def fingerprint(root: Path) -> dict[str, tuple[str, float]]:
    """Content and moment of receipt by path; the unfinished file is always new."""
    return {
        str(path.relative_to(root)): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime if path.match("inbox/*/*/*") and path.suffix != ".part" else 0,
        )
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_gives_the_same_world(tmp_path: Path) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        make_world(Home(tmp_path / name), seed=seed, months=6, signals=100)
    assert fingerprint(tmp_path / "a") == fingerprint(tmp_path / "b")
    assert fingerprint(tmp_path / "a") != fingerprint(tmp_path / "c")


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Six months, run in one go."""
    world = World(tmp_path_factory.mktemp("sample") / "home")
    for made_by_world in ("areas.csv", "municipalities.csv"):
        (world.home.reference / made_by_world).unlink()
    make_world(world.home, months=6, signals=400)
    world.make("2020-10", "2021-03", upto="ddas_delivery")
    return world


def test_every_reason_to_reject_a_row_occurs(lived_in: World) -> None:
    found = lived_in.query("SELECT DISTINCT unnest(reasons) AS reason FROM rejected_rows")
    assert {row["reason"] for row in found} == {*ROW_DEFECTS, "replaced_by_later_file", "unknown_partner_in_file"}


def test_every_layout_that_can_be_agreed_is_delivered_and_read(lived_in: World) -> None:
    partners = lived_in.home.load_partners()
    layouts: list[Layout] = [*partners.agreements.values(), *partners.senders.values()]
    forms = [layout.delivery for layout in layouts]
    assert {form.format for form in forms} == {*get_args(FileForm.model_fields["format"].annotation)}
    headers = [header for layout in layouts for header in layout.columns.values()]
    used = {
        "lines above the headers": any(form.lines_above for form in forms),
        "a sheet": any(form.sheet for form in forms),
        "records within": {form.format for form in forms if form.records_at} == {"json", "xml"},
        "paths": any("." in header for (header, *_) in headers),
        "attributes": any("@" in header for (header, *_) in headers),
        "packed": any(form.packed for form in forms),
        "any encoding": any(form.encoding == "auto" for form in forms),
        "cents": any(form.unit == "cents" for form in forms),
        "days": any("days_in_arrears" in layout.columns for layout in layouts),
        "a date in the name": any(map(from_name, (c for layout in layouts for c in layout.constants.values()))),
        "cells of several fields": any(layout.split for layout in layouts),
        "several headers": any(len(several) > 1 for several in headers),
        "several partners": any(layout.partner_column for layout in layouts),
    }
    assert [name for name, is_used in used.items() if not is_used] == []
    read = lived_in.query(
        "SELECT partner, count(*) AS signals, count(phone) FILTER (month = '2020-10-01') AS first, "
        "count(phone) FILTER (month = '2021-03-01') AS last FROM validated_signals GROUP BY partner"
    )
    assert {row["partner"] for row in read} == {*partners.agreements}
    assert min(row["signals"] for row in read) > 20
    # Under the other header too.
    (pre_wonen,) = (row for row in read if row["partner"] == "pre_wonen")
    assert min(pre_wonen["first"], pre_wonen["last"]) > 10


def test_a_portal_delivers_for_several_partners(lived_in: World) -> None:
    files = [file for file in lived_in.table("delivery_files") if file["delivered_by"]]
    assert {(file["partner"], file["status"]) for file in files} == {
        ("ymere", "accepted"), ("zorg_en_zekerheid", "accepted"),
    }  # fmt: skip
    both = lived_in.query("SELECT * FROM address_matches WHERE partners @> ['ymere', 'zorg_en_zekerheid']")
    assert {match["match_kind"] for match in both} == {"multiple"}
    (strange,) = lived_in.query("SELECT * FROM rejected_rows WHERE partner = 'portaal'")
    assert (strange["reasons"], f"{strange['month']:%Y-%m}") == (["unknown_partner_in_file"], "2021-01")


def test_every_fate_of_a_file_occurs(lived_in: World) -> None:
    files = lived_in.table("delivery_files")
    assert {file["status"] for file in files} == {"accepted", "superseded", "questioned", "refused"}
    adding = {(file["partner"], file["status"]) for file in files if file["adds"]}
    assert adding == {("eneco", "accepted"), ("zilveren_kruis", "accepted")}
    parts = [file for file in files if file["partner"] == "zilveren_kruis" and file["file_name"].endswith("_0473.json")]
    assert parts
    planted = {what for _, _, what in PLANTED} & {
        "unknown_partner", "not_active", "unreadable", "missing_columns", "stale_copy",
    }  # fmt: skip
    assert {file["refusal"] for file in files} - {None} == planted
    assert any(file["status"] == "accepted" and file["row_count"] == 0 for file in files)


def test_every_kind_of_address_and_worklist_occurs(lived_in: World) -> None:
    statuses = {row["address_status"] for row in lived_in.table("validated_signals")}
    assert statuses == {"exact", "normalised", "repaired", "ambiguous", "unknown"}
    assert {row["held_reason"] for row in lived_in.table("validated_signals")} == {None, "withdrawn", "not_confirmed"}
    entries = lived_in.table("prioritised_worklists")
    assert {entry["worklist"] for entry in entries} == {
        "wijkteam_noord", "wijkteam_zandvoort", "budgetcoach", "lichte_opvolging", "adresdesk",
    }  # fmt: skip
    assert {entry["tier"] for entry in entries} == set(range(6))
    assert any(entry["known_to"] for entry in entries)
    assert any(entry["over_capacity"] for entry in entries)
    history = lived_in.table("recidivism_history")
    assert {row["recidivism_kind"] for row in history} == {"new", "consecutive", "returning"}
    assert any(row["possible_new_occupant"] for row in history)
    assert any(row["only_repeats"] for row in history)
    explanations = [entry["explanation"] for entry in entries]
    assert any("rondde eerder een traject schuldhulp af, daarom bellen" in explanation for explanation in explanations)


def test_names_are_written_in_many_ways(lived_in: World) -> None:
    names = {row["surname"] for row in lived_in.table("validated_signals")}
    assert all(any(sign in name for name in names) for sign in ("-", " e/o ", ", "))
    (told,) = lived_in.query(
        "SELECT count(*) FILTER (reminder_sent) AS sent, count(*) FILTER (NOT reminder_sent) AS not_sent, "
        "count(*) FILTER (reminder_sent IS NULL) AS not_told FROM validated_signals"
    )
    assert min(told.values()) > 0


def test_teams_return_what_the_pilot_and_the_country_saw(lived_in: World) -> None:
    files = lived_in.table("outcome_files")
    assert {file["refusal"] for file in files} == {None, "other_month"}
    assert sum(file["refused_count"] or 0 for file in files) < 0.01 * sum(file["row_count"] or 0 for file in files)
    assert any("geen datum" in row["reasons"][0] for row in lived_in.table("refused_outcomes"))
    found = lived_in.query(
        """
        SELECT
            has_rent,
            count(*) AS reports,
            count(*) FILTER (attempts.reached) AS reached,
            count(*) FILTER (end_result LIKE 'Vervolg%' OR end_result LIKE '(Budget)%') AS helped
        FROM address_matches
        LEFT JOIN case_results USING (month, address_key)
        LEFT JOIN (SELECT month, address_key, bool_or(reached) AS reached FROM contact_attempts GROUP BY ALL) AS attempts
            USING (month, address_key)
        GROUP BY has_rent ORDER BY has_rent
        """
    )
    reports, reached, helped = (sum(row[name] for row in found) for name in ("reports", "reached", "helped"))
    assert 0.17 < reached / reports < 0.24  # nationally one in five
    assert 0.055 < helped / reports < 0.09  # nationally 7%
    other, rent = found
    assert rent["helped"] / rent["reports"] > 2 * other["helped"] / other["reports"]
    (shares,) = lived_in.query(
        """
        SELECT
            (SELECT avg(is_recidivist::INT) FROM recidivism_history) AS again,
            (SELECT avg((known_to IS NULL)::INT) FROM prioritised_worklists) AS unknown
        """
    )
    assert 0.25 < shares["again"] < 0.35
    assert 0.9 < shares["unknown"] < 0.96
    assert any(entry["aftercare"] for entry in lived_in.table("prioritised_worklists"))


def test_a_case_that_was_contacted_and_then_withdrawn_stays(lived_in: World) -> None:
    (kept,) = lived_in.table("contacted_signals")
    where = f"month = '2021-03-01' AND address_key = '{kept['address_key']}'"
    assert lived_in.table("prioritised_worklists", where=where) == []
    assert len(lived_in.table("contacted_reports", where=where)) == 1
    attempts = len(lived_in.table("contact_attempts", where=where))
    assert attempts > 0
    (path,) = lived_in.home.outbox_of(kept["month"]).glob("ddas*.json")
    told = json.loads(path.read_text(encoding="utf-8"))["leveringen"]
    its_id = keyed_hash(hash_key(lived_in.home), kept["signal_id"])
    (case,) = (c for levering in told for c in levering["vroegsignaalzaken"] if {"ID": its_id} in c["vroegsignalen"])
    assert len(case["contactpogingen"]) == attempts


def test_the_register_is_that_of_the_pilot(lived_in: World) -> None:
    (row,) = lived_in.query(
        """
        SELECT bool_and(left(postcode, 4)::INTEGER BETWEEN 2021 AND 2026 OR left(postcode, 4) IN ('2041', '2042')) AS pilot,
            bool_or(house_number_addition = 'RD') AND bool_or(house_number_addition = 'ZW') AS upper_and_lower,
            bool_or(house_letter <> '') AS letters
        FROM reference.address_register
        """
    )
    assert row == {"pilot": True, "upper_and_lower": True, "letters": True}


def test_de_key_was_taken_over_by_pre_wonen(lived_in: World) -> None:
    repeats = lived_in.query(
        """
        SELECT count(*) AS n FROM repeat_signals AS r
        INNER JOIN validated_signals AS now ON r.signal_id = now.signal_id
        INNER JOIN validated_signals AS past ON r.repeats_signal_id = past.signal_id
        WHERE now.partner = 'pre_wonen' AND past.partner = 'de_key'
        """
    )
    assert repeats[0]["n"] > 0


def test_what_lies_there_is_not_overwritten_by_accident(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    make_world(home, months=1, signals=50)
    before = fingerprint(home.root)
    with pytest.raises(VroegError, match="--overwrite"):
        make_world(home, months=1, signals=50, seed=2)
    assert fingerprint(home.root) == before
    make_world(home, months=1, signals=50, seed=2, overwrite=True)
    assert fingerprint(home.root) != before


@pytest.mark.parametrize(
    "there",
    ["a delivery", "a delivery among those of a sample", "one in place of another", "tables", "tables, of a sample"],
)
def test_nobody_made_up_comes_among_real_people(tmp_path: Path, there: str) -> None:
    home = Home(tmp_path / "home")
    if "of a" in there or "place" in there:
        make_world(home, months=1, signals=50)
    delivered = home.inbox / "pwn" / "2020-10"
    delivered.mkdir(parents=True, exist_ok=True)
    if there.startswith("tables"):
        shutil.rmtree(home.inbox)
        home.warehouse.touch()
    elif there == "one in place of another":
        next(path for path in delivered.iterdir() if path.is_file()).write_text("a real one", encoding="utf-8")
    else:
        (delivered / "levering.csv").write_text("a real one", encoding="utf-8")
    before = fingerprint(home.root)
    with pytest.raises(VroegError, match=r"give another VROEG_HOME$"):
        make_world(home, months=1, signals=50, seed=2, overwrite=True)
    assert fingerprint(home.root) == before


def test_people_are_for_the_owner_alone(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    make_world(home, months=1, signals=50)
    for path in home.inbox.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_world_that_lives_ends_now(tmp_path: Path) -> None:
    """Nothing in it is from later; of the month under way some is in, late, refused, missing or not due yet."""
    home, now = Home(tmp_path / "home"), moment("2026-11-06 12:00")
    make_world(home, months=6, signals=100, first_month=parse_month("2026-05"), now=now)
    received = [path.stat().st_mtime for path in home.inbox.glob("*/*/**/*") if path.is_file()]
    assert max(received) <= now.timestamp()
    installation = Installation.load(home, lambda: now)
    assert first_month(installation) == parse_month("2026-05")
    came = {path.parent.name for path in home.inbox.glob("*/2026-11")}
    owed = {
        partner
        for partner, agreed in installation.partners.agreements.items()
        if agreed.is_active(parse_month("2026-11"))
    }
    assert 0 < len(came & owed) < len(owed)
    # What teams do of the newest lists has not come back yet.
    assert sorted(path.name for path in (home.inbox / "outcomes").iterdir())[-1] == "2026-09"
    # The pilot's succession is in its third month.
    assert installation.partners.agreements["de_key"].valid_until == parse_month("2026-07")
    later = moment("2026-11-27 12:00")
    make_world(home, months=6, signals=100, first_month=parse_month("2026-05"), now=later, overwrite=True)
    of_partner = {path.parent.name: path for path in home.inbox.glob("*/2026-11")}
    assert "zilveren_kruis" not in of_partner
    late = min(path.stat().st_mtime for path in of_partner["elan_wonen"].iterdir())
    assert late > installation.partners.agreements["elan_wonen"].due(parse_month("2026-11")).timestamp()
    assert any("spoed" in path.name for path in of_partner["eneco"].iterdir())


def test_another_world_in_its_place_begins_with_its_own_month(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    for begins in ("2026-05", "2020-10"):
        make_world(home, months=1, signals=50, first_month=parse_month(begins), overwrite=True)
        installation = Installation.load(home)
        assert first_month(installation) == parse_month(begins) == installation.partners.agreements["pwn"].valid_from
