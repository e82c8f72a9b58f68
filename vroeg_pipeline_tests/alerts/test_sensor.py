"""What is told to whom, over real SMTP and HTTP. With a daemon: end_to_end/test_watching_live.py."""

from __future__ import annotations

import json
import os
import shutil
from collections import namedtuple
from collections.abc import Iterator
from datetime import UTC, timedelta
from uuid import uuid4

import dagster as dg
import pytest
from dagster._core.storage.schedules import SqliteScheduleStorage

from vroeg_pipeline.alerts.book import alert_lock, read_alerts
from vroeg_pipeline.alerts.sensor import Looked, alerts_sensor, look, preview
from vroeg_pipeline.cli.health import findings
from vroeg_pipeline.definitions import build_defs
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.home import private_folder
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.notes import SILENCES, noted_verdicts
from vroeg_pipeline.quality.delivery_register import noted_board
from vroeg_pipeline_tests.cli.test_app import vroeg
from vroeg_pipeline_tests.kit.listeners import Mailbox, Webhook, smtp_server, webhook
from vroeg_pipeline_tests.kit.returned import as_csv as as_outcomes
from vroeg_pipeline_tests.kit.returned import case_ids, hand_in, issued, settle
from vroeg_pipeline_tests.kit.world import World, as_csv, moment, month, row

AFTER_DEADLINE = moment("2021-03-05 17:01")


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with smtp_server() as found:
        yield found


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as found:
        yield found


@pytest.fixture
def town(world: World, hook: Webhook, mailbox: Mailbox) -> Iterator[World]:
    """Two partners, engineers on a webhook, a coach by mail; it is the morning of the second of March."""
    world.agree("huur", contact={"name": "Afdeling incasso", "email": "incasso@huur.example"}, valid_from="2021-03")
    world.agree("water", type="Water", valid_from="2021-03")
    world.settings(
        alerts={
            "link": "https://dagster.haarlem.example/",
            "channels": {
                "engineers": {"urls": [hook.url]},
                "coach": {
                    "urls": [mailbox.url + "coach@haarlem.example"],
                    "kinds": ["missing", "late", "month_done"],
                    "language": "nl",
                },
            },
        }
    )
    world.now = moment("2021-03-02 09:00")
    # An ephemeral instance knows no ticks, and one on disk takes twice as long for a month.
    ticks = SqliteScheduleStorage.from_local(str(private_folder(world.home.dagster)))
    ticks.register_instance(world.instance)
    world.instance._schedule_storage = ticks
    assert told(world).told == []
    yield world
    world.instance.dispose()


def told(world: World) -> Looked:
    return look(world.installation, world.instance)


def kinds(looked: Looked) -> list[tuple[str, str, str]]:
    return sorted((n.phase.value, n.condition.kind.value, n.condition.subject) for n in looked.told)


def test_who_misses_the_deadline_is_told_in_one_message(town: World, hook: Webhook, mailbox: Mailbox) -> None:
    town.now = moment("2021-03-05 17:00")
    assert told(town).told == []
    town.now = AFTER_DEADLINE
    assert kinds(told(town)) == [("raised", "missing", "huur"), ("raised", "missing", "water")]
    (message,) = hook.messages
    assert message["title"] == "Vroeg Eropaf: delivery missing, 2 × 2021-03"
    assert "Huur 2021-03: delivery missing. Nothing usable came by 05-03-2021 17:00." in message["message"]
    assert "Contact: Afdeling incasso, incasso@huur.example." in message["message"]
    assert (
        "> We hebben voor de signaalmaand 2021-03 nog geen bruikbare aanlevering van u ontvangen." in message["message"]
    )
    assert "https://dagster.haarlem.example" in message["message"]
    ((subject, body),) = mailbox.texts("coach@haarlem.example")
    assert subject == "Vroeg Eropaf: levering ontbreekt, 2 × 2021-03"
    assert "Water 2021-03: levering ontbreekt. Er kwam niets bruikbaars voor 05-03-2021 17:00." in body
    assert told(town).sent == {}


