"""A small installation in a folder, and months run on it: what most tests stand on.

Everything a test does not care about has a sensible value, so that a test shows only what it is about. People are
synthetic.
"""

from __future__ import annotations

import csv
import hashlib
import io
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import yaml

from vroeg_pipeline.automation.jobs import MONTH_JOB
from vroeg_pipeline.definitions import CHECKS, OF_NO_MONTH, STEPS, build_defs
from vroeg_pipeline.deliveries.file_decisions import Decision, note_decision
from vroeg_pipeline.domain.fields import CANONICAL_FIELDS
from vroeg_pipeline.domain.months import AMSTERDAM, TIME_ZONE, months_between, parse_month
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.statements import quoted, sql
from vroeg_pipeline.installation.warehouse import ENCRYPTION_KEY, WarehouseResource
from vroeg_pipeline.monthly import month_key, months_at_work
from vroeg_pipeline.sample.world import make_world
from vroeg_pipeline_tests.kit import lake
from vroeg_pipeline_tests.kit.dagster_in_memory import dagster_in_memory

# What makes all tables and files of a month. A run of it all judges the deliveries besides, which changes none of them.
WHOLE = ("delivery_board", "worklist_files", "address_desk", "partner_feedback", "ddas_delivery", "evaluation_page")

# Long after every delivery of the tests, so that nothing looks unfinished.
LATER = datetime(2022, 1, 1, tzinfo=UTC)

REGISTER_HEADER = (
    "nummeraanduiding_id,straat,huisnummer,huisletter,huisnummertoevoeging,postcode,woonplaats,gemeentecode"
)


def agreement(partner: str, **changes: Any) -> dict[str, Any]:
    """An agreement as YAML content; `delivery` may be given in part."""
    content: dict[str, Any] = {
        "partner": partner,
        "name": partner.replace("_", " ").title(),
        "type": "Huur",
        "valid_from": "2020-01",
        "municipalities": ["0392", "0473"],
        "columns": {name: name.title() for name in CANONICAL_FIELDS},
        **changes,
    }
    content["delivery"] = {"format": "csv", **changes.get("delivery", {})}
    return content


def sender_agreement(sender: str, partners: Mapping[str, str], /, **changes: Any) -> dict[str, Any]:
    """The agreement of who sends one file for several partners, as YAML content; `partners`: names in it to partners."""
    content: dict[str, Any] = {
        "sender": sender,
        "name": sender.title(),
        "columns": agreement("")["columns"],
        "partner_column": "Instantie",
        "partners": dict(partners),
        **changes,
    }
    content["delivery"] = {"format": "csv", **changes.get("delivery", {})}
    return content


def delivered_agreement(partner: str, sender: str, /, **changes: Any) -> dict[str, Any]:
    """The agreement of a partner of which a sender delivers the rows, as YAML content: bounds, and no form of a file."""
    content = {**agreement(partner), "delivered_by": sender, "delivery": {}, **changes}
    return {field: value for field, value in content.items() if field != "columns" or "columns" in changes}


def row(**changes: str) -> dict[str, str]:
    """A valid delivered row for March 2021, by field; amounts and dates in the default notation."""
    return {
        "customer_reference": "K1",
        "surname": "Testman",
        "postcode": "2021AB",
        "house_number": "12",
        "amount_due": "100,00",
        "arrears_since": "01-01-2021",
        "reference_date": "01-03-2021",
        "reminder_sent": "ja",
        **changes,
    }


