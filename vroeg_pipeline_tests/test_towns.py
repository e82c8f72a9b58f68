"""Towns that share one Dagster: each knows its own assets, runs and ticks, and no other's."""

import os
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import MagicMock

import dagster as dg
import pytest
import sqlalchemy as db
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.run_coordinator import SubmitRunContext
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._core.workspace.context import WorkspaceRequestContext

from vroeg_pipeline.alerts.book import AlertState
from vroeg_pipeline.alerts.facts import Mistaken
from vroeg_pipeline.alerts.links import links
from vroeg_pipeline.alerts.plan import Condition
from vroeg_pipeline.alerts.sensor import observe
from vroeg_pipeline.automation.health import tick_findings
from vroeg_pipeline.automation.housekeeping import purge, purge_removed
from vroeg_pipeline.definitions import build_defs
from vroeg_pipeline.deliveries.assets import delivery_key
from vroeg_pipeline.installation.cooperation import Cooperation
from vroeg_pipeline.installation.dagster_home import (
    CODE_LOCATION,
    LOCATION_TAG,
    prepare_dagster_folder,
    prepare_dagster_home,
)
from vroeg_pipeline.installation.town import ALONE, Town, town_of
from vroeg_pipeline.quality.checks import DELIVERED
from vroeg_pipeline_tests.automation.test_housekeeping import APRIL, MARCH, made
from vroeg_pipeline_tests.kit.live import environment
from vroeg_pipeline_tests.kit.world import World, row


@pytest.fixture(scope="module")
def cooperation(tmp_path_factory: pytest.TempPathFactory) -> Cooperation:
    made = Cooperation(tmp_path_factory.mktemp("cooperation"))
    for name in ("haarlem", "leiden"):
        made.add(name)
    return made


@pytest.fixture(scope="module")
def haarlem(cooperation: Cooperation) -> Iterator[World]:
    """One town, with a partner of whom a month was run in a Dagster that it shares."""
    world = World(cooperation.home("haarlem").root)
    world.agree("huur")
    world.deliver("huur", "2021-03", [row()])
    prepare_dagster_home(world.home)
    with dg.DagsterInstance.get() as instance:
        os.environ.pop("DAGSTER_HOME")
        world.instance = instance
        world.run("2021-03")
        (run,) = instance.get_runs()
        instance.add_run_tags(run.run_id, town_of(world.home).tags)
        yield world


@pytest.fixture(scope="module")
def leiden(cooperation: Cooperation, haarlem: World) -> World:
    """Another, with a partner of the same name, of whom nothing came."""
    world = World(cooperation.home("leiden").root)
    world.agree("huur")
    world.instance = haarlem.instance
    return world


def keys_of(defs: dg.Definitions) -> Iterator[dg.AssetKey]:
    """Every key that stands anywhere in them."""
    for spec in defs.resolve_all_asset_specs():
        yield spec.key
        yield from (dep.asset_key for dep in spec.deps)
    for checks in defs.asset_checks or ():
        for spec in checks.check_specs:
            yield spec.asset_key
            yield from (dep.asset_key for dep in spec.additional_deps)
        yield from checks.node_keys_by_input_name.values()


def test_each_asset_and_check_of_a_town_bears_its_name_and_is_otherwise_the_same(
    haarlem: World, tmp_path: Path
) -> None:
    by_itself = haarlem.copied(tmp_path / "alone")
    ours, same = list(keys_of(build_defs(haarlem.installation))), list(keys_of(build_defs(by_itself.installation)))
    assert sorted(key.path[1:] for key in ours) == sorted(key.path for key in same)
    assert {key.path[0] for key in ours} == {"haarlem"}
    assert (town_of(haarlem.home).location, town_of(by_itself.home)) == ("haarlem", ALONE)


def test_whatever_a_run_notes_of_assets_and_checks_is_noted_of_the_town(haarlem: World) -> None:
    noted = {key.path[0] for key in haarlem.instance.all_asset_keys()}
    assert noted == {"haarlem"}
    town, instance = town_of(haarlem.home), haarlem.instance
    for asset in ("validated_signals", "delivery_board", dg.AssetKey(["deliveries", "huur"])):
        assert instance.get_materialized_partitions(town.key(asset)) == {"2021-03-01"}
    delivered = dg.AssetCheckKey(dg.AssetKey(["haarlem", "deliveries", "huur"]), DELIVERED)
    defs = build_defs(haarlem.installation)
    checks = {key for checks in defs.asset_checks or () for key in checks.check_keys}
    judged = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(checks))
    assert delivered in judged
    of_month = checks - {key for key in checks if key.asset_key.path[-1] == "retention"}
    assert set(judged) == of_month
    assert {record.status.value for record in judged.values()} == {"SUCCEEDED"}
    (newest,) = instance.fetch_materializations(town.key("validated_signals"), limit=1).records
    materialization = newest.asset_materialization
    assert materialization is not None
    lineage = materialization.metadata["dagster/column_lineage"]
    of_columns = {dep.asset_key.path[0] for deps in lineage.value.deps_by_column.values() for dep in deps}  # type: ignore[union-attr]
    assert of_columns == {"haarlem"}


