"""The watching, on a running daemon: a fresh installation, a clock that the test sets, real files, SMTP and a webhook.

Days pass between the phases; each waits for what the daemon does by itself. What is decided when stands in the tests of
the rules; here it is the wiring.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from vroeg_pipeline_tests.kit.listeners import Mailbox, Webhook, smtp_server, webhook
from vroeg_pipeline_tests.kit.live import LOCATION, Live, dagster_on, environment, wait_until
from vroeg_pipeline_tests.kit.world import World, as_csv, moment, row

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

OLD = row(reference_date="01-02-2021", arrears_since="01-12-2020")
FEBRUARY = [row(reference_date="01-02-2021", arrears_since="01-12-2020", customer_reference="F1")]
PARTNERS = ("op_tijd", "laat", "weg", "kapot", "verouderd", "herhaald", "de_key", "pre_wonen")


@dataclass
class Watched:
    """A town with its daemon, clock, mailbox of the engineers and webhook of the coach."""

    world: World
    live: Live
    clock: Path
    mailbox: Mailbox
    hook: Webhook

    def set(self, now: str) -> None:
        """Lets it be another moment."""
        self.clock.write_text(moment(now).isoformat())

    def mails(self) -> str:
        """Everything that was mailed so far, subjects first."""
        return "\n".join(f"{subject}\n{body}" for subject, body in self.mailbox.texts("data@haarlem.example"))

    def mailed(self, *texts: str) -> None:
        """Waits until each text was mailed."""
        for text in texts:
            wait_until(f"a mail with: {text}", lambda text=text: text in self.mails(), 150)  # type: ignore[misc]

    def filled(self, partner: str) -> list[str]:
        """The months of a partner that the UI shows as filled."""
        node = self.live.ask(
            """query ($key: AssetKeyInput!) {assetNodeOrError(assetKey: $key) {... on AssetNode {
                assetPartitionStatuses {... on TimePartitionStatuses {ranges {status startKey endKey}}}}}}""",
            key={"path": ["deliveries", partner]},
        )["assetNodeOrError"]
        ranges = node["assetPartitionStatuses"]["ranges"]
        return [r["startKey"] for r in ranges if r["status"] == "MATERIALIZED"]

    def verdict(self, partner: str, check: str) -> bool | None:
        """What a check says of March in the UI."""
        executions = self.live.ask(
            """query ($key: AssetKeyInput!, $check: String!) {assetCheckExecutions(
                assetKey: $key, checkName: $check, limit: 20) {partition evaluation {success}}}""",
            key={"path": ["deliveries", partner]},
            check=check,
        )["assetCheckExecutions"]
        found = [e["evaluation"]["success"] for e in executions if e["partition"] == "2021-03-01" and e["evaluation"]]
        return found[0] if found else None

    def runs(self) -> list[dict[str, Any]]:
        """All runs, the newest first."""
        query = "{runsOrError {... on Runs {results {status jobName tags {key value}}}}}"
        return list(self.live.ask(query)["runsOrError"]["results"])

    def rests(self) -> bool:
        """Whether no run is at work or waits."""
        return all(run["status"] in ("SUCCESS", "FAILURE") for run in self.runs())

    def board(self) -> str:
        """The table of the delivery board."""
        page = (self.world.home.outbox / "delivery_board.html").read_text(encoding="utf-8")
        return page.split("<tbody>")[1].split("</tbody>")[0]


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    world = World(tmp_path / "home")
    for partner in PARTNERS:
        begins = "2021-02" if partner in ("herhaald", "de_key") else "2021-03"
        world.agree(partner, valid_from=begins)
    world.agree("de_key", valid_from="2021-02", valid_until="2021-02")
    world.agree("pre_wonen", valid_from="2021-03", succeeds=["de_key"])
    for partner in ("herhaald", "de_key"):
        world.deliver(partner, "2021-02", FEBRUARY, received="2021-02-03 10:00")
    clock = tmp_path / "clock"
    with (
        smtp_server() as mailbox,
        webhook() as hook,
        environment(VROEG_HOME=str(world.root), VROEG_CLOCK=str(clock), ALERTS_URL=mailbox.url),
    ):
        channels = {
            "engineers": {"urls": ["${ALERTS_URL}data@haarlem.example"]},
            "coach": {"urls": [hook.url], "kinds": ["missing", "month_done"], "language": "nl"},
        }
        world.settings(watch_seconds=3, alerts={"channels": channels})
        clock.write_text(moment("2021-03-03 09:00").isoformat())
        with dagster_on(world.home) as live:
            yield Watched(world, live, clock, mailbox, hook)


def test_two_weeks_of_march(watched: Watched) -> None:
    world = watched.world

    # The third of March: what comes is judged by itself, and what cannot be used or is old is told.
    world.deliver("herhaald", "2021-03", FEBRUARY)
    for partner in ("op_tijd", "pre_wonen"):
        world.deliver(partner, "2021-03", [row(customer_reference=partner)])
    world.deliver("kapot", "2021-03", b"\xff\xfe")
    world.deliver("verouderd", "2021-03", [OLD])
    world.deliver("weg", "2021-03", as_csv([row()])[:40], name="levering.csv.part")
    watched.set("2021-03-03 11:00")
    watched.mailed(
        "Kapot 2021-03: delivery refused",
        "Verouderd 2021-03: delivery outdated",
        "Herhaald 2021-03: delivery outdated. The same bytes",
    )
    wait_until("the runs", watched.rests)
    assert watched.filled("op_tijd") == ["2021-03-01"]
    assert watched.filled("herhaald") == ["2021-02-01"]
    assert watched.filled("weg") == []
    assert watched.verdict("op_tijd", "delivered") is True
    assert watched.verdict("kapot", "delivered") is False
    assert watched.verdict("verouderd", "reference_date_is_recent") is False
    assert "delivery missing" not in watched.mails()
    judged = len(watched.runs())

    # The fifth, after the deadline: one message names all who miss; a channel that is down gets it later.
    watched.hook.is_down = True
    watched.set("2021-03-05 17:01")
    watched.mailed("Vroeg Eropaf: delivery missing, 4 × 2021-03")
    for partner in ("Laat", "Weg", "Kapot", "Herhaald"):
        assert f"{partner} 2021-03: delivery missing" in watched.mails()
    wait_until("the board", lambda: watched.board().count("✗ missing") == 2)
    assert "De Key → Pre Wonen" in watched.board()
    assert 'class="on-time seam"' in watched.board()
    wait_until("an attempt", lambda: watched.hook.refused)
    assert watched.hook.messages == [] or "ontbreekt" not in watched.hook.messages[-1]["title"]
    watched.hook.is_down = False
    watched.set("2021-03-05 18:30")
    wait_until("the webhook", lambda: any("ontbreekt, 4 ×" in m["title"] for m in watched.hook.messages))
    assert len(watched.runs()) == judged  # the same bytes, no new run

    # The ninth, the matching day: the schedule asks for the month; where it had no chance, the sensor does.
    tick = watched.live.ask(
        """mutation ($selector: ScheduleSelector!, $at: Float) {scheduleDryRun(selectorData: $selector, timestamp: $at) {
            __typename ... on DryRunInstigationTick {evaluationResult {runRequests {runKey}}}}}""",
        selector={**LOCATION, "scheduleName": "worklists"},
        at=moment("2021-03-09 06:00").timestamp(),
    )["scheduleDryRun"]
    assert [r["runKey"] for r in tick["evaluationResult"]["runRequests"]] == ["2021-03"]
    watched.set("2021-03-09 06:31")
    watched.mailed("2021-03: worklists made.", "Made without Herhaald, Kapot, Laat, Weg.")
    wait_until(
        "the coach", lambda: any("Zonder Herhaald, Kapot, Laat, Weg." in m["message"] for m in watched.hook.messages)
    )
    first = sorted(
        path.name for path in world.home.outbox_of(moment("2021-03-09 06:31").date().replace(day=1)).iterdir()
    )
    assert first

    # The tenth: one comes late, one sends again under the same name. One run, and teams get what changed.
    wait_until("the runs", watched.rests)
    world.deliver("laat", "2021-03", [row(customer_reference="L1", house_number="77")], received="2021-03-10 10:30")
    world.deliver("kapot", "2021-03", [row(customer_reference="K9", house_number="78")], received="2021-03-10 10:40")
    watched.set("2021-03-10 11:00")
    watched.mailed(
        "Laat 2021-03: delivery came late. It came on 10-03-2021 10:30",
        "Laat 2021-03: solved: delivery missing.",
        "Kapot 2021-03: solved: delivery refused.",
        "wijkteam_noord issue 1: +2 −0",
    )
    wait_until("the runs", watched.rests)
    assert watched.filled("laat") == watched.filled("kapot") == ["2021-03-01"]
    assert watched.verdict("laat", "on_time") is False
    assert watched.verdict("laat", "delivered") is True
    second = sorted(
        path.name for path in world.home.outbox_of(moment("2021-03-09 06:31").date().replace(day=1)).iterdir()
    )
    assert set(first) < set(second)
    assert all(run["status"] == "SUCCESS" for run in watched.runs())

    # Nothing was told twice, and nothing that was not a problem was solved.
    lines = [
        line.split(". ")[0] for line in watched.mails().splitlines() if " 2021-03: " in line and line[0] not in ">V"
    ]
    assert len(lines) == len(set(lines)), lines
    for line in lines:
        assert "solved: " not in line or line.replace("solved: ", "") in lines
    assert "Weg 2021-03: delivery missing" in lines
    assert "Weg 2021-03: solved: delivery missing" not in lines