def test_a_late_delivery_solves_what_was_missing(town: World, hook: Webhook, mailbox: Mailbox) -> None:
    town.deliver("water", "2021-03", [row()])
    town.run("2021-03")
    town.now = AFTER_DEADLINE
    told(town)
    town.now = moment("2021-03-08 11:30")
    town.deliver("huur", "2021-03", [row(), row(customer_reference="K2")], received="2021-03-08 11:00")
    assert told(town).told == []  # it lies in the inbox and is not judged yet
    town.run("2021-03")
    assert kinds(told(town)) == [
        ("raised", "late", "huur"),
        ("raised", "month_done", ""),
        ("solved", "missing", "huur"),
    ]
    said = hook.messages[-1]["message"]
    assert "Huur 2021-03: delivery came late. It came on 08-03-2021 11:00, 66 hours after the deadline" in said
    assert "Huur 2021-03: solved: delivery missing. The delivery is now that of 08-03-2021 11:00, 2 rows." in said
    assert (
        "2021-03: worklists made. 3 signals, 1 addresses reported, 0 of them before. Every partner delivered." in said
    )
    assert "werklijsten gemaakt" in mailbox.texts("coach@haarlem.example")[-1][1]
    assert told(town).told == []


def test_of_a_new_partner_nothing_is_owed_for_a_deadline_that_had_passed(town: World, mailbox: Mailbox) -> None:
    town.settings(alerts={"partners": {"url": mailbox.url + "{email}"}})
    town.now = moment("2021-03-08 09:00")
    town.deliver("huur", "2021-03", [row()])
    told(town)
    letters = len(mailbox.mails)
    town.agree("nieuw", contact={"email": "incasso@nieuw.example"}, valid_from="2020-10")
    town.agree(
        "snel", contact={"email": "incasso@snel.example"}, valid_from="2021-03", delivery={"due_working_day": 10}
    )
    town.now = moment("2021-03-09 09:00")
    assert told(town).told == []
    town.now = moment("2021-03-12 17:01")
    town.run("2021-03")
    found = kinds(told(town))
    assert [subject for phase, kind, subject in found if (phase, kind) == ("raised", "missing")] == ["snel"]
    lacking = {
        v.partner for v in noted_verdicts(town.home, month("2021-03")) if v.check == "delivered" and not v.passed
    }
    assert lacking == {"water", "snel"}
    lines = noted_board(town.installation, 2).lines
    states = {line.name: [cell.state.value for cells in line.cells.values() for cell in cells] for line in lines}
    assert states == {"Huur": ["on time"], "Nieuw": ["not owed"], "Snel": ["missing"], "Water": ["missing"]}
    assert len(mailbox.mails) == letters + 1
    town.now = moment("2021-04-08 17:01")
    assert ("raised", "missing", "nieuw") in kinds(told(town))


def test_a_wrong_file_is_told_until_it_is_mended_and_silences_nothing(town: World, hook: Webhook) -> None:
    town.now = AFTER_DEADLINE
    town.agree("water", type="Waterr", valid_from="2021-03")

    def ticked() -> dg.SensorResult:
        installation = Installation.load_or_last_good(town.home, lambda: town.now)
        sensor = build_defs(installation).resolve_sensor_def("alerts")
        with dg.build_sensor_context(instance=town.instance) as context:
            result = sensor(context)
        assert isinstance(result, dg.SensorResult)
        return result

    def judged(result: dg.SensorResult) -> list[bool]:
        told = [event for event in result.asset_events if isinstance(event, dg.AssetCheckEvaluation)]
        return [event.passed for event in told if event.check_name == "are_right"]

    assert judged(ticked()) == [False]
    (message,) = hook.messages
    assert "An agreement or setting is wrong. agreements/water.yaml: field 'type'" in message["message"]
    assert "Water 2021-03: delivery missing." in message["message"]
    assert judged(ticked()) == []
    town.agree("water", type="Water", valid_from="2021-03")
    assert judged(ticked()) == [True]
    assert hook.messages[-1]["title"] == "Vroeg Eropaf: solved: an agreement or setting is wrong"


def test_refused_outdated_and_drifted_are_told_apart(town: World, hook: Webhook) -> None:
    town.deliver("huur", "2021-03", b"\xff\xfe")
    renamed = as_csv([row(reference_date="01-01-2021", arrears_since="01-09-2020")]).replace(b"Initials", b"Initial")
    town.deliver("water", "2021-03", renamed)
    town.now = moment("2021-03-03 11:00")
    town.run("2021-03")
    found = [each for each in kinds(told(town)) if each[1] not in ("month_done", "check_failed")]
    assert found == [("raised", "drift", "water"), ("raised", "outdated", "water"), ("raised", "refused", "huur")]
    said = hook.messages[-1]["message"]
    assert "What came on 03-03-2021 10:00 cannot be used: unreadable" in said
    assert "Its newest reference date is 01-01-2021, 63 days before the deadline (at most 14)" in said
    assert "'Initials' seems to be called 'Initial' now" in said
    assert "> In uw aanlevering voor de signaalmaand 2021-03 wijken de kolommen af" in said
    assert "de kolom 'Initials' lijkt nu 'Initial' te heten" in said


