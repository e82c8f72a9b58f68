"""A replacement that lost people is questioned, and people decide what a file is (DOMAIN §4)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from vroeg_pipeline.deliveries.assets import delivery_key
from vroeg_pipeline.deliveries.worked_on import content_of_month, is_news, worked_on
from vroeg_pipeline.installation.notes import DECIDED, Decided, noted_verdicts
from vroeg_pipeline_tests.kit import command
from vroeg_pipeline_tests.kit.world import World, month, row

MARCH = "2021-03"


def rows(*numbers: int) -> list[dict[str, str]]:
    """Valid rows, each of the customer and house of its number."""
    return [row(customer_reference=f"K{number}", house_number=str(number)) for number in numbers]


@pytest.fixture
def huur(world: World) -> World:
    """A partner that delivered ten rows."""
    world.agree("huur")
    world.deliver("huur", MARCH, rows(*range(1, 11)), name="een.csv", received="2021-03-02 09:00")
    return world


def second(world: World, *numbers: int, name: str = "twee.csv", day: int = 3) -> Path:
    return world.deliver("huur", MARCH, rows(*numbers), name=name, received=f"2021-03-{day:02d} 09:00")


def became(world: World, upto: str = "validated_signals") -> dict[str, str]:
    """File name to refusal, or else status, after a run."""
    world.make(MARCH, upto=upto)
    return {file["file_name"]: file["refusal"] or file["status"] for file in world.table("delivery_files")}


@pytest.mark.parametrize(
    ("kept", "status"),
    [
        (range(6, 11), "accepted"),  # half of them is not more than half
        (range(7, 11), "questioned"),
        ((), "questioned"),
    ],
)
def test_a_replacement_that_lacks_more_than_the_share_is_questioned(huur: World, kept: range, status: str) -> None:
    # Who is new makes up for nobody who is lost.
    second(huur, *kept, *range(20, 40) if kept else ())
    expected = {"een.csv": "superseded" if status == "accepted" else "accepted", "twee.csv": status}
    assert became(huur) == expected
    lost = {f"K{number}" for number in range(1, 11) if number not in kept}
    assert lost <= {s["customer_reference"] for s in huur.table("validated_signals")} or status == "accepted"
    twee = next(file for file in huur.table("delivery_files") if file["file_name"] == "twee.csv")
    figures = (twee["references_lacking"], twee["references_before"], twee["accepted_count"], twee["rejected_count"])
    if status == "questioned":
        assert figures == (10 - len(kept), 10, None, None)
        assert twee["row_count"] == (24 if kept else 0)


def test_fewer_than_five_are_never_too_many(world: World) -> None:
    world.agree("huur", delivery={"max_missing_share": 0})
    world.deliver("huur", MARCH, rows(1, 2, 3, 4), name="een.csv", received="2021-03-02 09:00")
    second(world, 9)
    assert became(world, "delivery_files") == {"een.csv": "superseded", "twee.csv": "accepted"}


def test_rejected_rows_are_references_too_and_each_counts_once(world: World) -> None:
    world.agree("huur")
    twice = [*rows(1, 2, 3, 4, 5, 6), *rows(1, 2, 3, 4, 5), row(customer_reference="K7", amount_due="1")]
    world.deliver("huur", MARCH, twice, name="een.csv", received="2021-03-02 09:00")
    second(world, 1, 2)
    world.make(MARCH, upto="delivery_files")
    (questioned,) = world.table("delivery_files", where="status = 'questioned'")
    assert (questioned["references_lacking"], questioned["references_before"]) == (5, 7)


def test_the_file_after_a_questioned_one_is_compared_with_the_delivery(huur: World) -> None:
    second(huur, 1)
    second(huur, *range(1, 9), name="drie.csv", day=4)
    second(huur, 2, name="vier.csv", day=5)
    assert became(huur, "delivery_files") == {
        "een.csv": "superseded", "twee.csv": "questioned", "drie.csv": "accepted", "vier.csv": "questioned",
    }  # fmt: skip


def test_an_old_copy_of_a_questioned_file_is_stale(huur: World) -> None:
    path = second(huur, 1)
    huur.make(MARCH, upto="delivery_files")
    huur.deliver("huur", "2021-04", path.read_bytes(), received="2021-04-03 09:00")
    huur.make("2021-04", upto="delivery_files")
    (april,) = huur.table("delivery_files", where="month = '2021-04-01'")
    assert april["refusal"] == "stale_copy"


def test_decisions_are_followed_by_every_run_and_undone_by_a_later_one(huur: World) -> None:
    path = second(huur, 20, 21)
    assert became(huur)["twee.csv"] == "questioned"
    found = []
    for decision in ("replacement", "addition", "refused", "addition"):
        huur.now += timedelta(minutes=1)
        huur.decide("huur", MARCH, path, decision)
        files = became(huur)
        found.append((files["een.csv"], files["twee.csv"], len(huur.table("validated_signals"))))
    assert found == [
        ("superseded", "accepted", 2), ("accepted", "accepted", 12), ("accepted", "refused_by_person", 10),
        ("accepted", "accepted", 12),
    ]  # fmt: skip
    decided = huur.table("reference.delivery_decisions", "decided_at")
    assert [each["decision"] for each in decided] == ["replacement", "addition", "refused", "addition"]
    assert {file["adds"] for file in huur.table("delivery_files")} == {False}
    # A warehouse that is lost has them from the note, a note that is lost from the warehouse.
    noted = DECIDED.read(huur.home, month(MARCH))
    huur.lose_warehouse()
    assert became(huur) == {"een.csv": "accepted", "twee.csv": "accepted"}
    assert huur.table("reference.delivery_decisions", "decided_at") == decided
    assert len(huur.table("validated_signals")) == 12
    DECIDED.write(huur.home, month(MARCH), Decided(("as earlier releases did",)))
    became(huur)
    assert DECIDED.read(huur.home, month(MARCH)) == noted
    assert huur.table("reference.delivery_decisions", "decided_at") == decided


def test_who_is_refused_by_a_person_and_what_goes_before(huur: World) -> None:
    huur.settings(max_file_mb=0.05)
    large = huur.deliver("huur", MARCH, b"x" * 60_000, name="groot.csv")
    early = huur.deliver("huur", "2019-12", rows(1), name="vroeg.csv")
    huur.decide("huur", MARCH, large, "refused")
    huur.decide("huur", "2019-12", early, "refused")
    assert became(huur, "delivery_files")["groot.csv"] == "refused_by_person"
    huur.make("2019-12", upto="delivery_files")
    assert [f["refusal"] for f in huur.table("delivery_files", where="month < '2020-01-01'")] == ["not_active"]


def test_the_check_fails_until_somebody_decided_and_the_month_goes_on(huur: World) -> None:
    path = second(huur, 1)
    result = huur.run(MARCH)
    failed = [e for e in result.get_asset_check_evaluations() if e.check_name == "replacement_is_whole"]
    assert [(e.passed, e.severity) for e in failed] == [(False, dg.AssetCheckSeverity.ERROR)]
    assert "lacks 9 of the 10 references" in (failed[0].description or "")
    huur.decide("huur", MARCH, path, "refused")
    huur.run(MARCH)
    checked = [v for v in noted_verdicts(huur.home, month(MARCH)) if v.check == "replacement_is_whole"]
    assert [v.passed for v in checked] == [True]


def test_each_accepted_file_is_an_event_and_the_last_shows_all(huur: World) -> None:
    huur.agree("huur", delivery={"additions": "*spoed*"})
    huur.run(MARCH, upto="delivery_files")
    huur.deliver("huur", MARCH, rows(20), name="spoed.csv", received="2021-03-15 09:00")
    huur.run(MARCH, upto="delivery_files")
    huur.run(MARCH, upto="delivery_files")
    records = huur.instance.fetch_materializations(delivery_key("huur"), limit=10).records
    shown = [record.asset_materialization.metadata for record in reversed(records) if record.asset_materialization]
    rows_told = [(m["rows of this file"].value, m["dagster/partition_row_count"].value) for m in shown]
    assert rows_told == [(10, 10), (1, 11)]
    assert len(shown[-1]["files"].value) == 2  # type: ignore[arg-type]
    # The supplement came after the deadline, the delivery did not.
    assert shown[-1]["on time"].value is True


def vroeg(world: World, *arguments: str, width: int = 250) -> tuple[int, str]:
    done = command.vroeg(world.root, "deliveries", *arguments, width=width)
    return done.returncode, done.stdout + done.stderr


def test_deciding_on_the_command_line(huur: World) -> None:
    second(huur, 1)
    code, said = vroeg(huur, "decide", "abcd", "--as", "refused", "--by", "A", "--reason", "b")
    assert (code, said.count("\n"), "no warehouse yet" in said) == (1, 1, True)
    huur.make(MARCH, upto="worklist_files")
    (questioned,) = huur.table("delivery_files", where="status = 'questioned'")
    sha256 = questioned["file_sha256"]
    code, said = vroeg(huur, "list")
    assert "questioned: lacks 9 of 10 references" in said
    assert sha256[:12] in said
    before = worked_on(huur.home, month(MARCH)).issued
    assert not is_news(content_of_month(huur.installation, month(MARCH)), before)
    how = ("--as", "addition", "--by", "J. de Boer", "--reason", "gebeld: spoed")
    code, said = vroeg(huur, "decide", sha256[:8].upper(), *how)
    assert (code, said.startswith(f"huur 2021-03, {sha256[:12]}: addition.")) == (0, True)
    # The sensor sees it, though nothing came.
    assert is_news(content_of_month(huur.installation, month(MARCH)), before)
    huur.make(MARCH, upto="worklist_files")
    assert {file["status"] for file in huur.table("delivery_files")} == {"accepted"}
    done = worked_on(huur.home, month(MARCH)).issued
    assert not is_news(content_of_month(huur.installation, month(MARCH)), done)
    assert "addition by J. de Boer" in vroeg(huur, "list", "--month", MARCH)[1]


def test_on_a_narrow_terminal_a_file_is_listed_with_its_partner_whole(world: World) -> None:
    world.agree("woningcorporatie_zandvoort")
    world.deliver("woningcorporatie_zandvoort", MARCH, rows(12))
    world.make(MARCH, upto="delivery_files")
    (file,) = world.table("delivery_files")
    for width in (60, 80):
        said = vroeg(world, "list", "--month", MARCH, width=width)[1]
        assert max(map(len, said.splitlines())) <= width
        assert {"2021-03", "woningcorporatie_zandvoort", file["file_sha256"][:12]} <= {*said.split()}


@pytest.mark.parametrize(
    ("prefix", "what", "by", "wrong"),
    [
        ("ffff", "refused", "A", "no file begins with ffff"),
        ("xyz", "refused", "A", "the first digits"),
        ("ffff", "weg", "A", "--as replacement, addition, refused is expected, not 'weg'"),
        ("ffff", "refused", " ", "--by is empty"),
    ],
)
def test_what_cannot_be_decided_is_one_line(huur: World, prefix: str, what: str, by: str, wrong: str) -> None:
    huur.make(MARCH, upto="delivery_files")
    arguments = ("decide", prefix, "--as", what, "--by", by, "--reason", "b")
    code, said = vroeg(huur, *arguments)
    assert (code, said.count("\n"), wrong in said) == (1, 1, True)


def test_a_prefix_of_several_names_them(huur: World) -> None:
    huur.agree("water", type="Water")
    huur.deliver("water", MARCH, rows(*range(1, 11)), name="een.csv", received="2021-03-02 09:00")
    huur.make(MARCH, upto="delivery_files")
    sha256 = huur.table("delivery_files")[0]["file_sha256"]
    how = ("--as", "refused", "--by", "A", "--reason", "b")
    code, said = vroeg(huur, "decide", sha256[:6], *how)
    assert (code, f"huur 2021-03 {sha256[:12]}, water 2021-03 {sha256[:12]}" in said) == (1, True)
    assert vroeg(huur, "decide", sha256[:6], *how, "--partner", "water")[0] == 0
    assert [d["partner"] for d in huur.table("reference.delivery_decisions")] == ["water"]
