"""What starts runs by itself: pure decisions first, then the sensor and schedule as Dagster calls them."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vroeg_pipeline.automation.arrivals import (
    month_to_make,
    work_to_do,
    worklists_schedule,
)
from vroeg_pipeline.definitions import build_defs
from vroeg_pipeline.deliveries.worked_on import content_of_month, is_news, worked_on
from vroeg_pipeline.domain.months import AMSTERDAM
from vroeg_pipeline.domain.settings import Settings
from vroeg_pipeline.installation.locking import run_lock
from vroeg_pipeline.installation.log import read_log
from vroeg_pipeline.installation.notes import CLOSED, Closed, WorkedOn
from vroeg_pipeline_tests.kit.returned import hand_in
from vroeg_pipeline_tests.kit.world import World, agreement, moment, row

JANUARY, FEBRUARY, MARCH, APRIL = (date(2021, number, 1) for number in range(1, 5))
BEFORE_MATCHING = moment("2021-03-08 12:00")  # the matching day of March 2021 is the ninth
AFTER_MATCHING = moment("2021-03-09 07:00")
FILE, OTHER, SLIP = "huur/delivery/aa", "huur/delivery/bb", "huur/withdrawals/cc"


def done(content: list[str], issued: bool = True) -> WorkedOn:
    return WorkedOn(content, content, content if issued else None)


def decide(
    contents: dict[date, list[str]], known: dict[date, WorkedOn], now: datetime
) -> tuple[str, date, date] | None:
    work = work_to_do(contents, {m: known.get(m, WorkedOn()) for m in contents}, Settings(), now)
    return work and (work.job, work.first, work.last)


RETURNED = "outcomes/outcome/dd"


def test_before_the_matching_day_deliveries_are_judged_and_no_more() -> None:
    assert decide({MARCH: [FILE]}, {}, BEFORE_MATCHING) == ("intake", MARCH, MARCH)
    assert decide({MARCH: [FILE]}, {MARCH: done([FILE], issued=False)}, BEFORE_MATCHING) is None


def test_on_the_matching_day_the_schedule_has_its_chance_first() -> None:
    judged = {MARCH: done([FILE], issued=False)}
    assert decide({MARCH: [FILE]}, judged, moment("2021-03-09 06:29")) is None
    assert decide({MARCH: [FILE]}, judged, moment("2021-03-09 06:30")) == ("month", MARCH, MARCH)


def test_what_comes_late_runs_its_month_and_every_later_one() -> None:
    known = {m: done([FILE]) for m in (JANUARY, FEBRUARY, MARCH)}
    contents = {JANUARY: [FILE], FEBRUARY: [FILE, OTHER], MARCH: [FILE]}
    assert decide(contents, known, AFTER_MATCHING) == ("month", FEBRUARY, MARCH)
    assert decide({**contents, FEBRUARY: [FILE]}, known, AFTER_MATCHING) is None


@pytest.mark.parametrize(
    ("content", "worked", "news"),
    [
        ([], None, False),
        ([FILE], None, True),
        ([FILE], [FILE], False),
        ([FILE, OTHER], [FILE], True),
        ([FILE], [FILE, OTHER], False),  # taken away; its bytes are in the archive
        ([FILE, SLIP], [FILE], True),
        ([FILE], [FILE, SLIP], True),  # a withdrawal that is withdrawn
        ([FILE, RETURNED], [FILE], True),
        ([FILE], [FILE, RETURNED], False),
    ],
)
def test_news(content: list[str], worked: list[str] | None, news: bool) -> None:
    assert is_news(content, worked) is news


def test_a_month_that_has_not_begun_waits() -> None:
    assert decide({APRIL: [FILE]}, {}, AFTER_MATCHING) is None
    assert decide({APRIL: [FILE]}, {}, moment("2021-04-01 00:00")) == ("intake", APRIL, APRIL)


@given(
    arrivals=st.lists(
        st.tuples(
            st.sampled_from([JANUARY, FEBRUARY, MARCH]), st.sampled_from([FILE, OTHER, SLIP]), st.integers(0, 100)
        ),
        max_size=12,
    ),
    fails=st.sets(st.integers(0, 12)),
)
def test_whatever_the_order_everything_is_worked_on_and_once(
    arrivals: list[tuple[date, str, int]], fails: set[int]
) -> None:
    """Files of any month come on any day, some runs fail; in the end all is issued, and no work was done twice."""
    contents: dict[date, list[str]] = {}
    known: dict[date, WorkedOn] = {}
    finished: list[str] = []

    def work(now: datetime, *, fails: bool = False) -> bool:
        asked = work_to_do(contents, {m: known.get(m, WorkedOn()) for m in contents}, Settings(), now)
        if asked is None or fails:
            return False
        finished.append(asked.key)
        for each in [m for m in contents if asked.first <= m <= asked.last]:
            issued = contents[each] if asked.job == "month" else known.get(each, WorkedOn()).issued
            known[each] = WorkedOn(contents[each], contents[each], issued)
        return True

    for number, (of, content, day) in enumerate(sorted(arrivals, key=lambda arrival: arrival[2])):
        contents[of] = sorted({*contents.get(of, []), content})
        work(moment("2021-01-01 00:00") + timedelta(days=day), fails=number in fails)
    much_later = moment("2021-06-01 00:00")
    while work(much_later):
        pass
    assert {of: known[of].issued for of in contents} == contents
    assert len(set(finished)) == len(finished)


@pytest.mark.parametrize(
    ("day", "made"),
    [
        ("2021-03-09", MARCH),
        ("2021-03-08", None),
        ("2021-03-10", None),
        ("2021-01-12", JANUARY),  # New Year's Day is a holiday
        ("2021-05-11", date(2021, 5, 1)),  # 5 May is not, this year
        ("2020-05-12", date(2020, 5, 1)),  # but it was the year before
    ],
)
def test_the_matching_day(day: str, made: date | None) -> None:
    assert month_to_make(date.fromisoformat(day), Settings()) == made


@pytest.fixture
def town(world: World) -> World:
    world.agree("huur", valid_from="2021-01")
    world.now = AFTER_MATCHING
    return world


def tick(world: World, instance: dg.DagsterInstance) -> dg.SensorResult | dg.SkipReason:
    installation = world.installation
    sensor = build_defs(installation).resolve_sensor_def("arrivals")
    with dg.build_sensor_context(instance=instance) as context:
        found = sensor(context)
    assert isinstance(found, (dg.SensorResult, dg.SkipReason))
    return found


def requested(world: World) -> dg.RunRequest | None:
    found = tick(world, world.instance)
    if isinstance(found, dg.SkipReason):
        return None
    (request,) = found.run_requests or []
    return request


def test_a_file_that_arrives_asks_for_a_run_once(town: World) -> None:
    assert requested(town) is None
    path = town.deliver("huur", "2021-03", [row()])
    request = requested(town)
    assert request is not None
    assert request.job_name == "month"
    assert request.tags["dagster/partition"] == "2021-03-01"
    # The look that found it has a line, the one before it has none.
    (line,) = read_log(town.home)
    assert [line[key] for key in ("action", "object", "result", "origin")] == [
        "look", "2021-03", "asked for month", "sensor arrivals",
    ]  # fmt: skip
    again = requested(town)
    assert again is not None
    assert again.run_key == request.run_key
    town.run("2021-03", upto=("delivery_board", "worklist_files"))
    assert requested(town) is None
    # The same bytes again, under the same and another name, and a sensor that has forgotten everything.
    town.deliver("huur", "2021-03", path.read_bytes(), received="2021-03-09 06:30")
    town.deliver("huur", "2021-03", path.read_bytes(), name="nog_eens.csv")
    assert requested(town) is None
    town.instance = dg.DagsterInstance.ephemeral()
    assert requested(town) is None


def test_a_file_for_a_closed_month_starts_nothing(town: World) -> None:
    """Its data was removed (DOMAIN §14); a later month still runs."""
    town.deliver("huur", "2021-02", [row()])
    assert requested(town) is not None
    CLOSED.write(town.home, Closed((FEBRUARY,)))
    assert requested(town) is None
    town.deliver("huur", "2021-03", [row()])
    request = requested(town)
    assert request is not None
    assert request.tags["dagster/partition"] == "2021-03-01"


def test_a_redelivery_under_the_same_name_runs_again(town: World) -> None:
    town.deliver("huur", "2021-03", [row()])
    town.run("2021-03", upto=("delivery_board", "worklist_files"))
    town.deliver("huur", "2021-03", [row(), row(customer_reference="K2")], received="2021-03-09 06:30")
    assert requested(town) is not None


def test_withdrawals_and_confirmations_do_the_same(town: World) -> None:
    town.deliver("huur", "2021-03", [row()])
    town.run("2021-03", upto=("delivery_board", "worklist_files"))
    slip = town.slip("huur", "2021-03", "withdrawals", "K1")
    assert requested(town) is not None
    town.run("2021-03", upto=("delivery_board", "worklist_files"))
    assert [i["change"] for i in town.table("worklist_issues", "issue")] == ["added", "withdrawn"]
    assert requested(town) is None
    slip.unlink()
    assert requested(town) is not None


def test_a_file_of_a_sender_does_the_same(town: World) -> None:
    town.agree_sender("portaal", {"Huur BV": "huur"})
    town.agree_delivered("huur", "portaal")
    columns = agreement("huur")["columns"]
    header = ";".join([*columns.values(), "Instantie"])
    line = ";".join([*(row().get(field, "") for field in columns), "Huur BV"])
    town.deliver("portaal", "2021-03", f"{header}\n{line}\n".encode())
    assert requested(town) is not None
    town.run("2021-03", upto=("delivery_board", "worklist_files"))
    assert len(town.table("worklist_issues")) == 1
    assert requested(town) is None
    town.deliver("portaal", "2021-03", f"{header}\n".encode(), name="leeg.csv", received="2021-03-09 06:30")
    assert requested(town) is not None


def test_a_returned_worklist_runs_its_month_and_every_later_one(town: World) -> None:
    for each in ("2021-01", "2021-02"):
        town.deliver("huur", each, [row(reference_date=f"01-{each[5:]}-2021", arrears_since="01-10-2020")])
    town.run("2021-01", "2021-02", upto=("delivery_board", "worklist_files"))
    path = hand_in(town, b"Kenmerk\n", month="2021-01", received="2021-03-01 10:00")
    request = requested(town)
    assert request is not None
    assert request.job_name == "month"
    assert request.tags["dagster/asset_partition_range_start"] == "2021-01-01"
    assert request.tags["dagster/asset_partition_range_end"] == "2021-02-01"
    town.run("2021-01", "2021-02", upto=("delivery_board", "worklist_files"))
    assert requested(town) is None
    path.unlink()
    assert requested(town) is None


def test_what_is_returned_judges_no_delivery(town: World) -> None:
    town.now = BEFORE_MATCHING
    hand_in(town, b"Kenmerk\n", received="2021-03-02 10:00")
    assert requested(town) is None


def test_half_written_files_wait(town: World) -> None:
    town.deliver("huur", "2021-03", [row()], name="levering.csv.part")
    town.deliver("huur", "2021-03", [row()], received="2021-03-09 06:59:55")
    town.now = moment("2021-03-09 07:00")
    assert requested(town) is None
    town.now = moment("2021-03-09 07:01")
    assert requested(town) is not None


def test_a_run_that_was_killed_is_made_again(town: World) -> None:
    town.deliver("huur", "2021-03", [row()])
    town.run("2021-03", upto=("delivery_board", "worklist_files"))
    shutil.rmtree(town.home.taken_in)
    assert requested(town) is not None


@pytest.mark.parametrize(
    ("status", "at_once", "after_an_hour"),
    [
        (dg.DagsterRunStatus.NOT_STARTED, False, False),
        (dg.DagsterRunStatus.STARTED, False, False),
        (dg.DagsterRunStatus.FAILURE, False, True),
        (dg.DagsterRunStatus.CANCELED, False, True),  # somebody meant it
    ],
)
def test_a_run_that_failed_is_tried_again_and_one_at_work_is_not(
    town: World, status: dg.DagsterRunStatus, at_once: bool, after_an_hour: bool
) -> None:
    town.deliver("huur", "2021-03", [row()])
    town.now = datetime.now(UTC)
    first = requested(town)
    assert first is not None
    town.instance.add_run(dg.DagsterRun("month", run_id=str(uuid4()), tags=dict(first.tags), status=status))
    assert (requested(town) is not None) is at_once
    town.now += timedelta(hours=1)
    again = requested(town)
    assert (again is not None) is after_an_hour
    assert again is None or again.run_key != first.run_key


def test_while_a_run_is_at_work_the_sensor_waits(town: World) -> None:
    town.deliver("huur", "2021-03", [row()])
    with run_lock(town.root / "warehouse.lock", "run 1", print, 1):
        assert requested(town) is None
    assert requested(town) is not None


def test_it_never_opens_the_warehouse(town: World) -> None:
    town.home.warehouse.write_bytes(b"this is no database")
    town.deliver("huur", "2021-03", [row()])
    assert requested(town) is not None


def test_a_month_from_before_the_location_holds_up_no_other(town: World) -> None:
    sensor = build_defs(town.installation).resolve_sensor_def("arrivals")
    town.deliver("huur", "2019-01", [row()])
    with dg.build_sensor_context(instance=town.instance) as context:
        skipped = sensor(context)
        assert isinstance(skipped, dg.SkipReason)
        assert "2019-01" in str(skipped.skip_message)
        town.deliver("huur", "2021-03", [row()])
        found = sensor(context)
    assert isinstance(found, dg.SensorResult)


def test_a_range_is_one_run(town: World) -> None:
    for each in ("2021-01", "2021-02", "2021-03"):
        town.deliver("huur", each, [row(reference_date=f"01-{each[5:]}-2021", arrears_since="01-10-2020")])
    town.run("2021-01", "2021-03", upto=("delivery_board", "worklist_files"))
    town.deliver("huur", "2021-02", [], received="2021-03-09 06:00", name="correctie.csv")
    request = requested(town)
    assert request is not None
    assert request.tags["dagster/asset_partition_range_start"] == "2021-02-01"
    assert request.tags["dagster/asset_partition_range_end"] == "2021-03-01"


def test_the_intake_job_makes_no_worklists(town: World) -> None:
    town.deliver("huur", "2021-03", [row()])
    job = build_defs(town.installation).resolve_job_def("intake")
    result = job.execute_in_process(instance=town.instance, partition_key="2021-03-01")
    assert result.success
    assert len(town.table("validated_signals")) == 1
    assert town.table("prioritised_worklists") == []
    names = {(e.asset_key.to_user_string(), e.check_name) for e in result.get_asset_check_evaluations()}
    assert {("deliveries/huur", "delivered"), ("validated_signals", "row_accounting")} <= names
    assert ("prioritised_worklists", "nobody_is_lost") not in names


def scheduled(world: World, at: str) -> dg.RunRequest | dg.SkipReason:
    schedule = worklists_schedule(world.installation)
    local = datetime.fromisoformat(at).replace(tzinfo=AMSTERDAM)
    context = dg.build_schedule_context(scheduled_execution_time=local.astimezone(UTC))
    found = schedule(context)
    assert isinstance(found, (dg.RunRequest, dg.SkipReason))
    return found


def test_the_schedule_makes_the_month_on_its_day(town: World) -> None:
    request = scheduled(town, "2021-03-09 06:00")
    assert isinstance(request, dg.RunRequest)
    assert request.tags["dagster/partition"] == "2021-03-01"
    assert isinstance(scheduled(town, "2021-03-10 06:00"), dg.SkipReason)
    town.run("2021-03", upto=("delivery_board", "worklist_files"))
    assert isinstance(scheduled(town, "2021-03-09 06:00"), dg.SkipReason)


def test_the_schedule_ticks_at_six_in_summer_and_winter(town: World) -> None:
    schedule = worklists_schedule(town.installation)
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 6 * * *", "Europe/Amsterdam")
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING


def test_content_is_by_bytes_not_by_name(town: World) -> None:
    town.deliver("huur", "2021-03", [row()], name="a.csv")
    before = content_of_month(town.installation, MARCH)
    town.deliver("huur", "2021-03", [row()], name="b.csv")
    assert content_of_month(town.installation, MARCH) == before
    (town.home.taken_in / "2021-03.look.json").write_text("{kapot")
    assert content_of_month(town.installation, MARCH) == before


def test_a_file_that_came_before_its_agreement_is_judged_once_that_is_there(town: World) -> None:
    town.deliver("nieuw", "2021-03", [row()])
    town.run("2021-03", upto="delivery_files")
    seen = worked_on(town.home, MARCH).seen
    assert seen == content_of_month(town.installation, MARCH)
    town.agree("nieuw")
    assert is_news(content_of_month(town.installation, MARCH), seen)
    (town.home.agreements / "nieuw.yaml").unlink()
    shutil.rmtree(town.home.inbox / "nieuw")
    assert not is_news(content_of_month(town.installation, MARCH), seen)


def test_an_urgent_file_is_on_the_next_issue_within_minutes(world: World) -> None:
    world.agree("licht", type="Energie", delivery={"additions": "*spoed*"})
    world.deliver("licht", "2021-03", [row()])
    world.now = moment("2021-03-09 12:00")
    world.run("2021-03", upto="worklist_files")

    def work() -> tuple[str, date, date] | None:
        installation = world.installation
        content = content_of_month(installation, MARCH)
        done = {MARCH: worked_on(world.home, MARCH)}
        found = work_to_do({MARCH: content}, done, installation.settings, installation.now())
        return found and (found.job, found.first, found.last)

    assert work() is None
    crisis = [row(customer_reference="K9", house_number="30", crisis="ja")]
    world.deliver("licht", "2021-03", crisis, name="spoed.csv", received="2021-03-15 09:00")
    world.now = moment("2021-03-15 09:01")
    assert work() == ("month", MARCH, MARCH)
    world.run("2021-03", upto="worklist_files")
    assert work() is None
    issued = world.query("SELECT worklist, address_key FROM worklist_issues WHERE change = 'added' ORDER BY ALL")
    assert [tuple(each.values()) for each in issued] == [
        ("lichte_opvolging", "2021AB_12__"), ("wijkteam_noord", "2021AB_30__"),
    ]  # fmt: skip
    assert world.query("FROM worklist_issues WHERE change = 'withdrawn'") == []
