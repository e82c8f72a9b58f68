"""The delivery board as a page (DOMAIN §3, §12)."""

from __future__ import annotations

import re
from datetime import date
from html import unescape

import dagster as dg

from vroeg_pipeline.installation.notes import ToBeRemoved
from vroeg_pipeline.monthly import page_link
from vroeg_pipeline.quality.board import Board
from vroeg_pipeline.quality.board_page import board_page
from vroeg_pipeline_tests.kit.browser import barriers
from vroeg_pipeline_tests.kit.world import World, moment, row


def page_of(world: World) -> str:
    return (world.home.outbox / "delivery_board.html").read_text(encoding="utf-8")


def cells(page: str, name: str) -> list[tuple[str, str]]:
    """(class, text) of the cells of a line."""
    (line,) = re.findall(rf'<tr><th scope="row">{re.escape(name)}</th>(.*?)</tr>', page)
    found = re.findall(r'<td class="([^"]*)">(.*?)</td>', line)
    return [(kind, " ".join(unescape(re.sub("<[^>]+>", " ", content)).split())) for kind, content in found]


def test_the_page_tells_all_states_apart(world: World) -> None:
    world.now = moment("2021-04-02 12:00")
    world.agree("oud", valid_until="2021-02", contact={"name": "Jan & Co", "email": "x@oud.example"})
    world.agree("nieuw", valid_from="2021-03", succeeds=["oud"])
    for partner in ("laat", "weg", "kapot", "oude_cijfers"):
        world.agree(partner)
    world.deliver("oud", "2021-02", [row(reference_date="01-02-2021")], received="2021-02-03 10:00")
    world.deliver("nieuw", "2021-03", [row(), row(customer_reference="K2")])
    world.deliver("laat", "2021-03", [row()], received="2021-03-06 09:15")
    world.deliver("kapot", "2021-03", b"\xff\xfe")
    world.deliver("oude_cijfers", "2021-03", [row(reference_date="01-01-2021", arrears_since="01-09-2020")])
    world.run("2021-02", "2021-04", upto="delivery_board")
    page = page_of(world)
    assert cells(page, "Oud → Nieuw") == [
        ("on-time", "✓ on time 1 rows, 03-02 10:00"),
        ("on-time seam", "✓ on time 2 rows, 03-03 10:00"),
        ("expected", "… expected due 08-04 17:00"),
    ]
    assert cells(page, "Laat")[1] == ("late", "◷ late 1 rows, 06-03 09:15")
    assert cells(page, "Weg")[1] == ("missing", "✗ missing due 05-03 17:00")
    assert cells(page, "Kapot")[1] == ("refused", "⊘ refused due 05-03 17:00 refused: unreadable")
    assert cells(page, "Oude Cijfers")[1][0] == "outdated"
    assert "Jan &amp; Co, x@oud.example" in page
    assert barriers(world.home.outbox / "delivery_board.html") == {}


def test_a_cell_tells_the_moment_by_which_it_is_on_time_or_late_and_what_came_last(world: World) -> None:
    world.now = moment("2021-04-01 12:00")
    for partner in ("huur", "spoed_alleen"):
        world.agree(partner, delivery={"additions": "*spoed*"})
    world.deliver("huur", "2021-03", [row()])
    urgent = row(customer_reference="K2", house_number="14")
    for partner in ("huur", "spoed_alleen"):
        world.deliver(partner, "2021-03", [urgent], name="spoed.csv", received="2021-03-17 17:00")
    world.make("2021-03", upto="delivery_board")
    page = page_of(world)
    assert cells(page, "Huur")[:1] == [("on-time", "✓ on time 2 rows, 03-03 10:00 last 17-03 17:00")]
    assert cells(page, "Spoed Alleen")[:1] == [("missing", "✗ missing due 05-03 17:00 added: 1 rows, 17-03 17:00")]


def test_the_page_tells_what_is_removed_within_a_week(world: World) -> None:
    january, february = date(2021, 1, 1), date(2021, 2, 1)
    leaving = (
        ToBeRemoved(january, "files", "inbox", 4), ToBeRemoved(january, "rejected", "rejected_rows", 1200),
        ToBeRemoved(february, "files", "outbox", 1),
    )  # fmt: skip
    page = board_page(Board((january,), (), world.now, leaving=leaving), [])
    assert "<li>2021-01: 1,204 rows and files (files, rejected)</li><li>2021-02: 1 rows and files (files)</li>" in page
    assert "removed within a week" not in board_page(Board((january,), (), world.now), [])


def test_the_page_needs_nothing_else_and_is_for_the_owner(world: World) -> None:
    world.agree("huur")
    world.deliver("huur", "2021-03", [row()])
    world.run("2021-03", upto="delivery_board")
    page = page_of(world)
    assert re.findall(r"(?:src|href)=", page) == []
    assert page.count("<script>") == page.count("<script") == 1
    assert "@import" not in page
    assert "Testman" not in page
    assert (world.home.outbox / "delivery_board.html").stat().st_mode & 0o077 == 0


def test_the_asset_counts_the_states_of_its_month(world: World) -> None:
    world.agree("huur")
    world.agree("water", type="Water")
    world.deliver("huur", "2021-03", [row()])
    result = world.run("2021-03", upto="delivery_board")
    (event,) = [
        event
        for event in result.get_asset_materialization_events()
        if event.asset_key and event.asset_key.to_user_string() == "delivery_board"
    ]
    metadata = event.step_materialization_data.materialization.metadata
    assert (metadata["on time"].value, metadata["missing"].value) == (1, 1)
    assert metadata["page"] == dg.MetadataValue.path("outbox/delivery_board.html")


def test_with_an_address_a_page_is_a_link(world: World) -> None:
    world.settings(pages={"url": "https://vroeg.haarlem.example"})
    link = page_link(world.installation, world.home.quality / "data_docs" / "index.html")
    assert link == dg.MetadataValue.url("https://vroeg.haarlem.example/quality/data_docs/index.html")