def as_csv(rows: Sequence[Mapping[str, str]], delimiter: str = ";") -> bytes:
    """Rows by field as a delivery with all agreed columns."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow([name.title() for name in CANONICAL_FIELDS])
    writer.writerows([[r.get(name, "") for name in CANONICAL_FIELDS] for r in rows])
    return text.getvalue().encode()


def moment(text: str) -> datetime:
    """An Amsterdam moment written as `2021-03-03 10:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=AMSTERDAM)


@dataclass
class World:
    """An installation in `root`. `now` is the clock of the runs."""

    root: Path
    now: datetime = LATER

    @cached_property
    def instance(self) -> dg.DagsterInstance:
        """Dagster's own storage, in memory."""
        return dagster_in_memory()

    def __post_init__(self) -> None:
        self.home = Home(self.root)
        for folder in (self.home.agreements, self.home.reference, self.home.inbox):
            folder.mkdir(parents=True, exist_ok=True)
        if lake.is_used() and not self.home.settings.exists():
            self.settings(warehouse=lake.settings_of(lake.new_database(self.root), self.root))
        self.reference(
            "municipalities.csv", "postcode4_from,postcode4_to,gemeentecode", "2011,2037,0392", "2041,2042,0473",
            "2051,2061,0377",
        )  # fmt: skip
        self.reference(
            "areas.csv", "postcode_from,postcode_to,worklist", "2021AA,2026ZZ,wijkteam_noord",
            "2041AA,2042ZZ,wijkteam_zandvoort",
        )  # fmt: skip

    def __getstate__(self) -> dict[str, Any]:
        """For another process: all but what lives in this one."""
        return {name: value for name, value in vars(self).items() if name != "instance"}

    def copied(self, root: Path) -> World:
        """The same in another folder, with a Dagster that knows of no run."""
        shutil.copytree(self.root, root)
        if lake.is_used():
            known = yaml.safe_load(self.home.settings.read_text(encoding="utf-8"))
            database = lake.copied_database(self.database, self.root, root)
            text = yaml.safe_dump({**known, "warehouse": lake.settings_of(database, root)})
            Home(root).settings.write_text(text, encoding="utf-8")
        return World(root, self.now)

    def sample(self, **asked: Any) -> None:
        """Gets the files of a sample world."""
        before = yaml.safe_load(self.home.settings.read_text(encoding="utf-8")) if lake.is_used() else {}
        for name in ("areas.csv", "municipalities.csv"):
            (self.home.reference / name).unlink()
        make_world(self.home, **asked)
        if before:
            made = yaml.safe_load(self.home.settings.read_text(encoding="utf-8"))
            self.home.settings.write_text(yaml.safe_dump({**made, **before}), encoding="utf-8")

    def put_back(self, kept: World) -> None:
        """Is again as it was when `kept` was copied from it."""
        if lake.is_used():
            lake.drop_database(self.database)
        shutil.rmtree(self.root)
        kept.copied(self.root)

    @property
    def database(self) -> str:
        """That of the catalogue, of a world on a DuckLake."""
        where = self.installation.settings.warehouse
        assert where
        return where.catalogue.rpartition("dbname=")[2]

    @property
    def store(self) -> Path:
        """Where the bytes of the tables are."""
        return self.root / lake.FOLDER if lake.is_used() else self.home.warehouse

    def catalogue(self) -> str:
        """All that PostgreSQL holds of a world on a DuckLake."""
        return lake.dump(self.database) if lake.is_used() else ""

    def lose_warehouse(self) -> None:
        """Has none any more."""
        if lake.is_used():
            lake.drop_database(self.database)
            shutil.rmtree(self.root / lake.FOLDER)
            known = yaml.safe_load(self.home.settings.read_text(encoding="utf-8"))
            self.settings(**known | {"warehouse": lake.settings_of(lake.new_database(self.root), self.root)})
        else:
            self.home.warehouse.unlink()

    def agree(self, partner: str, **changes: Any) -> None:
        """Writes an agreement."""
        self._write_agreement(partner, agreement(partner, **changes))

    def agree_sender(self, sender: str, partners: Mapping[str, str], **changes: Any) -> None:
        """Writes the agreement of who sends one file for several partners; `partners`: names in it to partners."""
        self._write_agreement(sender, sender_agreement(sender, partners, **changes))

    def agree_delivered(self, partner: str, sender: str, **changes: Any) -> None:
        """Writes the agreement of a partner of which a sender delivers the rows."""
        self._write_agreement(partner, delivered_agreement(partner, sender, **changes))

    def _write_agreement(self, name: str, content: Mapping[str, Any]) -> None:
        text = yaml.dump(dict(content), Dumper=yaml.CSafeDumper, allow_unicode=True)
        (self.home.agreements / f"{name}.yaml").write_text(text, encoding="utf-8")

    def settings(self, **values: Any) -> None:
        """Writes settings.yaml. Where the warehouse lies stays as it is."""
        if lake.is_used() and self.home.settings.exists():
            known = yaml.safe_load(self.home.settings.read_text(encoding="utf-8"))
            values = {"warehouse": known["warehouse"], **values}
        self.home.settings.write_text(yaml.safe_dump(values), encoding="utf-8")

    def reference(self, name: str, *lines: str) -> None:
        """Writes a reference table."""
        (self.home.reference / name).write_text("\n".join(lines) + "\n", encoding="utf-8")

    def register(self, *dwellings: str) -> None:
        """Writes an address register; a dwelling is `postcode,number,letter,addition` (and `,gemeentecode`)."""
        lines = []
        for number, dwelling in enumerate(dwellings):
            postcode, house_number, letter, addition, municipality = [*dwelling.split(","), "0392"][:5]
            lines.append(
                f"{number:016d},Teststraat,{house_number},{letter},{addition},{postcode},Haarlem,{municipality}"
            )
        self.reference("addresses.csv", REGISTER_HEADER, *lines)

    def deliver(
        self,
        partner: str,
        month: str,
        rows: Sequence[Mapping[str, str]] | bytes,
        *,
        name: str = "levering.csv",
        received: str | None = None,
        folder: str = "",
    ) -> Path:
        """Puts a file in the inbox; received on the third of the month at ten unless told otherwise."""
        path = self.home.inbox / partner / month / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(rows if isinstance(rows, bytes) else as_csv(rows))
        stamp = moment(received or f"{month}-03 10:00").timestamp()
        os.utime(path, (stamp, stamp))
        return path

    def slip(
        self,
        partner: str,
        month: str,
        kind: str,
        *references: str,
        name: str = "lijst.csv",
        received: str | None = None,
    ) -> Path:
        """Puts a withdrawal or confirmation file in the inbox; received as a delivery is."""
        content = "\n".join(["customer_reference", *references, ""]).encode()
        return self.deliver(partner, month, content, name=name, folder=kind, received=received)

    def decide(self, partner: str, month: str, path: Path, decision: str) -> None:
        """Decides that a file of the inbox is a replacement, an addition, or refused."""
        of = (parse_month(month), partner, hashlib.sha256(path.read_bytes()).hexdigest())
        with self.warehouse.connect() as connection:
            note_decision(connection, self.home, of, Decision(decision), "Tester", "gevraagd", self.now)

    @property
    def warehouse(self) -> WarehouseResource:
        """To work in; made where there is none."""
        self._begin_with_an_empty_warehouse()
        return WarehouseResource.of(self.installation)

    @property
    def installation(self) -> Installation:
        return Installation.load(self.home, lambda: self.now)

    def run(
        self,
        first: str,
        last: str | None = None,
        *,
        upto: str | Sequence[str] = (),
        succeeds: bool = True,
        statements: Mapping[str, str] | None = None,
    ) -> dg.ExecuteInProcessResult:
        """Runs a month, or a range in one run; with other `statements` under some names.

        `upto`: a test of an earlier stage needs no more than that asset (or those), what it is made of, and their checks.
        Deliveries are judged only in a whole month.
        """
        others = statements or {}
        installation = replace(self.installation, statement=lambda name: others.get(name) or sql(name))
        location = build_defs(installation)
        start, end = (month_key(parse_month(month)) for month in (first, last or first))
        single = start == end
        self._begin_with_an_empty_warehouse()
        result = location.resolve_job_def(MONTH_JOB).execute_in_process(
            instance=self.instance,
            partition_key=start if single else None,
            asset_selection=_with_what_they_are_made_of(upto, location) if upto else None,
            tags={}
            if single
            else {"dagster/asset_partition_range_start": start, "dagster/asset_partition_range_end": end},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            raise_on_error=False,
        )
        if succeeds and not result.success:
            failures = [e.step_failure_data.error for e in result.all_events if e.event_type_value == "STEP_FAILURE"]
            raise AssertionError("\n\n".join(error.to_string() for error in failures if error))
        return result

    def make(self, first: str, last: str | None = None, *, upto: str | Sequence[str]) -> list[str]:
        """Makes what a run of a month, or of a range, makes up to these assets, with the same checks, and without Dagster;
        gives what checks say that is wrong.

        For a test that looks at tables and files alone; it takes half of the time. Nothing is noted of what the checks say.
        """
        installation, months = self.installation, months_between(parse_month(first), parse_month(last or first))
        installation.keep_agreed()
        asked = _Asked(dg.PartitionKeyRange(month_key(months[0]), month_key(months[-1])))
        said = []
        with self.warehouse.yield_for_execution(dg.build_init_resource_context(instance=_nobodys())) as warehouse:
            for step in _steps_to([upto] if isinstance(upto, str) else upto):
                done = step.op.compute_fn.decorated_fn(asked, warehouse, installation)  # type: ignore[union-attr]
                if not isinstance(done, dg.MaterializeResult):
                    list(done)
                checks = [check for check in CHECKS if dg.AssetKey(check.asset) in step.keys]
                with months_at_work(warehouse, installation, months if checks else []) as at_work:
                    for of in at_work:
                        for check in checks:
                            wrong, _ = check.look(of)
                            if wrong:
                                said.append(f"{check.asset} {of.month:%Y-%m}: {check.name} {wrong}")
                                assert not check.blocking, said
        return said

    def _begin_with_an_empty_warehouse(self) -> None:
        """Copied, as making its tables takes longer than what a small test does in them."""
        if not (lake.is_used() or self.home.warehouse.exists() or ENCRYPTION_KEY in os.environ):
            self.home.warehouse.write_bytes(_empty_warehouse())
            self.home.warehouse.chmod(0o600)

    def table(self, name: str, order: str = "ALL", where: str = "true") -> list[dict[str, Any]]:
        """The rows of a published table, by column."""
        return self.query(f"SELECT * FROM {name} WHERE {where} ORDER BY {order}")

    def query(self, query: str) -> list[dict[str, Any]]:
        """The rows of a query on the warehouse, by column."""
        with self._read() as connection:
            result = connection.execute(query)
            columns = [column[0] for column in result.description]
            return [dict(zip(columns, values, strict=True)) for values in result.fetchall()]

    @contextmanager
    def _read(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """On a DuckDB that is open already, as to open one takes longer than what tests ask; else as the pipeline does."""
        reader = _reader()
        if lake.is_used() or ENCRYPTION_KEY in os.environ or not _attached(reader, self.home.warehouse):
            with WarehouseResource.of(self.installation).connect(read_only=True) as connection:
                yield connection
            return
        try:
            yield reader
        finally:
            reader.execute("USE memory; DETACH warehouse")

    def reasons(self, month: str) -> dict[int, list[str]]:
        """Row number to reasons of the rejected rows of a month with one partner."""
        rejected = self.table("rejected_rows", "row_number", f"month = '{month}-01'")
        return {r["row_number"]: r["reasons"] for r in rejected}


@dataclass(frozen=True)
class _Asked:
    """What a step hears of Dagster, where there is none."""

    partition_key_range: dg.PartitionKeyRange
    has_partition_key: bool = True
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("nobody"))

    @property
    def instance(self) -> Any:
        return self

    def get_materialized_partitions(self, key: dg.AssetKey) -> set[str]:
        return set()

    def log_event(self, event: Any) -> None:
        """Nobody looks at it."""

    def add_asset_metadata(self, *of: Any, **told: Any) -> None:
        """Nobody looks at them."""


def _steps_to(assets: Sequence[str]) -> list[dg.AssetsDefinition]:
    """The steps that make the assets and what those are made of, in an order in which they can be done."""
    made_by = {
        key: step for step in (*OF_NO_MONTH, *STEPS) if isinstance(step, dg.AssetsDefinition) for key in step.keys
    }
    steps: list[dg.AssetsDefinition] = []

    def add(key: dg.AssetKey) -> None:
        step = made_by.get(key)
        if step and step not in steps:
            for spec in step.specs:
                for dep in spec.deps:
                    if dep.asset_key not in step.keys:
                        add(dep.asset_key)
            steps.append(step)

    for asset in assets:
        add(dg.AssetKey(asset))
    return steps


@cache
def _nobodys() -> dg.DagsterInstance:
    """For what wants one and asks it nothing."""
    return dagster_in_memory()


@cache
def _reader() -> duckdb.DuckDBPyConnection:
    reader = duckdb.connect()
    reader.execute(f"SET TimeZone = '{TIME_ZONE}'")
    return reader


def _attached(reader: duckdb.DuckDBPyConnection, warehouse: Path) -> bool:
    try:
        reader.execute(f"ATTACH {quoted(str(warehouse))} AS warehouse (READ_ONLY); USE warehouse")
    except duckdb.Error:
        return False  # not there, encrypted, or held open: for the pipeline to say
    return True


@cache
def _empty_warehouse() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        with WarehouseResource(home=folder).connect():
            pass
        return Home(Path(folder)).warehouse.read_bytes()


def _with_what_they_are_made_of(assets: str | Sequence[str], location: dg.Definitions) -> list[dg.AssetKey]:
    wanted = dg.AssetSelection.assets(*([assets] if isinstance(assets, str) else assets))
    # What a step makes besides comes along, as a step is run whole.
    whole = wanted.required_multi_asset_neighbors().upstream().required_multi_asset_neighbors()
    return list(whole.resolve(location.resolve_asset_graph()))


def days_before(day: str, days: int) -> str:
    """A date in the default notation, so many days before another one."""
    found = datetime.strptime(day, "%d-%m-%Y").replace(tzinfo=UTC).date() - timedelta(days=days)
    return f"{found:%d-%m-%Y}"


def month(text: str) -> date:
    """The first day of a month."""
    return parse_month(text)
