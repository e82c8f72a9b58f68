"""The evaluation of one or more months: its tables made, and read back as the counts and shares that a report shows.

How the report looks stands in `evaluation.page`; which small numbers it must not show in `evaluation.small_cells`. Signals
and reports (meldingen) are different things, so every share names what it is a share of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from statistics import median
from typing import Any

import duckdb

from vroeg_pipeline.domain.agreements import ADDRESS_DESK
from vroeg_pipeline.domain.ddas import EnumContactsoort, EnumEindresultaat, EnumSignaalpartner, EnumSignaalstatus
from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.domain.partners import Partners
from vroeg_pipeline.domain.settings import EvaluationSettings
from vroeg_pipeline.domain.tiers import CRISIS, FIRST_CONTACT_DAYS, RENT, RENT_ENRICHED
from vroeg_pipeline.evaluation.small_cells import SMALLEST_SHOWN, Counts
from vroeg_pipeline.feedback.one_municipality import seen_by
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.statements import fetch_one, insert_rows, rows_of, sql, temporary_step, temporary_table
from vroeg_pipeline.quality.delivery_register import told_months
from vroeg_pipeline.worklists.known_clients import known_clients_are_told

TABLES = ("evaluation_deliveries", "evaluation_signals", "evaluation_reports", "evaluation_contacts")

Key = tuple[str, ...]
Row = dict[str, Any]
Test = Callable[[Row], bool]

# What is counted of reports. The first four are shown for every split.
MEASURES: dict[str, Test] = {
    "reports": lambda row: True,
    "attempted": lambda row: row["attempted"],
    "reached": lambda row: row["reached"],
    "help": lambda row: row["help_accepted"],
    "single": lambda row: row["match_kind"] == "single",
    "multiple": lambda row: row["match_kind"] == "multiple",
    "new": lambda row: row["recidivism_kind"] == "new",
    "recidivist": lambda row: row["recidivism_kind"] != "new",
    "consecutive": lambda row: row["recidivism_kind"] == "consecutive",
    "returning": lambda row: row["recidivism_kind"] == "returning",
    # The national measure of opeenvolgend.
    "in_six_months": lambda row: row["in_six_months"] is True,
    "checked": lambda row: row["known"] is not None,
    "unknown": lambda row: row["known"] == "unknown",
    "in_time": lambda row: row["in_time"] is True,
    "late": lambda row: row["in_time"] is False and row["attempted"],
    "overdue": lambda row: row["in_time"] is False and not row["attempted"],
    "open": lambda row: row["in_time"] is None,
}
OUTCOMES = ("reports", "attempted", "reached", "help")
MONTHLY = ("reports", "single", "multiple", "new", "recidivist", "consecutive", "returning", "checked", "unknown")
TIMELY = ("in_time", "late", "overdue", "open")
# What only teams are counted by: the address desk is none, and what lies there waits for a door.
TEAMS = "teams"
# Days from delivery to first contact: name, and the last day that belongs to it.
DAYS: dict[str, float] = {
    "0–7": 7,
    "8–14": 14,
    "15–21": 21,
    f"22–{FIRST_CONTACT_DAYS}": FIRST_CONTACT_DAYS,
    f"meer dan {FIRST_CONTACT_DAYS}": float("inf"),
}
ALL = "all"


@dataclass(frozen=True)
class Evaluation:
    """What a report shows. `counts` by key: (table, row, column); `hidden`: those that may not be shown; `unprinted`: those
    that are in no table, and may not be shown either; `silent`: the (table, row) of which nothing was told,
    so that their zeros mean nothing. `municipality`: the only one that it is of, where they are separate.
    """

    months: tuple[date, ...]
    made_at: datetime
    settings: EvaluationSettings
    counts: dict[Key, int]
    hidden: frozenset[Key]
    unprinted: frozenset[Key]
    partner_names: dict[str, str]
    states: dict[tuple[str, date], str]
    worklists: tuple[str, ...]
    tiers: tuple[str, ...]
    missing_months: tuple[date, ...] = ()
    median_days: float | None = None
    known_is_told: bool = True
    silent: frozenset[Key] = frozenset()
    municipality: str | None = None

    def shown(self, *key: str) -> int | None:
        """The count; None where it is hidden."""
        return None if key in self.hidden else self.counts.get(key, 0)

    @property
    def has_outcomes(self) -> bool:
        """Whether anything came back of these months at all."""
        return any(self.counts[key] for key in ((ALL, "attempted"), ("contact", ALL, "attempts"))) or (
            self.counts["result", ""] < self.counts[ALL, "reports"]
        )

    def share(self, part: Key, whole: Key) -> float | None:
        """What part of the whole it is; None where either is hidden, or there is no whole."""
        number, of = self.shown(*part), self.shown(*whole)
        return None if number is None or not of else number / of


def _is(column: str, *values: object) -> Test:
    return lambda row: row[column] in values


def set_evaluation(connection: duckdb.DuckDBPyConnection, installation: Installation, month: date) -> None:
    """Makes what the statements of the evaluation need besides the month."""
    installation.define_macros(connection)
    now = installation.now()
    states = [(of.agreement.partner, of.state(now).value) for of in told_months(connection, installation, month)]
    temporary_table(connection, "delivery_states", "partner VARCHAR, state VARCHAR", states)
    told = known_clients_are_told(installation.home, installation.settings)
    connection.execute("SET VARIABLE has_known_clients = ?", [told])
    connection.execute("SET VARIABLE first_contact_days = ?", [FIRST_CONTACT_DAYS])
    temporary_step(connection, "reports")


def evaluate_aside(connection: duckdb.DuckDBPyConnection, installation: Installation, months: Sequence[date]) -> None:
    """Makes the tables of the evaluation anew for the months, as temporary ones that hide those of the warehouse."""
    for number, month in enumerate(months):
        installation.set_month(connection, month)
        set_evaluation(connection, installation, month)
        for table in TABLES:
            if number:
                insert_rows(connection, f"temp.{table}", sql(table))
            else:
                temporary_step(connection, table)


def evaluation_apart(
    connection: duckdb.DuckDBPyConnection, installation: Installation, months: Sequence[date], municipality: str | None
) -> Evaluation:
    """The evaluation of one municipality alone, or of all (None): the tables are made anew for it, aside."""
    if municipality is None:
        evaluate_aside(connection, installation, months)
        return read_evaluation(connection, installation, months)
    installation.set_month(connection, months[0])
    with seen_by(connection, installation, municipality) as own:
        evaluate_aside(connection, own, months)
        found = read_evaluation(connection, own, months)
    # Those of the warehouse are not hidden any more, and the agreements are those of all again.
    for table in TABLES:
        connection.execute(f"DROP TABLE temp.{table}")
    installation.set_month(connection, months[-1])
    # How many live in the area is set of all of it.
    of_all = found.settings.model_copy(update={"inhabitants": None})
    return replace(found, settings=of_all, municipality=municipality)


def read_evaluation(
    connection: duckdb.DuckDBPyConnection, installation: Installation, months: Sequence[date]
) -> Evaluation:
    """The months (oldest first) together, from the tables of the evaluation."""
    tables = {table: _rows(connection, table, months) for table in TABLES}
    reports = [row for row in tables["evaluation_reports"] if row["kind"] == "report"]
    counts: Counts[Key] = Counts()
    worklists = tuple(sorted({row["worklist"] for row in reports}))
    tiers = tuple(name for _, name in sorted({(row["tier"], row["tier_name"]) for row in reports}))
    silent = _count_reports(counts, reports, months, worklists, tiers)
    _count_results(counts, reports)
    silent |= _count_contacts(counts, tables["evaluation_contacts"])
    partners = _count_signals(counts, tables["evaluation_signals"], tables["evaluation_deliveries"], months)
    (addresses,) = fetch_one(
        connection,
        "SELECT count(DISTINCT address_key) FROM prioritised_worklists WHERE month IN (SELECT unnest($months::DATE[]))",
        {"months": list(months)},
    )
    counts.put((ALL, "addresses"), addresses)
    kinds = {
        kind: [row for row in tables["evaluation_reports"] if row["kind"] == kind] for kind in ("only_repeats", "gone")
    }
    for kind, rows in kinds.items():
        counts.put((ALL, kind), _sum(rows))
    days = [row["first_contact_days"] for row in reports if row["attempted"] for _ in range(row["reports"])]
    seen = {row["month"] for table in TABLES for row in tables[table]}
    return Evaluation(
        months=tuple(months),
        made_at=installation.now(),
        settings=installation.settings.evaluation,
        counts=counts.values,
        hidden=counts.hidden(),
        unprinted=frozenset(counts.unprinted),
        partner_names={partner: _name(installation.partners, partner) for partner in partners},
        states={(row["partner"], row["month"]): row["state"] for row in tables["evaluation_deliveries"]},
        worklists=worklists,
        tiers=tiers,
        missing_months=tuple(month for month in months if month not in seen),
        median_days=median(days) if len(days) >= 2 * SMALLEST_SHOWN else None,
        known_is_told=any(row["known"] for row in reports),
        silent=frozenset(silent),
    )


def _name(partners: Partners, partner: str) -> str:
    if partner in partners.agreements:
        return partners.agreements[partner].name
    sender = partners.senders.get(partner)
    return f"{sender.name} (onbekende partners)" if sender else "(zonder afspraak)"


def _rows(connection: duckdb.DuckDBPyConnection, table: str, months: Sequence[date]) -> list[Row]:
    query = f"SELECT * FROM {table} WHERE month IN (SELECT unnest(?::DATE[])) ORDER BY ALL"
    return rows_of(connection, query, [list(months)])


def _sum(rows: Sequence[Row], of: str = "reports", where: Test = lambda row: True) -> int:
    return sum(row[of] or 0 for row in rows if where(row))


def _split(
    counts: Counts[Key],
    rows: Sequence[Row],
    name: str,
    groups: dict[str, Test],
    measures: Sequence[str],
    together: str = ALL,
) -> None:
    """The measures of each group; `together` has those of all rows."""
    for group, belongs in groups.items():
        own = [row for row in rows if belongs(row)]
        for measure in measures:
            counts.put((name, group, measure), _sum(own, where=MEASURES[measure]))
    for measure in measures:
        counts.add_up((together, measure), [(name, group, measure) for group in groups])


def _count_reports(
    counts: Counts[Key], rows: Sequence[Row], months: Sequence[date], worklists: Sequence[str], tiers: Sequence[str]
) -> set[Key]:
    """Gives the groups of which nothing came back."""
    for measure, test in MEASURES.items():
        if measure not in TIMELY:
            counts.put((ALL, measure), _sum(rows, where=test))
    splits: dict[str, dict[str, Test]] = {
        "rent": {"yes": _is("has_rent", True), "no": _is("has_rent", False)},
        "worklist": {name: _is("worklist", name) for name in worklists},
        "tier": {name: _is("tier_name", name) for name in tiers},
    }
    for name, groups in splits.items():
        _split(counts, rows, name, groups, OUTCOMES)
    teams = [name for name in worklists if name != ADDRESS_DESK]
    of_teams = [row for row in rows if row["worklist"] in teams]
    for measure in ("reports", "attempted"):
        whole = counts.put((TEAMS, measure), _sum(of_teams, where=MEASURES[measure]), printed=False)
        counts.add_up(whole, [("worklist", name, measure) for name in teams])
    for measure in TIMELY:
        counts.put((TEAMS, measure), _sum(of_teams, where=MEASURES[measure]))
    _split(counts, of_teams, "worklist", {name: splits["worklist"][name] for name in teams}, TIMELY, TEAMS)
    by_month = {month_text(month): _is("month", month) for month in months}
    _split(counts, rows, "month", by_month, MONTHLY)
    days = dict.fromkeys(DAYS, 0)
    for row in rows:
        if row["attempted"]:
            days[next(name for name, last in DAYS.items() if row["first_contact_days"] <= last)] += row["reports"]
    counts.add_up((ALL, "attempted"), [counts.put(("days", name), number) for name, number in days.items()])

    def of(group: Key, *names: str) -> list[Key]:
        return [(*group, name) for name in names]

    lines: list[Key] = [(ALL,), *((name, group) for name, groups in splits.items() for group in groups)]
    for line in lines:
        counts.rest((*line, "reports"), of(line, "attempted"), (*line, "not attempted"))
        counts.rest((*line, "attempted"), of(line, "reached"), (*line, "not reached"))
        counts.rest((*line, "reports"), of(line, "help"), (*line, "no help"))
    for line in [(TEAMS,), *(("worklist", name) for name in teams)]:
        counts.add_up((*line, "reports"), of(line, *TIMELY))
        counts.add_up((*line, "attempted"), of(line, "in_time", "late"))
    by_months: list[Key] = [(ALL,), *(("month", month_text(month)) for month in months)]
    for line in by_months:
        counts.add_up((*line, "reports"), of(line, "single", "multiple"))
        counts.add_up((*line, "reports"), of(line, "new", "recidivist"))
        counts.add_up((*line, "recidivist"), of(line, "consecutive", "returning"))
        counts.rest((*line, "reports"), of(line, "checked"), (*line, "not checked"))
        counts.rest((*line, "checked"), of(line, "unknown"), (*line, "known"))
    if light := _sum(rows, where=_is("on_light_track", True)):
        counts.put((ALL, "light"), light)
        counts.rest((ALL, "single"), [(ALL, "light")], (ALL, "single and not light"))
    counts.rest((ALL, "recidivist"), [(ALL, "in_six_months")], (ALL, "not in six months"))
    counts.rest((ALL, "in_six_months"), [(ALL, "consecutive")], (ALL, "not last month"))
    # The tiers say who has rent, but for crisis: the split by rent can be computed from them in part.
    crisis = [row for row in rows if row["tier"] == CRISIS.number]
    for measure in OUTCOMES if crisis else ():
        parts = []
        for rent, test in splits["rent"].items():
            number = _sum([row for row in crisis if test(row)], where=MEASURES[measure])
            parts.append(counts.put(("crisis", rent, measure), number, printed=False))
        counts.add_up(("tier", CRISIS.name, measure), parts)
    by_rent = [tier.name for tier in (RENT_ENRICHED, RENT) if tier.name in tiers]
    if all(row["has_rent"] == (row["tier_name"] in by_rent) for row in rows if row["tier"] != CRISIS.number):
        for measure in OUTCOMES:
            own = [("tier", name, measure) for name in by_rent] + ([("crisis", "yes", measure)] if crisis else [])
            counts.add_up(("rent", "yes", measure), own)
    told = [row for row in rows if row["attempted"] or row["end_result"]]
    silent = {
        (name, group) for name, groups in splits.items() for group, test in groups.items() if not any(map(test, told))
    }
    return silent | ({(ALL,)} if not told else set())


def _count_results(counts: Counts[Key], rows: Sequence[Row]) -> None:
    results = [result for result in EnumEindresultaat if any(row["end_result"] == result for row in rows)]
    keys = [counts.put(("result", name), _sum(rows, where=_is("end_result", name))) for name in results]
    none = counts.put(("result", ""), _sum(rows, where=_is("end_result", None)))
    counts.add_up((ALL, "reports"), [*keys, none])
    helped = {row["end_result"] for row in rows if row["help_accepted"]}
    counts.add_up((ALL, "help"), [key for key in keys if key[1] in helped])


def _count_contacts(counts: Counts[Key], rows: Sequence[Row]) -> set[Key]:
    """Gives the kinds of which nobody told whether somebody was reached, as of letters."""
    kinds = [kind for kind in EnumContactsoort if any(row["contact_kind"] == kind for row in rows)]
    for kind in (ALL, *kinds):
        own = [row for row in rows if kind in (ALL, row["contact_kind"])]
        attempts = counts.put(("contact", kind, "attempts"), _sum(own, "attempts"))
        reached = counts.put(("contact", kind, "reached"), _sum(own, "attempts", _is("reached", True)))
        counts.rest(attempts, [reached], ("contact", kind, "not reached"))
    for column in ("attempts", "reached"):
        counts.add_up(("contact", ALL, column), [("contact", kind, column) for kind in kinds])
    told = {kind for row in rows if row["reached"] is not None for kind in (ALL, row["contact_kind"])}
    return {("contact", kind) for kind in (ALL, *kinds) if kind not in told}


def _count_signals(
    counts: Counts[Key], signals: Sequence[Row], deliveries: Sequence[Row], months: Sequence[date]
) -> list[str]:
    """Signals and delivered rows by partner and month; gives the partners."""
    partners = sorted({row["partner"] for row in (*signals, *deliveries)})
    texts = [month_text(month) for month in months]
    by: dict[Key, int] = {}
    types: dict[str, str] = {}
    for row in signals:
        text = month_text(row["month"])
        types[row["partner"]] = row["partner_type"]
        told: list[Key] = [("status", row["ddas_status"]), *([(ALL, "in_report")] if row["in_report"] else [])]
        totals: list[Key] = [("signals", p, m) for p in (row["partner"], ALL) for m in (text, ALL)]
        for key in (*told, *totals, ("type", row["partner_type"], text)):
            by[key] = by.get(key, 0) + row["signals"]
    for partner in (*partners, ALL):
        for text in (*texts, ALL):
            counts.put(("signals", partner, text), by.get(("signals", partner, text), 0))
        counts.add_up(("signals", partner, ALL), [("signals", partner, text) for text in texts])
    for text in (*texts, ALL):
        counts.add_up(("signals", ALL, text), [("signals", partner, text) for partner in partners])
    for kind in EnumSignaalpartner:
        own = [partner for partner in partners if types.get(partner) == kind]
        for text in texts if own else ():
            key = counts.put(("type", kind, text), by.get(("type", kind, text), 0))
            counts.add_up(key, [("signals", partner, text) for partner in own])
    of_status: list[Key] = [
        counts.put(("status", s), by[("status", s)]) for s in EnumSignaalstatus if ("status", s) in by
    ]
    counts.add_up(("signals", ALL, ALL), of_status)
    counts.put((ALL, "in_report"), by.get((ALL, "in_report"), 0))
    counts.rest(("signals", ALL, ALL), [(ALL, "in_report")], (ALL, "in no report"))
    columns = {"rows": "row_count", "rejected": "rejected_count", "outdated": "outdated_count"}
    for partner in partners:
        own = [row for row in deliveries if row["partner"] == partner]
        own = [row for row in own if row["row_count"] is not None]
        for row in own:
            counts.put(("rows", partner, month_text(row["month"])), row["row_count"])
        for name, column in columns.items():
            counts.put(("delivered", partner, name), _sum(own, column))
        delivered: list[Key] = [("rows", partner, month_text(row["month"])) for row in own]
        counts.add_up(("delivered", partner, "rows"), delivered)
        counts.rest(
            ("delivered", partner, "rejected"), [("delivered", partner, "outdated")], ("delivered", partner, "other")
        )
        accepted: Key = ("delivered", partner, "accepted")
        counts.rest(("delivered", partner, "rows"), [("delivered", partner, "rejected")], accepted)
        if 0 <= counts.values[accepted] <= counts.values["signals", partner, ALL]:
            # Of the rejected rows some are signals too, with a status of their own.
            counts.rest(("signals", partner, ALL), [accepted], ("delivered", partner, "rejected signals"))
    return partners