def test_a_senders_file_is_told_of_its_partners_and_is_no_stray(town: World, hook: Webhook, mailbox: Mailbox) -> None:
    town.settings(alerts={"channels": {"all": {"urls": [hook.url]}}, "partners": {"url": mailbox.url + "{email}"}})
    town.agree_sender(
        "portaal", {"Huur BV": "huur", "Waterbedrijf": "water"}, contact={"email": "beheer@portaal.example"}
    )
    contact = {"email": "incasso@huur.example"}
    town.agree_delivered("huur", "portaal", valid_from="2021-03", contact=contact)
    town.agree_delivered("water", "portaal", type="Water", valid_from="2021-03")
    town.deliver("portaal", "2021-03", b"\xff\xfe")
    town.now = AFTER_DEADLINE
    assert told(town).told == []  # it lies in the inbox and is not judged yet
    town.run("2021-03")
    found = [each for each in kinds(told(town)) if each[1] != "month_done"]
    assert found == [
        ("raised", "missing", "huur"),
        ("raised", "missing", "water"),
        ("raised", "refused", "huur"),
        ("raised", "refused", "water"),
    ]
    ((_, letter),) = mailbox.texts("beheer@portaal.example")
    assert letter.startswith("Beste Portaal,")
    assert letter.count("nog geen bruikbare aanlevering") == 1
    assert "Het gaat om Huur en Water." in letter
    assert mailbox.texts("incasso@huur.example") == []
    header = as_csv([]).decode().strip()
    lines = [
        f"{header};Instantie",
        *(f"K1;Testman{';' * (header.count(';') - 1)};{p}" for p in ("Huur BV", "Gas", "water")),
    ]
    town.now = moment("2021-03-08 11:30")
    town.deliver("portaal", "2021-03", "\n".join(lines).encode(), name="later.csv", received="2021-03-08 11:00")
    town.run("2021-03")
    found = kinds(told(town))
    assert ("raised", "check_failed", "delivery_files") in found
    assert ("solved", "missing", "huur") in found
    assert ("raised", "late", "huur") in found
    assert ("solved", "missing", "water") not in found  # `water` is no name in the agreement
    assert "(2 of portaal)" in hook.messages[-1]["message"]


def test_a_partner_hears_of_its_own_deliveries_what_it_can_mend(town: World, mailbox: Mailbox, hook: Webhook) -> None:
    channels = {"engineers": {"urls": [hook.url]}}
    letters = {"url": mailbox.url + "{email}"}
    town.settings(alerts={"channels": channels, "partners": letters, "signature": "Gemeente Haarlem"})
    town.now = AFTER_DEADLINE
    told(town)
    ((subject, body),) = mailbox.texts("incasso@huur.example")
    assert subject == "Aanlevering vroegsignalering 2021-03: levering ontbreekt"
    assert body.startswith("Beste Afdeling incasso,")
    assert "Afgesproken was uiterlijk 05-03-2021 17:00 uur." in body
    assert body.rstrip().endswith("Met vriendelijke groet,\nGemeente Haarlem")
    assert "Water" not in body
    assert "Beste" not in hook.messages[-1]["message"]  # no draft where the letter goes out by itself
    town.deliver("huur", "2021-03", [row()], received="2021-03-08 11:00")
    town.now = moment("2021-03-08 12:00")
    town.run("2021-03")
    told(town)
    assert len(mailbox.texts("incasso@huur.example")) == 1


def test_a_channel_that_is_down_loses_nothing_and_holds_up_no_other(
    town: World, hook: Webhook, mailbox: Mailbox
) -> None:
    hook.is_down = True
    town.now = AFTER_DEADLINE
    first = told(town)
    assert set(first.sent) == {"coach/1"}
    assert set(first.failed) == {"engineers/1"}
    assert told(town).failed == {}  # it rests a minute
    town.now += timedelta(minutes=1)
    assert set(told(town).failed) == {"engineers/1"}
    town.deliver("huur", "2021-03", [row()], received="2021-03-05 18:00")
    town.now += timedelta(hours=2)
    town.run("2021-03")
    told(town)
    hook.is_down = False
    town.now += timedelta(hours=1)
    assert set(told(town).sent) == {"engineers/1"}
    (message,) = hook.messages
    lines = [line.split(". ")[0] for line in message["message"].splitlines() if "2021-03:" in line and line[0] != ">"]
    assert [line for line in lines if "worklists" not in line] == [
        "Huur 2021-03: delivery missing",
        "Water 2021-03: delivery missing",
        "Huur 2021-03: delivery came late",
        "Huur 2021-03: solved: delivery missing",
    ]
    assert hook.refused >= 2
    assert told(town).sent == {}
    assert read_alerts(town.home).waiting == {}


