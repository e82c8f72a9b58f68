"""The code location as Dagster sees it: what is in it, that everything explains itself, and that it loads lightly."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import duckdb
import pytest
import yaml

from vroeg_pipeline.automation.jobs import MONTH_JOB
from vroeg_pipeline.cli.dev import prepare_storage
from vroeg_pipeline.definitions import build_defs, first_month
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import parse_month
from vroeg_pipeline.installation.agreed import what_is_wrong
from vroeg_pipeline.installation.dagster_home import prepare_dagster_home
from vroeg_pipeline.installation.home import CHECKOUT
from vroeg_pipeline.installation.schema import create_tables, described_tables
from vroeg_pipeline.installation.statements import sql
from vroeg_pipeline_tests.cli.test_app import vroeg
from vroeg_pipeline_tests.kit.queries import named_in
from vroeg_pipeline_tests.kit.world import World

# Key → what it reads. The assets are the vocabulary of everyone who works with the pipeline: a change is deliberate.
GRAPH = {
    "retention": [],
    "address_register": [],
    "agreements": [],
    "areas": [],
    "known_clients": [],
    "municipalities": [],
    "deliveries/huur": [],
    "deliveries/water": [],
    "delivery_files": ["agreements", "deliveries/huur", "deliveries/water"],
    "address_overrides": ["address_register"],
    "validated_signals": ["address_overrides", "address_register", "delivery_files", "municipalities"],
    "rejected_rows": ["address_overrides", "address_register", "delivery_files", "municipalities"],
    "delivery_measures": ["delivery_files", "rejected_rows", "validated_signals"],
    "delivery_board": ["delivery_files", "delivery_measures"],
    "address_matches": ["validated_signals"],
    "address_desk": [
        "address_matches",
        "address_overrides",
        "address_register",
        "outcome_files",
        "prioritised_worklists",
        "recidivism_history",
        "validated_signals",
        "worklist_issues",
    ],
    "repeat_signals": ["address_matches", "address_register", "validated_signals"],
    "recidivism_history": ["address_matches", "address_register", "repeat_signals", "validated_signals"],
    "outcome_files": ["delivery_files"],
    "prioritised_worklists": [
        "address_matches",
        "areas",
        "known_clients",
        "outcome_files",
        "recidivism_history",
        "validated_signals",
    ],
    "worklist_issues": ["prioritised_worklists"],
    "worklist_files": [
        "address_matches",
        "outcome_files",
        "prioritised_worklists",
        "recidivism_history",
        "validated_signals",
        "worklist_issues",
    ],
    "contact_attempts": [
        "address_overrides",
        "delivery_files",
        "outcome_files",
        "rejected_rows",
        "validated_signals",
        "worklist_issues",
    ],
    "case_results": [
        "address_overrides",
        "contact_attempts",
        "delivery_files",
        "outcome_files",
        "rejected_rows",
        "validated_signals",
        "worklist_issues",
    ],
    "contacted_signals": [
        "address_overrides",
        "delivery_files",
        "outcome_files",
        "rejected_rows",
        "validated_signals",
        "worklist_issues",
    ],
    "contacted_reports": ["address_matches", "areas", "contacted_signals", "known_clients", "recidivism_history"],
    "refused_outcomes": [
        "address_overrides",
        "delivery_files",
        "outcome_files",
        "rejected_rows",
        "validated_signals",
        "worklist_issues",
    ],
    "partner_feedback": [
        "case_results",
        "contact_attempts",
        "contacted_signals",
        "delivery_files",
        "recidivism_history",
        "rejected_rows",
        "repeat_signals",
        "validated_signals",
        "worklist_issues",
    ],
    "ddas_delivery": [
        "address_matches",
        "case_results",
        "contact_attempts",
        "contacted_signals",
        "recidivism_history",
        "rejected_rows",
        "repeat_signals",
        "validated_signals",
        "worklist_issues",
    ],
    "evaluation_deliveries": ["delivery_files", "delivery_measures", "rejected_rows"],
    "evaluation_signals": [
        "case_results",
        "contact_attempts",
        "contacted_signals",
        "prioritised_worklists",
        "recidivism_history",
        "rejected_rows",
        "repeat_signals",
        "validated_signals",
        "worklist_issues",
    ],
    "evaluation_reports": [
        "address_matches",
        "case_results",
        "contact_attempts",
        "contacted_reports",
        "contacted_signals",
        "delivery_files",
        "prioritised_worklists",
        "recidivism_history",
        "validated_signals",
    ],
    "evaluation_contacts": ["address_matches", "contact_attempts", "contacted_reports", "prioritised_worklists"],
    "evaluation_page": [
        "address_matches",
        "delivery_measures",
        "evaluation_contacts",
        "evaluation_deliveries",
        "evaluation_reports",
        "evaluation_signals",
        "prioritised_worklists",
        "worklist_issues",
    ],
}
NO_TABLES = {"retention", "delivery_board", "ddas_delivery", "evaluation_page", "partner_feedback"}
BY_HAND = {"agreements", "areas", "known_clients", "municipalities"}


@pytest.fixture
def defs(world: World) -> dg.Definitions:
    world.agree("huur", owner="data@haarlem.example")
    world.agree("water", type="Water")
    return build_defs(world.installation)


def specs(defs: dg.Definitions) -> dict[str, dg.AssetSpec]:
    known = defs.resolve_all_asset_specs()
    # What is read but filled by nobody here yet.
    stub = "dagster/auto_created_stub_asset"
    return {spec.key.to_user_string(): spec for spec in known if not spec.metadata.get(stub)}


def test_the_asset_graph(defs: dg.Definitions) -> None:
    found = {key: sorted(dep.asset_key.to_user_string() for dep in spec.deps) for key, spec in specs(defs).items()}
    assert found == {key: sorted(deps) for key, deps in GRAPH.items()}


# Tables that Python makes, and what of: the asset they are read from, or none where it is the settings or the agreements.
MADE_OF = {
    "address_register": ["address_register"],
    "address_decisions": ["address_overrides"],
    "delivery_rows": ["delivery_files"],
    "outcome_rows": ["outcome_files"],
    "postcode4_municipality": ["municipalities"],
    "areas": ["areas"],
    "buurt_areas": ["areas"],
    "known_addresses": ["known_clients"],
    "known_answers": ["known_clients"],
    "known_client_counts": ["prioritised_worklists"],
    "shown_figures": ["evaluation_contacts", "evaluation_deliveries", "evaluation_reports", "evaluation_signals"],
    "evaluated_months": ["evaluation_contacts", "evaluation_deliveries", "evaluation_reports", "evaluation_signals"],
    "tiers": [],
    "deadlines": ["address_matches"],
    "delivery_states": ["delivery_files", "delivery_measures"],
    "buurt_of_range": [],
    "buurt_of_number": [],
    "told_cells": [],
    "judged_outcome_files": ["outcome_files"],
    "unknown_cases": ["outcome_files"],
    "agreement_terms": [],
    "agreed_municipalities": [],
    "ancestry": [],
    "senders": [],
    "html_entities": [],
    "last_successor": [],
    "partner_names": [],
    "capacity": [],
    "matching_days": [],
    "known_bsn": [],
    "told_statuses": [],
    "listed": [],
    "delivery_decisions": ["delivery_files"],
    "former_addresses": ["validated_signals"],
    "moved_cases": ["validated_signals"],
    "left_rows": ["delivery_files", "rejected_rows"],
    "kept_reports": ["address_matches", "contacted_signals", "recidivism_history", "areas", "known_clients"],
    "withdrawals": [],
    "confirmations": [],
    # What of removed months stays known, apart from the order of any run.
    "reported_history": [],
    "remembered_repeats": [],
}


# What the steps of the resolver and of the verdicts leave; they are listed in `addresses/resolver.py` and
# `signals/row_verdicts.py`.
TEMPORARY = {
    "resolved_addresses", "moved_addresses", "register_entries", "address_texts", "written_addresses", "delivered_rows",
    "row_verdicts", "identified_rows", "asked_identities", "requested", "restrictions",
    "erased_rows",
}  # fmt: skip


# What an asset only has to come after: both write the same note on the inbox.
ONLY_AFTER = {"outcome_files": {"delivery_files"}}


def views() -> dict[str, str]:
    """Name to query of every view that a statement may name."""
    with duckdb.connect() as connection:
        create_tables(connection)
        connection.execute(sql("macros").replace("parse_delivered_date(value, date_format)", "NULL::DATE"))
        connection.execute("CREATE TEMP TABLE postcode4_municipality (postcode4 INTEGER, municipality VARCHAR)")
        connection.execute(sql("address_macros"))
        found = connection.execute("SELECT view_name, sql FROM duckdb_views() WHERE NOT internal").fetchall()
    return {name: text[text.index(" AS ") + 4 :].rstrip(";\n ") for name, text in found}


def test_what_an_asset_reads_is_what_its_statements_name(defs: dg.Definitions) -> None:
    known, tables, made_of = specs(defs), {}, views()
    for key, spec in known.items():
        tables[str(spec.metadata.get("dagster/table_name", "")).rpartition(".")[2]] = key
    for key, spec in known.items():
        names = [Path(file).stem for file in spec.metadata.get("statements", ())]
        if not names:
            continue
        read, steps = set(), set(names)
        waiting = set().union(*(named_in(sql(name)) for name in names))
        seen: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            if name in MADE_OF:
                read.update(MADE_OF[name])
            elif name in made_of:
                waiting |= named_in(made_of[name])
            elif name in tables and tables[name] != key:
                read.add(tables[name])
            else:
                assert name in steps or name in tables or name in TEMPORARY, (key, name)
        read.discard(key)
        declared = {dep.asset_key.to_user_string() for dep in spec.deps}
        assert declared - ONLY_AFTER.get(key, set()) == read, key


def test_everything_explains_itself(defs: dg.Definitions) -> None:
    for key, spec in specs(defs).items():
        assert spec.group_name, key
        assert spec.description, key
        assert "DOMAIN" in spec.description or "docs/adr" in spec.description, key
        assert spec.kinds, key
        assert spec.tags.get("stage"), key
        assert "dagster/code_references" in spec.metadata or key in BY_HAND or key.startswith("deliveries/"), key
        if not key.startswith("deliveries/") and key not in BY_HAND | NO_TABLES:
            columns = spec.metadata["dagster/column_schema"].columns
            assert columns, key
            assert all(column.description for column in columns), key


def test_what_explains_itself_is_text_that_reads_alike_as_markdown_and_as_it_is(defs: dg.Definitions) -> None:
    """Pages show descriptions as Markdown, where `<x>` vanishes and `&x;` is another letter; lists show them as they are."""
    told = {f"asset {key}": spec.description for key, spec in specs(defs).items()}
    for key, spec in specs(defs).items():
        if schema := spec.metadata.get("dagster/column_schema"):
            told |= {f"column {key}.{column.name}": column.description for column in schema.columns}
    for definition in defs.asset_checks or []:
        told |= {f"check {spec.name} of {spec.asset_key}": spec.description for spec in definition.check_specs}
    for job in defs.get_repository_def().get_all_jobs():
        told |= {f"step {node.name}": node.definition.description for node in job.graph.nodes}
    said = {
        each.name: each.description for each in (*(defs.jobs or []), *(defs.sensors or []), *(defs.schedules or []))
    }
    assert all(said.values()), said
    marks = re.compile(r"[`<>]|\*\*|\]\(|&\w|&#|(?<!\w)_\w")
    found = {what: text for what, text in {**told, **said}.items() if marks.search(text or "")}
    assert found == {}


def test_the_columns_of_a_table_say_what_they_are_made_of(defs: dg.Definitions) -> None:
    def said(asset: str, column: str) -> str | None:
        schema = specs(defs)[asset].metadata["dagster/column_schema"]
        return next(each.description for each in schema.columns if each.name == column)

    assert said("address_matches", "total_amount") == "Sum of the arrears in euro. From validated_signals.amount_due."
    assert re.search(
        r" From raw\.delivery_rows\.postcode, .*, \d more\.$", said("validated_signals", "address_key") or ""
    )
    assert specs(defs)["delivery_files"].metadata["dagster/column_schema"] == described_tables()["delivery_files"][1]


def test_everything_has_an_owner_of_its_agreement_or_the_settings(defs: dg.Definitions, world: World) -> None:
    owners = {key: list(spec.owners) for key, spec in specs(defs).items()}
    assert owners.pop("deliveries/huur") == ["data@haarlem.example"]
    assert set(map(tuple, owners.values())) == {("team:vroegsignalering",)}
    world.settings(owner="team:data")
    assert list(specs(build_defs(world.installation))["areas"].owners) == ["team:data"]


def test_every_table_has_blocking_checks_and_every_delivery_named_ones(defs: dg.Definitions) -> None:
    checks = {
        (spec.asset_key.to_user_string(), spec.name): spec
        for definition in defs.asset_checks or []
        for spec in definition.check_specs
    }
    for table in GRAPH:
        if table.split("/")[0] in {"deliveries", "address_register", "delivery_board", "evaluation_page", *BY_HAND}:
            continue
        assert any(asset == table for asset, _ in checks), table
    assert checks["validated_signals", "row_accounting"].blocking
    delivered = {name for asset, name in checks if asset == "deliveries/huur"}
    assert {"delivered", "few_rows_rejected", "few_rows_outdated", "rows_as_usual", "columns_as_agreed"} <= delivered
    assert not any(spec.blocking for (asset, _), spec in checks.items() if asset.startswith("deliveries/"))
    assert all(spec.description for spec in checks.values())
    assert not checks["address_register", "lost_few_dwellings"].blocking
    assert not checks["address_register", "is_of_late"].blocking


def test_the_register_has_a_lamp(defs: dg.Definitions) -> None:
    assert isinstance(specs(defs)["address_register"].freshness_policy, dg.FreshnessPolicy)


def test_months_are_dutch_and_the_current_one_can_be_run(defs: dg.Definitions, world: World) -> None:
    partitions = specs(defs)["validated_signals"].partitions_def
    assert isinstance(partitions, dg.TimeWindowPartitionsDefinition)
    assert partitions.timezone == "Europe/Amsterdam"
    keys = partitions.get_partition_keys(current_time=world.now)
    assert (keys[0], keys[-1]) == ("2020-01-01", "2022-01-01")


def test_a_file_from_before_every_agreement_can_be_run(world: World) -> None:
    world.agree("huur", valid_from="2021-03")
    assert first_month(world.installation) == parse_month("2021-03")
    world.deliver("huur", "2021-01", b"x")
    assert first_month(world.installation) == parse_month("2021-01")
    world.settings(first_month="2021-02")
    assert first_month(world.installation) == parse_month("2021-02")


def test_the_job_is_everything_in_one_process(defs: dg.Definitions) -> None:
    job = defs.resolve_job_def(MONTH_JOB)
    executable = {key for key in GRAPH if key not in {*BY_HAND, "retention"} and not key.startswith("deliveries/")}
    assert {key.to_user_string() for key in job.asset_layer.executable_asset_keys} == executable
    assert job.executor_def.name == "in_process"


def test_one_way_to_start() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    workspace = yaml.safe_load((CHECKOUT / "workspace.yaml").read_text(encoding="utf-8"))
    (location,) = workspace["load_from"]
    named = {
        project["tool"]["dagster"]["module_name"],
        project["tool"]["dg"]["project"]["code_location_target_module"],
        location["python_module"],
    }
    assert named == {"vroeg_pipeline.definitions"}


def test_dg_works_from_the_checkout(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.agree("huur")
    monkeypatch.setenv("VROEG_HOME", str(world.root))
    monkeypatch.setenv("DAGSTER_HOME", str(world.home.dagster))
    prepare_dagster_home(world.home)  # says that nothing calls home

    def dg_says(*words: str) -> str:
        command = [str(Path(sys.executable).with_name("dg")), *words]
        done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    listed = json.loads(dg_says("list", "defs", "--json"))
    assert set(GRAPH) - {"deliveries/water"} == {asset["asset_key"] for asset in listed["assets"]}
    assert {job["name"] for job in listed["jobs"]} == {"housekeeping", "intake", "month", "retention"}
    assert "All definitions loaded successfully" in dg_says("check", "defs")


def test_loading_it_is_light() -> None:
    """Great Expectations and pandas take seconds to import; the UI and every run would pay for them."""
    loading = (
        "import sys; from vroeg_pipeline.definitions import defs; defs();"
        "print([m for m in ('great_expectations', 'pandas') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", loading], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.fixture
def environment(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("VROEG_HOME", str(world.root))
    return world


def test_a_wrong_agreement_stops_a_first_start_with_a_readable_line(environment: World) -> None:
    environment.agree("huur", type="Huren")
    for start in (build_defs, lambda: prepare_storage(environment.home)):
        with pytest.raises(VroegError, match=r"agreements/huur\.yaml.*type"):
            start()
    assert not environment.home.dagster.exists()


def wrong_agreement(world: World) -> None:
    world.agree("water", type="Wataer", due_day=3)


def wrong_settings(world: World) -> None:
    world.settings(matching_workday=3)


def no_text(world: World) -> None:
    (world.home.agreements / "gas.yaml").write_bytes(b"\xff\xfe\x00")


def another_ending(world: World) -> None:
    (world.home.agreements / "gas.yml").touch()


def one_that_others_name(world: World) -> None:
    (world.home.agreements / "portaal.yaml").unlink()


@pytest.mark.parametrize("spoil", [wrong_agreement, wrong_settings, no_text, another_ending, one_that_others_name])
def test_who_was_at_work_goes_on_with_the_last_that_was_right(
    environment: World, spoil: Callable[[World], None]
) -> None:
    environment.agree_sender("portaal", {"Huur": "huur"})
    environment.agree_delivered("huur", "portaal")
    environment.agree("water", type="Water")
    environment.settings(watch_seconds=7)
    partners, files = set(build_defs().resolve_all_asset_keys()), environment.home.agreement_texts()
    spoil(environment)
    # What was changed rightly beside it waits too: agreements name each other.
    environment.agree("wind", type="Energie")
    gone_on = build_defs()
    assert set(gone_on.resolve_all_asset_keys()) == partners
    assert gone_on.resolve_sensor_def("arrivals").minimum_interval_seconds == 7
    assert vroeg(environment.root, "status").returncode == 1
    environment.home.settings.unlink()
    for path in environment.home.agreements.iterdir():
        path.unlink()
    for name in ("portaal", "huur", "water"):
        (environment.home.agreements / f"{name}.yaml").write_text(files[name], encoding="utf-8")
    assert build_defs().resolve_sensor_def("arrivals").minimum_interval_seconds == 30


def test_a_deleted_agreement_is_no_mistake(environment: World) -> None:
    environment.agree("huur")
    environment.agree("water", type="Water")
    build_defs()
    (environment.home.agreements / "water.yaml").unlink()
    assert dg.AssetKey(["deliveries", "water"]) not in build_defs().resolve_all_asset_keys()
    assert what_is_wrong(environment.home) is None
