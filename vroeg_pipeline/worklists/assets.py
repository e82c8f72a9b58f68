"""What people do: prioritised worklists, what changed since the last issue, and the files that go out (DOMAIN §9)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date

import dagster as dg
import duckdb

from vroeg_pipeline.deliveries.worked_on import note_issued
from vroeg_pipeline.domain.agreements import ADDRESS_DESK, Agreement, town_of_list
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.notes import MADE, Issue, Made
from vroeg_pipeline.installation.statements import fetch_one, insert_rows, streamed_by_column, transaction
from vroeg_pipeline.monthly import Figures, Month, kept_by_hand, made, monthly
from vroeg_pipeline.quality.delivery_register import told_months
from vroeg_pipeline.worklists.known_clients import known_clients_told, strange_statuses
from vroeg_pipeline.worklists.routing import set_earlier_contacts, set_routing
from vroeg_pipeline.worklists.worklist_file import WorklistEntry, WorklistHeading, worklist_file_name, write_worklist

GROUP = "worklists"

AREAS = kept_by_hand("areas", "reference/areas.csv: which wijkteam serves which postcodes (DOMAIN §9). Kept by hand.")
KNOWN_CLIENTS = kept_by_hand(
    "known_clients",
    "Addresses that debt services or a wijkteam know already (DOMAIN §9): reference/known_clients.csv, or what "
    "known_clients in settings.yaml names (docs/adr/0018).",
    kinds=("csv", "postgres"),
)


@monthly(
    made(
        "prioritised_worklists",
        "Crisis first, then rent (with other arrears before rent alone), then the rest. Addresses reported before go "
        "to the budget coach, uncertain ones to the address desk, single ones without rent get a lighter track "
        "(DOMAIN §9).",
        # Of the outcomes those of earlier months.
        reads=[
            "address_matches",
            "recidivism_history",
            "validated_signals",
            "areas",
            "known_clients",
            "outcome_files",
        ],
        statements=["prioritised_worklists", "known_client_counts"],
        group=GROUP,
    )
)
def prioritised_worklists(of: Month) -> Mapping[str, Figures]:
    """Tier, list, rank, action and deadline of each address."""
    set_routing(of.connection, of.installation)
    filled = of.fill("prioritised_worklists", "known_client_counts")
    known = known_clients_told(of.connection)
    of.context.log.info(f"{of.month:%Y-%m}: known clients: {known}")
    if strange := strange_statuses(of.connection).wrong:
        of.warn(strange)
    return {
        "prioritised_worklists": {
            **filled["prioritised_worklists"],
            "per list": of.counts("prioritised_worklists", "worklist"),
            "per tier": of.counts("prioritised_worklists", "tier || ' ' || tier_name"),
            "made without": ", ".join(told_partners(missing_partners(of.connection, of.installation, of.month)))
            or "nobody: every partner delivered",
            "known clients": known,
            "the month": _funnel(of),
        }
    }


@monthly(
    made(
        "worklist_issues",
        "What was told to a team is never silently changed: a later run adds an issue with what was added or "
        "withdrawn, and none where nothing was (DOMAIN §9).",
        reads=["prioritised_worklists"],
        group=GROUP,
    )
)
def worklist_issues(of: Month) -> Mapping[str, Figures]:
    """What each team is told."""
    with transaction(of.connection):
        new = insert_rows(of.connection, "worklist_issues", of.installation.statement("worklist_issues"))
    issues = of.counts("worklist_issues", "worklist || ' issue ' || issue")
    return {"worklist_issues": {"new lines": new, "issues so far": issues}}


@monthly(
    made(
        "worklist_files",
        "Writes each issue that is not in the outbox yet as one XLSX in Dutch, but those of the address desk, whose "
        "list has all of it. Each file appears whole or not at all; "
        "a run that was stopped halfway is completed by the next (DOMAIN §9).",
        reads=[
            "worklist_issues",
            "prioritised_worklists",
            "address_matches",
            "validated_signals",
            "recidivism_history",
            "outcome_files",
        ],
        statements=["earlier_contacts", "worklist_entries"],
        group=GROUP,
        kinds=("xlsx",),
    )
)
def worklist_files(of: Month) -> Mapping[str, Figures]:
    """One XLSX per team, month and issue in the outbox."""
    names = write_issues(of)
    MADE.write(of.home, of.month, _made(of))
    note_issued(of.home, of.month)
    return {"worklist_files": {"new files": len(names), "files": ", ".join(names) or "none: nothing changed"}}


def write_issues(of: Month) -> list[str]:
    """Writes every issue of the month that is not in the outbox yet; gives the names of the new files.

    What the address desk is told stands on its own list (`address_desk.desk_file`), as it is then.
    """
    connection, month = of.connection, of.month
    unwritten = connection.execute(
        """
        SELECT worklist, issue, max(issued_at), count(*) FILTER (WHERE change = 'withdrawn')
        FROM worklist_issues ANTI JOIN worklist_files USING (month, worklist, issue)
        WHERE month = getvariable('month') AND regexp_replace(worklist, '^[0-9]{4}_', '') <> ? GROUP BY ALL ORDER BY ALL
        """,
        [ADDRESS_DESK],
    ).fetchall()
    if unwritten:
        set_earlier_contacts(connection, of.installation)
        missing = missing_partners(connection, of.installation, month)
    written = []
    for worklist, issue, issued_at, withdrawn in unwritten:
        name = worklist_file_name(month, worklist, issue)
        heading = WorklistHeading(month, worklist, issue, issued_at, told_partners(missing, worklist), withdrawn)
        lines = write_worklist(
            of.outbox / name, heading, Entries(connection, of.installation, worklist, issue), of.home.scratch
        )
        with transaction(connection):
            connection.execute(
                "INSERT INTO worklist_files VALUES (getvariable('month'), ?, ?, ?, ?, ?)",
                [worklist, issue, name, lines, of.installation.now()],
            )
        written.append(name)
    return written


@dataclass(frozen=True)
class Entries:
    """The lines of an issue of the month, or of the list as it stands (`issue` None), each time they are gone through;
    `earlier_contacts` must have been made.
    """

    connection: duckdb.DuckDBPyConnection
    installation: Installation
    worklist: str
    issue: int | None

    def __iter__(self) -> Iterator[WorklistEntry]:
        self.connection.execute("SET VARIABLE worklist = ?", [self.worklist])
        self.connection.execute("SET VARIABLE issue = ?::INTEGER", [self.issue])
        texts = {field.name for field in fields(WorklistEntry) if field.type == "str"}
        for row in streamed_by_column(self.connection, self.installation.statement("worklist_entries")):
            yield WorklistEntry(**row | {name: "" for name in texts if row[name] is None})


def missing_partners(connection: duckdb.DuckDBPyConnection, installation: Installation, month: date) -> list[Agreement]:
    """The partners that owed a delivery for the month and sent nothing usable."""
    return [of.agreement for of in told_months(connection, installation, month) if of.is_open]


def told_partners(partners: Iterable[Agreement], worklist: str = "") -> list[str]:
    """Their names; where the list is of one municipality, those of them that deliver for it."""
    town = town_of_list(worklist)
    return [partner.name for partner in partners if town is None or town in partner.municipalities]


def _made(of: Month) -> Made:
    """The figures of the month and the last issue of each worklist, as alerts tell them."""
    signals, addresses, recidivists = fetch_one(
        of.connection,
        """
        SELECT
            (SELECT count(*) FROM validated_signals WHERE month = getvariable('month') AND held_reason IS NULL),
            (SELECT count(*) FROM address_matches WHERE month = getvariable('month')),
            (SELECT count(*) FROM recidivism_history WHERE month = getvariable('month') AND is_recidivist)
        """,
    )
    issues = of.connection.execute(
        """
        SELECT
            worklist, issue, count(*) FILTER (WHERE change = 'added'), count(*) FILTER (WHERE change = 'withdrawn'),
            count(*) FILTER (WHERE change = 'added' AND tier_name = 'crisis')
        FROM worklist_issues LEFT JOIN prioritised_worklists USING (month, worklist, address_key)
        WHERE month = getvariable('month')
        GROUP BY worklist, issue
        QUALIFY issue = max(issue) OVER (PARTITION BY worklist)
        ORDER BY worklist
        """
    ).fetchall()
    missing = tuple(told_partners(missing_partners(of.connection, of.installation, of.month)))
    return Made(signals, addresses, recidivists, missing, tuple(Issue(*issue) for issue in issues))


def _funnel(of: Month) -> dg.TableMetadataValue:
    """How many rows, signals and addresses are left after each step of the month."""
    steps = of.connection.execute(
        """
        SELECT unnest([
            {step: 'rows delivered', number: (SELECT sum(row_count) FROM delivery_files
                WHERE month = getvariable('month') AND status = 'accepted')},
            {step: 'signals validated', number: (SELECT count(*) FROM validated_signals
                WHERE month = getvariable('month'))},
            {step: 'signals not held back', number: (SELECT count(*) FROM validated_signals
                WHERE month = getvariable('month') AND held_reason IS NULL)},
            {step: 'signals not a repeat', number: (SELECT count(*) FROM validated_signals
                WHERE month = getvariable('month') AND held_reason IS NULL)
                - (SELECT count(*) FROM repeat_signals WHERE month = getvariable('month'))},
            {step: 'addresses reported', number: (SELECT count(*) FROM address_matches
                WHERE month = getvariable('month'))},
            {step: 'addresses on a worklist', number: (SELECT count(*) FROM prioritised_worklists
                WHERE month = getvariable('month'))},
            {step: 'home visits', number: (SELECT count(*) FROM prioritised_worklists
                WHERE month = getvariable('month') AND action = 'home_visit')}
        ], recursive := true)
        """
    ).fetchall()
    records = [dg.TableRecord({"step": step, "number": int(number or 0)}) for step, number in steps]
    return dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn("step"), dg.TableColumn("number", "int")]))