def test_in_quiet_hours_it_waits(town: World, hook: Webhook) -> None:
    town.settings(alerts={"quiet_hours": ["17:00", "08:00"], "channels": {"engineers": {"urls": [hook.url]}}})
    town.now = AFTER_DEADLINE
    assert told(town).waiting == 1
    assert hook.messages == []
    town.now = moment("2021-03-06 08:00")
    assert len(told(town).sent) == 1


def test_a_restart_tells_nothing_twice_and_a_damaged_book_is_told_of(town: World, hook: Webhook) -> None:
    town.now = AFTER_DEADLINE
    told(town)
    assert read_alerts(town.home).book.begun == moment("2021-03-02 09:00")
    assert town.home.alerts.stat().st_mode & 0o077 == 0
    assert told(town).told == []
    town.home.alerts.write_text("{half")
    with pytest.raises(VroegError, match="is damaged"):
        told(town)


def test_what_is_being_written_is_not_missing_for_an_hour(town: World) -> None:
    town.now = AFTER_DEADLINE
    town.deliver("huur", "2021-03", [row()], name="levering.csv.part", received="2021-03-05 16:50")
    assert kinds(told(town)) == [("raised", "missing", "water")]
    town.now = moment("2021-03-05 17:51")
    assert kinds(told(town)) == [("raised", "missing", "huur")]


def test_a_run_that_failed_is_told_until_one_makes_it_good(town: World, hook: Webhook) -> None:
    def add(status: dg.DagsterRunStatus, first: str, last: str | None = None) -> None:
        tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last or first}
        town.instance.add_run(dg.DagsterRun("month", run_id=str(uuid4()), tags=tags, status=status))

    add(dg.DagsterRunStatus.FAILURE, "2021-03-01")
    assert kinds(told(town)) == [("raised", "run_failed", "month")]
    assert "Job month, run" in hook.messages[-1]["message"]
    add(dg.DagsterRunStatus.FAILURE, "2021-03-01")
    add(dg.DagsterRunStatus.SUCCESS, "2021-02-01")
    assert told(town).told == []
    add(dg.DagsterRunStatus.SUCCESS, "2021-02-01", "2021-03-01")
    assert kinds(told(town)) == [("solved", "run_failed", "month")]


@pytest.mark.parametrize(
    ("tags", "wanted"),
    [
        ({"dagster/sensor_name": "arrivals"}, "tried again by itself, and"),
        ({}, "Somebody started it, and it is not tried"),
    ],
)
def test_whether_a_failed_run_is_tried_again_is_told(
    town: World, hook: Webhook, tags: dict[str, str], wanted: str
) -> None:
    run = dg.DagsterRun("month", run_id=str(uuid4()), tags={"dagster/partition": "2021-03-01", **tags})
    town.instance.add_run(run.with_status(dg.DagsterRunStatus.FAILURE))
    told(town)
    assert wanted in hook.messages[-1]["message"]


def test_a_failed_run_whose_record_is_gone_is_not_called_solved(town: World) -> None:
    failed = str(uuid4())
    tags = {"dagster/partition": "2021-03-01"}
    town.instance.add_run(dg.DagsterRun("month", run_id=failed, tags=tags, status=dg.DagsterRunStatus.FAILURE))
    assert kinds(told(town)) == [("raised", "run_failed", "month")]
    town.instance.delete_run(failed)
    assert told(town).told == []
    good = dg.DagsterRun("month", run_id=str(uuid4()), tags=tags, status=dg.DagsterRunStatus.SUCCESS)
    town.instance.add_run(good)
    assert kinds(told(town)) == [("solved", "run_failed", "month")]


def test_an_installation_that_falls_asleep_solves_nothing(town: World) -> None:
    town.deliver("water", "2021-03", [row()])
    town.now = moment("2021-03-03 11:00")
    town.run("2021-03")
    town.now = AFTER_DEADLINE
    assert ("raised", "missing", "huur") in kinds(told(town))
    town.now = moment("2022-03-01 10:00")
    assert told(town).told == []


