"""The watching, on a running daemon: a fresh installation, a clock that the test sets, real files, SMTP and a webhook; and
what people press in the UI.

Days pass between the phases; each waits for what the daemon does by itself. What is decided when stands in the tests of
the rules; here it is the wiring.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from vroeg_pipeline.installation.log import read_log
from vroeg_pipeline_tests.kit.browser import Browser, chromium
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
        # One without a month turns what a run said of the newest.
        of_march = [each for each in executions if each["partition"] in (None, "2021-03-01")]
        found = [each["evaluation"]["success"] for each in of_march if each["evaluation"]]
        return found[0] if found else None

    def runs(self) -> list[dict[str, Any]]:
        """All runs, the newest first."""
        query = "{runsOrError {... on Runs {results {runId status jobName tags {key value}}}}}"
        return list(self.live.ask(query)["runsOrError"]["results"])

    def rests(self) -> bool:
        """Whether no run is at work or waits."""
        return all(run["status"] in ("SUCCESS", "FAILURE") for run in self.runs())

    def board(self) -> str:
        """The table of the delivery board."""
        page = (self.world.home.outbox / "delivery_board.html").read_text(encoding="utf-8")
        return page.split("<tbody>")[1].split("</tbody>")[0]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    tmp_path = tmp_path_factory.mktemp("watched")
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
        # A header that both who presses and who asks send, in place of that of a proxy.
        log = {"user_header": "User-Agent"}
        world.settings(watch_seconds=3, first_month="2021-01", alerts={"channels": channels}, log=log)
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
    assert watched.verdict("weg", "delivered") is True  # not due yet
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
    wait_until("the check", lambda: watched.verdict("weg", "delivered") is False)
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
    wait_until("the runs", watched.rests)  # until then files are being written
    first = sorted(
        path.name for path in world.home.outbox_of(moment("2021-03-09 06:31").date().replace(day=1)).iterdir()
    )
    assert first

    # The tenth: one comes late, one sends again under the same name. One run, and teams get what changed.
    world.deliver("laat", "2021-03", [row(customer_reference="L1", house_number="77")], received="2021-03-10 10:30")
    world.deliver("kapot", "2021-03", [row(customer_reference="K9", house_number="78")], received="2021-03-10 10:40")
    watched.set("2021-03-10 11:00")
    watched.mailed(
        "Laat 2021-03: delivery came late. It came on 10-03-2021 10:30",
        "Laat 2021-03: solved: delivery missing.",
        "Kapot 2021-03: solved: delivery refused.",
        "Wijkteam Noord, issue 1: 2 added, 0 withdrawn",
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


NO_MONTH = "this run names no month; press Materialize on the asset and choose months, or: vroeg run --month 2021-03"
# An asset of each kind.
KINDS = ("deliveries/op_tijd", "validated_signals", "address_register", "ddas_delivery", "evaluation_signals")


def test_every_button_works_or_says_what_to_do(watched: Watched) -> None:
    """Pressed in a browser, or sent as the UI sends it; on every kind of asset."""
    live, march = watched.live, "2021-03-01"
    watched.world.deliver("op_tijd", "2021-03", [row(customer_reference="op_tijd")])  # as it is there already
    watched.set("2021-03-10 12:00")
    with chromium(live.url) as browser:
        launched = _pressed_in_the_browser(watched, browser)
    # What somebody reports of a check, or wipes, stays until the next run.
    live.report("deliveries/op_tijd", "delivered", passed=False)
    assert _shown(live, "deliveries/op_tijd", "delivered")["status"] == "FAILED"
    for wiped in ("validated_signals", "address_register"):
        live.wipe(wiped)
    for kind in ("validated_signals", "ddas_delivery"):
        launched[f"all checks of {kind}"] = live.execute(kind)
    launched["one check of a partner"] = live.execute("deliveries/op_tijd", "delivered")
    launched["an asset without months"] = live.launch("__ASSET_JOB", ["address_register"])
    evaluation = ["evaluation_deliveries", "evaluation_signals", "evaluation_reports", "evaluation_contacts"]
    several = {"asset_partition_range_start": "2021-02-01", "asset_partition_range_end": march}
    launched["a group over a range"] = live.launch("__ASSET_JOB", [*evaluation, "evaluation_page"], **several)
    launched["one check of an asset without months"] = live.execute("address_register", "is_of_late")
    ended = {button: live.ended(run) for button, run in launched.items()}
    assert ended == dict.fromkeys(launched, ("SUCCESS", []))

    # Who pressed what, also where the daemon made runs of a backfill.
    by = {line["details"]["run"]: line for line in read_log(watched.world.home) if line["action"] == "run"}
    who = {button: (by[run]["origin"], by[run]["actor"].partition("/")[0]) for button, run in launched.items()}
    in_browser = {
        "materialize all",
        "materialize a month",
        "backfill",
        "the other month of the backfill",
        "execute all",
    }
    assert who == {button: ("UI", "Mozilla" if button in in_browser else "python-requests") for button in launched}

    # What was pressed says something of the newest month.
    for kind in KINDS:
        assert all(check["shown"]["status"] == "SUCCEEDED" for check in live.checks(kind)), live.checks(kind)
    delivered = _shown(live, "deliveries/op_tijd", "delivered")
    assert delivered["evaluation"]["description"].startswith("2021-03: delivered. Due 05-03-2021 17:00")
    wiped = _shown(live, "validated_signals", "keys_are_unique")["evaluation"]["description"]
    assert wiped == "not judged: no month of it was made yet, press Materialize and choose months."

    # From the Launchpad without a month: the step that needs one says so.
    status, said = live.ended(live.launch("month"))
    assert (status, [line.strip().partition(": ")[2] for line in said]) == ("FAILURE", [NO_MONTH])
    watched.mailed("Somebody started it, and it is not tried again by itself")
    assert "it is tried again by itself" not in watched.mails()

    # A run that failed, and again from where it failed once that is mended.
    areas = watched.world.home.reference / "areas.csv"
    good = areas.read_text(encoding="utf-8")
    areas.write_text("postcode", encoding="utf-8")
    failed = live.launch("month", partition=march)
    status, said = live.ended(failed)
    assert (status, len(said)) == ("FAILURE", 1)
    assert "areas.csv" in said[0]
    areas.write_text(good, encoding="utf-8")
    assert live.ended(live.execute_again(failed)) == ("SUCCESS", [])
    assert _shown(live, "validated_signals", "keys_are_unique")["evaluation"]["description"].startswith(
        "2021-03: holds"
    )


def _shown(live: Live, asset: str, check: str) -> dict[str, Any]:
    """What the page of an asset shows of a check."""
    (found,) = [each["shown"] for each in live.checks(asset) if each["name"] == check]
    return dict(found)


def _pressed_in_the_browser(watched: Watched, browser: Browser) -> dict[str, str]:
    """The buttons that most people press, and the runs that they started."""
    launched: dict[str, str] = {}

    def press(button: str, runs: int = 1) -> list[str]:
        before = {run["runId"] for run in watched.runs()}
        browser.press(button)

        def started() -> list[str]:
            new = [run for run in watched.runs() if run["runId"] not in before]
            # A sensor may start one in the same moment.
            by_hand = [run for run in new if not {"dagster/sensor_name"} & {tag["key"] for tag in run["tags"]}]
            return [str(run["runId"]) for run in by_hand] if len(by_hand) >= runs else []

        found = wait_until("the runs", started)
        assert len(found) == runs
        return list(found)

    def choose(button: str, months: str, picture: str) -> None:
        browser.press(button)
        browser.press("Show all partitions")
        browser.write("ex: ", months)
        browser.shows("1 partition" if "," not in months else "2 partitions")
        browser.keep(picture)

    # A partner is no asset that can be made: the button is off.
    browser.open("/assets/deliveries/op_tijd?view=checks", "delivered")
    assert browser.is_off("Materialize")
    browser.open("/asset-groups", "Materialize all")
    choose("Materialize all", "2021-03-01", "materialize-all")
    (launched["materialize all"],) = press("Launch 1 run")
    # The UI asks whether one is sure while what comes before is not made.
    watched.live.ended(launched["materialize all"])
    browser.open("/assets/ddas_delivery?view=overview", "Materialize")
    choose("Materialize", "2021-03-01", "materialize-a-month")
    (launched["materialize a month"],) = press("Launch 1 run")
    browser.open("/assets/address_matches?view=overview", "Materialize")
    # Months that do not follow each other are a run each.
    choose("Materialize", "2021-01-01, 2021-03-01", "backfill")
    launched["backfill"], launched["the other month of the backfill"] = press("Launch backfill", runs=2)
    browser.open("/assets/deliveries/op_tijd?view=checks&checkDetail=delivered", "delivered")
    (launched["execute all"],) = press("Execute all")
    watched.live.ended(launched["execute all"])
    browser.shows("2021-03: delivered")
    browser.keep("executed-all")
    return launched


def test_agreements_that_come_while_it_runs(watched: Watched) -> None:
    """A wrong one silences nothing; a new one owes nothing of before, and what lay there for it is judged."""
    world, wrong = watched.world, watched.world.home.agreements / "fout.yaml"
    world.deliver("nieuw", "2021-03", [OLD], received="2021-03-10 12:30")
    watched.set("2021-03-10 13:00")
    watched.mailed("1 files lie in folders without an agreement")
    wrong.write_text("partner: fout\n", encoding="utf-8")
    watched.mailed("An agreement or setting is wrong. agreements/fout.yaml: field ")
    wrong.unlink()
    watched.mailed("Solved: an agreement or setting is wrong.")
    world.agree("nieuw", valid_from="2021-02")
    watched.mailed("Nieuw 2021-03: delivery outdated")
    assert "Nieuw 2021-02" not in watched.mails()
    assert "Nieuw 2021-03: delivery missing" not in watched.mails()


def test_sensors_can_be_tried_and_turned(watched: Watched) -> None:
    """The schedule was tried above."""
    ask = watched.live.ask
    for sensor in ("arrivals", "alerts"):
        selector = {**LOCATION, "sensorName": sensor}
        tick = ask(
            """mutation ($selector: SensorSelector!) {sensorDryRun(selectorData: $selector, cursor: "") {
                ... on DryRunInstigationTick {evaluationResult {error {message} skipReason}}}}""",
            selector=selector,
        )["sensorDryRun"]["evaluationResult"]
        assert tick["error"] is None
        assert tick["skipReason"]
        sensor_id = ask(
            "query ($selector: SensorSelector!) {sensorOrError(sensorSelector: $selector) {... on Sensor {id}}}",
            selector=selector,
        )["sensorOrError"]["id"]
        stopped = ask(
            """mutation ($id: String!) {stopSensor(id: $id) {
                ... on StopSensorMutationResult {instigationState {status}}}}""",
            id=sensor_id,
        )
        assert stopped["stopSensor"]["instigationState"]["status"] == "STOPPED"
        started = ask(
            """mutation ($selector: SensorSelector!) {startSensor(sensorSelector: $selector) {
                ... on Sensor {sensorState {status}}}}""",
            selector=selector,
        )
        assert started["startSensor"]["sensorState"]["status"] == "RUNNING"
