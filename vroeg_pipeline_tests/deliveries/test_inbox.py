"""How the inbox is listed, and as what its bytes are known (DOMAIN §4, §10, §13). No warehouse, no run."""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest

from vroeg_pipeline.deliveries.inbox import (
    Listing,
    archive_files,
    find_archived,
    list_month,
    list_returned,
    list_slips,
    months_in,
    printable,
)
from vroeg_pipeline.deliveries.received import ReceivedFile, files_of_month
from vroeg_pipeline.deliveries.worked_on import still_to_be_judged
from vroeg_pipeline_tests.kit.world import World

MARCH = date(2021, 3, 1)
NOW = datetime(2021, 3, 10, 12, tzinfo=UTC)


def put(world: World, place: str, ago: timedelta = timedelta(hours=1)) -> None:
    path = world.home.inbox / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(place, encoding="utf-8")
    moment = (NOW - ago).timestamp()
    os.utime(path, (moment, moment))


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("spoed\u202fmaart\xa0\u200b2021 é.csv", "spoed\u202fmaart\xa0\u200b2021 é.csv"),
        ("a\nb\x1b[0m\u2028.csv", r"a\nb\x1b[0m\u2028.csv"),
        (os.fsdecode(b"a\xff.csv"), r"a\xff.csv"),
    ],
)
def test_a_name_is_kept_as_it_is_unless_it_would_break_a_line(name: str, kept: str) -> None:
    """Its white space counts where it is compared with what files are called that add (DOMAIN §4)."""
    assert printable(name) == kept


def found(listing: Listing) -> list[tuple[str, str]]:
    return [(file.partner, file.name) for file in listing.files]


@pytest.fixture
def inbox(world: World) -> Path:
    """Two partners, what teams and the desk returned, and what must be left alone."""
    for place in (
        "water/2021-03/b.csv", "huur/2021-03/a.csv", "huur/2021-03/withdrawals/w.csv", "huur/2021-03/other/x.csv",
        "huur/2021-02/feb.csv", "huur/notes/x.csv", "water/2021-03/confirmations/c.csv", "outcomes/2021-04/lijst.xlsx",
        "outcomes/2021-03/lijst.xlsx", "adresdesk/2021-05/desk.csv", "loose.csv",
    ):  # fmt: skip
        put(world, place)
    put(world, "huur/2021-03/half.csv.part")
    put(world, "water/2021-03/fresh.csv", timedelta(seconds=1))
    (world.home.inbox / "linked").symlink_to(world.home.inbox / "huur")
    return world.home.inbox


def test_each_listing_has_its_own_files(inbox: Path) -> None:
    deliveries = list_month(inbox, MARCH, 10, NOW)
    assert found(deliveries) == [("huur", "a.csv"), ("water", "b.csv")]
    assert [file.name for file in deliveries.unfinished] == ["half.csv.part", "fresh.csv"]
    assert deliveries.skipped == Counter(
        {"link": 1, "not in a month folder": 2, "folder in a month folder": 1, "still being written": 2}
    )
    assert found(list_slips(inbox, "withdrawals", MARCH, 10, NOW)) == [("huur", "w.csv")]
    assert found(list_slips(inbox, "confirmations", MARCH, 10, NOW)) == [("water", "c.csv")]
    assert found(list_returned(inbox, "outcomes", 10, NOW, MARCH)) == [("outcomes", "lijst.xlsx")]
    assert len(list_returned(inbox, "outcomes", 10, NOW).files) == 2
    assert list_returned(inbox, "nobody", 10, NOW) == Listing()
    assert [month.month for month in months_in(inbox)] == [2, 3, 4]


def test_what_cannot_be_taken_in_now_is_counted_and_the_rest_is_archived(world: World, inbox: Path) -> None:
    listing = list_month(inbox, MARCH, 10, NOW)
    (inbox / "huur/2021-03/a.csv").write_text("something else by now", encoding="utf-8")
    (kept,) = archive_files(world.home, listing, lambda file: file.partner, 50)
    file, archived = kept
    assert (file.partner, archived.path) == (
        "water",
        find_archived(world.home, MARCH, archived.sha256, "huur", "water"),
    )
    assert listing.skipped["changed while it was read"] == 1


def test_an_upload_is_waited_for_and_not_for_ever(world: World) -> None:
    put(world, "huur/2021-03/half.csv.part", timedelta(minutes=5))
    put(world, "water/2021-03/half.csv.part", timedelta(days=30))
    world.now = NOW
    assert still_to_be_judged(world.installation, MARCH) == {"huur"}


def test_the_same_bytes_have_the_moment_and_name_with_which_they_came_first(world: World) -> None:
    moments = {name: NOW - timedelta(days=days) for name, days in (("a.csv", 1), ("b.csv", 3), ("c.csv", 3))}
    path = world.home.archive / "huur" / "2021-03" / "bytes"
    path.parent.mkdir(parents=True)
    path.write_text("x", encoding="utf-8")
    for names in permutations(moments):
        before = [("huur", "bytes", name, moments[name], 1) for name in names]
        others = [("water", "bytes", "z.csv", NOW, 1)]
        files = files_of_month(
            world.installation, MARCH, Listing(), before + others, lambda sender: ("nowhere", sender), ReceivedFile
        )
        assert [(file.partner, file.file_name, file.received_at, file.archived) for file in files] == [
            ("huur", "b.csv", moments["b.csv"], path),
            ("water", "z.csv", NOW, None),
        ]