def test_a_board_that_cannot_be_written_silences_nobody(town: World, hook: Webhook) -> None:
    def full(installation: object) -> None:
        raise OSError("no space left")

    town.now = AFTER_DEADLINE
    sensor = alerts_sensor(town.installation, full)
    with dg.build_sensor_context(instance=town.instance) as context, pytest.raises(OSError, match="no space"):
        sensor(context)
    assert len(hook.messages) == 1


def test_a_failed_check_of_a_table_is_told(town: World) -> None:
    town.deliver("huur", "2021-03", [row()])
    town.now = moment("2021-03-03 11:00")
    town.run("2021-03")
    told(town)
    note = town.home.taken_in / "2021-03.verdicts.json"
    verdicts = json.loads(note.read_text())
    (of_ranks,) = [v for v in verdicts["verdicts"] if v["check"] == "ranks_without_gaps"]
    assert of_ranks["passed"]
    of_ranks["passed"] = False
    note.write_text(json.dumps(verdicts))
    assert kinds(told(town)) == [("raised", "check_failed", "prioritised_worklists")]


def test_a_filling_disk_is_told_and_solved(town: World, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    free = {"now": 5}
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(100 * 2**30, 0, free["now"] * 2**30))
    assert kinds(told(town)) == [("raised", "disk", "")]
    free["now"] = 50
    assert kinds(told(town)) == [("solved", "disk", "")]


def test_a_preview_changes_nothing(town: World, hook: Webhook) -> None:
    town.now = AFTER_DEADLINE
    before = town.home.alerts.read_bytes()
    messages = preview(town.installation, town.instance)
    assert set(messages) == {"engineers/1", "coach/1"}
    assert town.home.alerts.read_bytes() == before
    assert hook.messages == []
    assert kinds(told(town)) == [("raised", "missing", "huur"), ("raised", "missing", "water")]


def test_the_sensor_never_opens_the_warehouse_and_leaves_a_mark(town: World, hook: Webhook) -> None:
    town.home.warehouse.write_bytes(b"this is no database")
    town.now = AFTER_DEADLINE
    sensor = build_defs(town.installation).resolve_sensor_def("alerts")
    with dg.build_sensor_context(instance=town.instance) as context:
        result = sensor(context)
    assert isinstance(result, dg.SensorResult)
    observed = [event for event in result.asset_events if isinstance(event, dg.AssetObservation)]
    marks = {(event.asset_key.to_user_string(), event.partition) for event in observed}
    assert marks == {("deliveries/huur", "2021-03-01"), ("deliveries/water", "2021-03-01")}
    assert len(hook.messages) == 1
    # The deadline starts no run: the checks turn here.
    turned = [event for event in result.asset_events if isinstance(event, dg.AssetCheckEvaluation)]
    said = "2021-03: nothing came. Due 05-03-2021 17:00, agreements/{}.yaml."
    assert {(e.asset_check_key.to_user_string(), e.passed, e.description) for e in turned} == {
        (f"deliveries/{partner}:delivered", False, said.format(partner)) for partner in ("huur", "water")
    }
    # Told once; what the page shows is turned until it is turned, and again where a run that ends late turned it back.
    for event in turned[:1]:
        town.instance.report_runless_asset_event(event)
    for passed, left in ((None, {"water"}), (True, {"huur", "water"})):
        if passed:
            town.instance.report_runless_asset_event(
                dg.AssetCheckEvaluation(turned[0].asset_key, "delivered", passed, {})
            )
        with dg.build_sensor_context(instance=town.instance) as context:
            again = sensor(context)
        assert isinstance(again, dg.SensorResult)
        assert {event.asset_key.path[-1] for event in again.asset_events} == left


def test_a_missed_deadline_of_an_earlier_month_hides_no_newer_verdict(town: World) -> None:
    town.now = AFTER_DEADLINE
    town.instance.report_runless_asset_event(dg.AssetMaterialization("delivery_measures", partition="2021-04-01"))
    sensor = build_defs(town.installation).resolve_sensor_def("alerts")
    with dg.build_sensor_context(instance=town.instance) as context:
        result = sensor(context)
    assert isinstance(result, dg.SensorResult)
    assert {type(event) for event in result.asset_events} == {dg.AssetObservation}