def ticked(instance: dg.DagsterInstance, town: str, *moments: datetime) -> None:
    """The sensor `arrivals` of a town, which ticked then and printed a line at the last."""
    server = GrpcServerCodeLocationOrigin("localhost", socket=f"{town}.sock", location_name=town)
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(server, "__repository__"), "arrivals")
    kind = InstigatorType.SENSOR
    state = InstigatorState(origin, kind, InstigatorStatus.DECLARED_IN_CODE, SensorInstigatorData())
    instance.add_instigator_state(state)
    for at in moments:
        instance.create_tick(
            TickData(
                state.instigator_origin_id, "arrivals", kind, TickStatus.SUCCESS, at.timestamp(),
                selector_id=state.selector_id, run_ids=[], log_key=["__repository__", "arrivals", f"of {town}"],
            )
        )  # fmt: skip
    printed = Path(instance.storage_directory()) / "__repository__" / "arrivals" / f"of {town}.err"
    printed.parent.mkdir(parents=True, exist_ok=True)
    printed.touch()
    os.utime(printed, (moments[-1].timestamp(), moments[-1].timestamp()))


def test_runs_and_ticks_of_one_town_are_none_of_another(haarlem: World, leiden: World) -> None:
    instance, now = haarlem.instance, datetime.now(UTC)
    tags = {**town_of(haarlem.home).tags_of_command_line, "dagster/partition": "2021-04-01"}
    failed = dg.DagsterRun("month", tags=tags, status=dg.DagsterRunStatus.FAILURE)
    instance.add_run(failed)
    ticked(instance, "haarlem", now - timedelta(days=40))
    ticked(instance, "leiden", now - timedelta(days=40))

    told = {
        world.home.town: [c.kind.value for c in observe(world.installation, instance, AlertState()).conditions]
        for world in (haarlem, leiden)
    }
    assert "run_failed" in told["haarlem"]
    assert "run_failed" not in told["leiden"]
    for world in (haarlem, leiden):
        assert [found.part for found in tick_findings(instance, town_of(world.home), now)] == ["sensor arrivals"]

    # The other town's housekeeping leaves its runs, and what its ticks printed.
    printed = Path(instance.storage_directory()) / "__repository__" / "arrivals"
    purged = purge(instance, now + timedelta(minutes=1), town_of(leiden.home))
    assert (purged.runs, purged.tick_logs) == (0, 1)
    assert [path.name for path in printed.iterdir()] == ["of haarlem.err"]
    assert len(town_of(haarlem.home).instigators(instance)) == 1

    # Its own does not, and keeps what came.
    town = town_of(haarlem.home)
    assert purge(instance, now + timedelta(minutes=1), town).runs == 2
    assert list(printed.iterdir()) == []
    assert instance.get_materialized_partitions(town.key(delivery_key("huur"))) == {"2021-03-01"}


def tables_naming(urls: Iterable[str], name: str) -> set[str]:
    """The tables of Dagster with a row that has it."""
    found = set()
    for url in urls:
        with db.create_engine(url, poolclass=db.NullPool).connect() as connection:
            for table in db.inspect(connection).get_table_names():
                if any(name in str(tuple(row)) for row in connection.execute(db.text(f"SELECT * FROM {table}"))):
                    found.add(table)
    return found