def test_the_board_is_kept_as_of_now_without_a_run(town: World) -> None:
    town.deliver("water", "2021-03", [row()])
    town.now = moment("2021-03-03 11:00")
    town.run("2021-03")
    page = town.home.outbox / "delivery_board.html"
    sensor = build_defs(town.installation).resolve_sensor_def("alerts")
    assert "expected" in page.read_text().split("<tbody>")[1].split("<dl>")[0]
    town.now = AFTER_DEADLINE
    with dg.build_sensor_context(instance=town.instance) as context:
        sensor(context)
    board = page.read_text().split("<tbody>")[1].split("<dl>")[0]
    assert "missing" in board
    assert "expected" not in board
    assert sensor.minimum_interval_seconds == 30


def test_no_two_look_at_once(town: World) -> None:
    with alert_lock(town.home), pytest.raises(VroegError, match="waiting for another look"):
        look(town.installation, town.instance, wait_seconds=0.1)


def test_nothing_personal_is_told(town: World, hook: Webhook, mailbox: Mailbox) -> None:
    zebra = row(surname="Achternaamzebra", customer_reference="Kenmerkzebra", postcode="2021ZZ", house_number="98765")
    headless = as_csv([zebra]).split(b"\r\n", 1)[1]
    town.deliver("huur", "2021-03", headless, name="bestandzebra.csv")
    town.deliver("water", "2021-03", [{**zebra, "amount_due": "zebra"}])
    town.deliver("Mapzebra", "2021-03", [zebra])
    town.now = moment("2021-03-10 11:00")
    town.run("2021-03")
    assert {kind for _, kind, _ in kinds(told(town))} >= {"missing", "refused", "month_done"}
    everything = json.dumps([m["message"] + m["title"] for m in hook.messages]) + str(mailbox.mails)
    notes = [p for p in town.home.taken_in.iterdir() if p.suffixes[0] not in (".look", ".done")]
    assert {p.name.removeprefix("2021-03.") for p in notes} == {
        "register.json", "verdicts.json", "figures.json", "made.json", "agreed.json", "first_seen.json",
        "log_begun.json",
    }  # fmt: skip
    everything += town.home.alerts.read_text() + "".join(p.read_text() for p in notes)
    assert "zebra" not in everything.lower()
    assert "98765" not in everything


def test_on_the_command_line(town: World, hook: Webhook) -> None:
    clock = town.root / "clock"
    clock.write_text(AFTER_DEADLINE.astimezone(UTC).isoformat())
    os.environ["VROEG_CLOCK"] = str(clock)
    try:
        shown = vroeg(town.root, "alerts", "--dry-run")
        assert "Vroeg Eropaf: delivery missing, 2 × 2021-03" in shown.stdout
        assert hook.messages == []
        assert vroeg(town.root, "alerts", "--test").stdout.count("took the trial message") == 2
        hook.is_down = True
        failed = vroeg(town.root, "alerts", "--send")
        assert (failed.returncode, "engineers/1 did not take the message" in failed.stderr) == (1, True)
        listed = vroeg(town.root, "alerts").stdout
        assert "missing" in listed
        assert "2 wait for engineers/1: did not take the message" in listed
        assert vroeg(town.root, "alerts", "--send", "--test").returncode == 1
    finally:
        del os.environ["VROEG_CLOCK"]


def test_what_is_to_be_silent_is_asked_shown_and_ends(town: World, hook: Webhook) -> None:
    clock = town.root / "clock"

    def asked(*words: str) -> str:
        clock.write_text(town.now.astimezone(UTC).isoformat())
        done = vroeg(town.root, "alerts", *words, width=250, VROEG_CLOCK=str(clock))
        assert done.returncode == (1 if done.stderr else 0)
        return done.stdout + done.stderr

    town.now = AFTER_DEADLINE
    told(town)
    (identity,) = [line.split()[0] for line in asked().splitlines() if "huur" in line]
    assert "missing huur 2021-03 is acknowledged until it is solved (A. Bakker, 05-03-2021 17:01)" in asked(
        "ack", identity[:4], "--by", "A.  Bakker"
    )
    muted = asked("mute", "--kind", "missing", "--partner", "water", "--until", "2021-03-12", "--by", "B")
    assert "missing of water is muted until 12-03-2021 09:00 (B, 05-03-2021 17:01)" in muted
    wrong = {
        ("ack", "nul", "--by", "A"): "no open problem begins with 'nul'",
        ("ack", identity, "--by", " "): "--by is empty",
        ("mute", "--until", "2021-03-12", "--by", "B"): "what is to be silent is missing",
        ("mute", "--kind", "mising", "--until", "2021-03-12", "--by", "B"): "did you mean 'missing'?",
        ("mute", "--partner", "gas", "--until", "2021-03-12", "--by", "B"): "there is no partner 'gas'",
        ("mute", "--kind", "late", "--until", "2021-03-01", "--by", "B"): "--until 01-03-2021 09:00 has passed",
        ("mute", "--kind", "late", "--until", "morgen", "--by", "B"): "--until 'morgen' is no moment",
        ("unmute", "--kind", "late", "--by", "B"): "nothing of that kind and partner is muted",
    }
    assert [words for words, said in wrong.items() if said not in asked(*words)] == []
    town.now = moment("2021-03-11 09:00")
    assert told(town).told == []
    town.deliver("water", "2021-03", [row()], received="2021-03-11 10:00")
    town.deliver("huur", "2021-03", [row()], received="2021-03-11 10:00")
    town.now = moment("2021-03-11 11:00")
    town.run("2021-03", upto="delivery_board")
    assert "missing huur 2021-03 is acknowledged" in (town.home.outbox / "delivery_board.html").read_text()
    (said,) = [finding.said for finding in findings(town.installation) if finding.part == "alerts"]
    assert said.endswith("; missing of water is muted until 12-03-2021 09:00 (B, 05-03-2021 17:01)")
    assert ("solved", "missing", "huur") in kinds(told(town))
    listed = asked()
    assert "acknowledged until" not in listed
    assert "Missing of water is muted" in listed
    lifted = asked("unmute", "--kind", "missing", "--partner", "water", "--by", "C")
    assert "No more: missing of water is muted" in lifted
    assert kinds(told(town)) == [("solved", "missing", "water")]
    noted = SILENCES.read(town.home)
    assert noted
    assert [(each.by, each.ended_by) for each in noted.silences] == [("A. Bakker", None), ("B", "C")]
    assert all(each.ended_at for each in noted.silences)


def test_without_channels_what_is_open_is_shown_and_can_be_taken_on_all_the_same(town: World) -> None:
    town.settings()
    (clock := town.root / "clock").write_text(AFTER_DEADLINE.astimezone(UTC).isoformat())
    noted = town.home.alerts.read_text()
    shown = vroeg(town.root, "alerts", VROEG_CLOCK=str(clock)).stdout
    assert "nobody gets alerts yet" in shown
    assert [line.split()[1:] for line in shown.splitlines() if " missing " in line] == [
        ["missing", "huur", "2021-03"],
        ["missing", "water", "2021-03"],
    ]
    (identity,) = [line.split()[0] for line in shown.splitlines() if "huur" in line]
    taken_on = vroeg(town.root, "alerts", "ack", identity, "--by", "A", VROEG_CLOCK=str(clock))
    assert "missing huur 2021-03 is acknowledged until it is solved (A, " in taken_on.stdout, taken_on.stderr
    assert town.home.alerts.read_text() == noted


def test_a_secret_that_is_not_set_is_told_without_the_address(town: World) -> None:
    town.settings(alerts={"channels": {"engineers": {"urls": ["json://user:${VROEG_NOT_SET}@127.0.0.1/"]}}})
    town.now = AFTER_DEADLINE
    failed = told(town).failed
    assert failed["engineers/1"] == "VROEG_NOT_SET is not set in the environment; set it for the daemon too"
    town.settings(alerts={"channels": {"engineers": {"urls": ["nonsense://geheim@127.0.0.1/"]}}})
    town.now += timedelta(hours=1)
    assert "is no address that Apprise knows" in told(town).failed["engineers/1"]
    assert "geheim" not in town.home.alerts.read_text()


# Urgent files and files in question -----------------------------------------------------------------------------------


def licht_with_a_crisis(town: World, hook: Webhook, *, at_any_hour: bool) -> None:
    """A month that was issued, and an urgent file that came in the quiet hours after it."""
    town.agree("licht", type="Energie", valid_from="2021-03", delivery={"additions": "*spoed*"})
    alerts = {"quiet_hours": ["17:00", "08:00"], "crisis_at_any_hour": at_any_hour}
    town.settings(alerts={**alerts, "channels": {"coach": {"urls": [hook.url], "kinds": ["crisis", "month_done"]}}})
    for partner in ("huur", "water", "licht"):
        town.deliver(partner, "2021-03", [row(house_number=str(number)) for number in range(1, 3)])
    town.now = moment("2021-03-09 12:00")
    town.run("2021-03", upto=("worklist_files", "delivery_board"))
    assert kinds(told(town)) == [("raised", "month_done", "")]
    spoed = [row(house_number="30", crisis="ja", reference_date="15-03-2021")]
    town.deliver("licht", "2021-03", spoed, name="spoed.csv", received="2021-03-15 18:00")
    town.now = moment("2021-03-15 18:05")
    town.run("2021-03", upto=("worklist_files", "delivery_board"))