def forgets_a_town_whose_folder_is_gone(cooperation: Cooperation, urls: Callable[[], Iterable[str]]) -> None:
    """Of one that is removed all goes once its folder is not there any more, whatever others are called."""
    with dg.DagsterInstance.get() as instance:
        for name in ("haarlem", "leiden", "leiden-noord"):
            town = town_of(cooperation.add(name))
            made(instance, MARCH, town)
            instance.report_runless_asset_event(dg.AssetMaterialization(town.key("told"), partition=APRIL))
            ticked(instance, name, *(datetime.now(UTC) - timedelta(days=days) for days in (1000, 1)))
        unnamed = instance.add_run(dg.DagsterRun("month", tags={"town": ""}, status=dg.DagsterRunStatus.SUCCESS))
        of_other = {
            "asset_keys",
            "event_logs",
            "asset_check_executions",
            "runs",
            "run_tags",
            "jobs",
            "instigators",
            "job_ticks",
        }
        assert purge_removed(instance, cooperation) == []
        home = cooperation.remove("leiden")
        assert purge_removed(instance, cooperation) == []
        assert tables_naming(urls(), "leiden") >= of_other
        home.root.rename(cooperation.root / "moved")
        assert purge_removed(instance, cooperation) == ["leiden"]
        assert tables_naming(urls(), "leiden'") | tables_naming(urls(), 'leiden"') == set()
        printed = Path(instance.storage_directory()) / "__repository__" / "arrivals"
        assert sorted(path.name for path in printed.iterdir()) == ["of haarlem.err", "of leiden-noord.err"]
        for name in ("haarlem", "leiden-noord"):
            assert tables_naming(urls(), name) >= of_other
            told = dg.AssetKey([name, "told"])
            assert instance.get_materialized_partitions(told) == {APRIL}
        # A tag that names no town names not all of them.
        assert instance.has_run(unnamed.run_id)
        (state,) = Town("haarlem").instigators(instance)
        assert len(instance.get_ticks(state.instigator_origin_id, state.selector_id)) == 2
        assert purge_removed(instance, cooperation) == []


def test_a_town_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    cooperation = Cooperation(tmp_path)
    with environment():
        prepare_dagster_folder(cooperation.dagster, of_many=True)
        databases = cooperation.dagster / "history", cooperation.dagster / "schedules"
        forgets_a_town_whose_folder_is_gone(
            cooperation, lambda: [f"sqlite:///{path}" for folder in databases for path in folder.glob("**/*.db")]
        )


def test_old_runs_of_a_town_that_is_removed_go_as_its_settings_say(tmp_path: Path) -> None:
    cooperation = Cooperation(tmp_path)
    homes = [cooperation.add(name) for name in ("haarlem", "leiden", "gouda")]
    homes[0].settings.write_text("keep_runs_months: 3", encoding="utf-8")
    homes[2].settings.write_text("keep_runs_months: often", encoding="utf-8")
    with environment():
        prepare_dagster_folder(cooperation.dagster, of_many=True)
        with dg.DagsterInstance.get() as instance:
            now = datetime.now(UTC)
            for home in homes:
                ticked(instance, home.town, *(now - timedelta(days=days) for days in (40, 200, 1000)))
            for home in homes:
                cooperation.remove(home.root.name)
            assert purge_removed(instance, cooperation) == []
            ticks = {}
            for home in homes:
                (state,) = Town(home.root.name).instigators(instance)
                found = instance.get_ticks(state.instigator_origin_id, state.selector_id)
                ticks[home.root.name] = [round((now.timestamp() - tick.timestamp) / 86400) for tick in found]
    assert ticks == {"haarlem": [40], "leiden": [40, 200], "gouda": [40, 200]}


@pytest.mark.parametrize(("location", "tags"), [("haarlem", {"town": "haarlem"}), (CODE_LOCATION, {})])
def test_the_queue_tells_of_which_town_a_run_is(haarlem: World, location: str, tags: dict[str, str]) -> None:
    """Also one of assets that somebody chose in the UI, which no job of ours knows."""
    instance = haarlem.instance
    of = {LOCATION_TAG: f"__repository__@{location}"}
    run = instance.add_run(dg.DagsterRun("__ASSET_JOB", tags=of, status=dg.DagsterRunStatus.NOT_STARTED))
    assert instance.run_coordinator is not None
    of_daemon = WorkspaceRequestContext(instance, MagicMock(), MagicMock(), None, None, read_only=False)
    instance.run_coordinator.submit_run(SubmitRunContext(run, of_daemon))
    queued = instance.get_run_by_id(run.run_id)
    assert queued is not None
    assert {name: value for name, value in queued.tags.items() if name == "town"} == tags


def test_an_alert_links_to_the_pages_of_its_town() -> None:
    condition = Condition(Mistaken(said="huur.yaml is wrong"))
    page = "assets/agreements?view=checks&checkDetail=are_right"
    assert links(condition, "https://dagster.example/") == [f"https://dagster.example/{page}"]
    (found,) = links(condition, "https://dagster.example/", "haarlem")
    assert found == f"https://dagster.example/{page.replace('agreements', 'haarlem/agreements')}"