def test_a_crisis_is_told_in_quiet_hours_where_that_is_asked(town: World, hook: Webhook) -> None:
    licht_with_a_crisis(town, hook, at_any_hour=True)
    looked = told(town)
    assert kinds(looked) == [("raised", "crisis", ""), ("raised", "month_done", "")]
    (said,) = looked.sent.values()
    assert "Issue 2 of Wijkteam Noord adds 1 address where a cut-off or eviction was announced" in said.body
    assert "worklists made" not in said.body
    assert told(town).sent == {}
    town.now = moment("2021-03-16 08:00")
    (said,) = told(town).sent.values()
    assert "worklists made" in said.body
    assert said.body.endswith("Issued: Wijkteam Noord, issue 2: 1 added, 0 withdrawn.\n")
    assert "cut-off" not in said.body
    town.run("2021-03", upto=("worklist_files", "delivery_board"))
    assert told(town).told == []


def test_a_crisis_waits_for_the_morning_else(town: World, hook: Webhook) -> None:
    licht_with_a_crisis(town, hook, at_any_hour=False)
    assert told(town).sent == {}
    town.now = moment("2021-03-16 08:00")
    (said,) = told(town).sent.values()
    assert "cut-off" in said.body


def test_what_went_back_to_a_team_is_told_on_its_channel_once(town: World, hook: Webhook, mailbox: Mailbox) -> None:
    of = {
        "noord": {"urls": [mailbox.url + "noord@haarlem.example"], "worklists": ["wijkteam_noord"], "language": "nl"},
        "zandvoort": {"urls": [mailbox.url + "zandvoort@haarlem.example"], "worklists": ["wijkteam_zandvoort"]},
    }
    town.settings(alerts={"channels": {name: {**each, "kinds": ["returned"]} for name, each in of.items()}})
    issued(town, 1, 2, 3)
    known, call = case_ids(town), {"contact_kind": "Telefoon", "reached": "Ja", "contacted_on": "12-03-2021"}
    wrong = [{"case_id": known[number], **call, "contacted_on": "ooit"} for number in (1, 2)]
    hand_in(town, as_outcomes([*wrong, {"case_id": known[3], **call}]), received="2021-03-12 10:00")
    town.now = moment("2021-03-15 10:00")
    told(town)  # that deliveries are missing
    settle(town)
    assert kinds(told(town)) == [("raised", "returned", "")]
    ((subject, body),) = mailbox.texts("noord@haarlem.example")
    assert subject == "Vroeg Eropaf: teruggestuurd naar het team, 2021-03"
    (reply,) = town.home.outbox.rglob("terugmelding_*.xlsx")
    assert "In het bestand van Wijkteam Noord, ontvangen op 12-03-2021 10:00, konden we 2 regels niet lezen." in body
    assert f"Verbeter de gemarkeerde cellen in {reply.name} en lever dat bestand in." in body
    assert mailbox.texts("zandvoort@haarlem.example") == []
    settle(town)
    assert told(town).told == []
    hand_in(town, b"geen lijst", name="anders.csv", received="2021-03-14 10:00")
    settle(town)
    assert kinds(told(town)) == [("raised", "returned", "")]
    assert "was refused" in mailbox.texts("zandvoort@haarlem.example")[0][1]  # whose it is cannot be known


def test_a_replacement_that_lost_people_is_told_until_somebody_decides(town: World, hook: Webhook) -> None:
    town.deliver("water", "2021-03", [row(customer_reference=f"K{n}", house_number=str(n)) for n in range(1, 11)])
    path = town.deliver("water", "2021-03", [row()], name="nieuw.csv", received="2021-03-04 10:00")
    town.now = moment("2021-03-04 11:00")
    town.run("2021-03", upto="delivery_board")
    assert kinds(told(town)) == [("raised", "questioned", "water")]
    said = hook.messages[-1]["message"]
    assert "lacks 9 of its 10 references. It is not used until somebody decides" in said
    assert "> In uw bestand voor de signaalmaand 2021-03" in said
    assert told(town).told == []
    assert "questioned: a file that lacks people" in (town.home.outbox / "delivery_board.html").read_text()
    town.decide("water", "2021-03", path, "refused")
    town.run("2021-03", upto="delivery_board")
    assert kinds(told(town)) == [("solved", "questioned", "water")]
