"""The address desk: what somebody must look at goes out as a list, what they decide comes back (DOMAIN §6)."""

from collections.abc import Mapping, Sequence

from vroeg_pipeline.address_desk.decisions import overrides_in_force, read_decisions
from vroeg_pipeline.address_desk.desk_file import DeskLine, RefusedLine, desk_file_name, write_desk_file
from vroeg_pipeline.addresses.lookup import define_address_macros
from vroeg_pipeline.domain.agreements import ADDRESS_DESK
from vroeg_pipeline.installation.statements import rows_of
from vroeg_pipeline.monthly import Figures, Month, Step, counted, made, monthly, standing
from vroeg_pipeline.worklists.assets import Entries
from vroeg_pipeline.worklists.routing import set_earlier_contacts
from vroeg_pipeline.worklists.worklist_file import WorklistEntry

GROUP = "addresses"


@standing(
    made(
        "address_overrides",
        "Reads what lies in inbox/adresdesk/‹YYYY-MM›/ and was not read before. The latest decision on each address as "
        "written, with its surname, holds in every later run, whatever a new register says (DOMAIN §6); where the register "
        "says otherwise, the desk is told.",
        table="reference.address_decisions",
        reads=["address_register"],
        statements=[],
        group="reference",
        kinds=("duckdb", "xlsx"),
    )
)
def address_overrides(of: Step) -> Figures:
    """Decisions of the address desk."""
    define_address_macros(of.connection, of.installation, today=True)
    read = read_decisions(of.connection, of.installation)
    in_force = overrides_in_force(of.connection)
    if read.refused or read.skipped:
        of.context.log.warning(
            f"Address desk: {read.refused} rows or files could not be used, and come back on the next list with the "
            f"reason; left alone: {counted(read.skipped)}"
        )
    return {
        "decisions in force": in_force,
        "new files": read.files,
        "new decisions": counted(read.kinds),
        "rows or files refused": read.refused,
        "left alone": counted(read.skipped),
    }


@monthly(
    made(
        "address_desk",
        "Also what only looks wrong: the same customer at another number than last month, or one person at two "
        "numbers side by side. Such addresses are pointed out, never merged (DOMAIN §6).",
        reads=[
            "validated_signals",
            "address_matches",
            "address_overrides",
            "address_register",
            "prioritised_worklists",
            "worklist_issues",
            "recidivism_history",
            "outcome_files",
        ],
        statements=[
            "moved_addresses",
            "address_desk",
            "desk_lines",
            "refused_lines",
            "earlier_contacts",
            "worklist_entries",
        ],
        group=GROUP,
        kinds=("duckdb", "xlsx"),
    )
)
def address_desk(of: Month) -> Mapping[str, Figures]:
    """The list of the month."""
    define_address_macros(of.connection, of.installation)
    of.step("moved_addresses")
    filled = of.fill("address_desk")
    municipalities, unassigned_count, written = of.installation.municipalities, 0, []
    of.connection.execute("SET VARIABLE first_municipality = ?", [municipalities[0]])
    for municipality in municipalities:
        of.connection.execute("SET VARIABLE desk_municipality = ?", [municipality])
        lines = [DeskLine(**row) for row in rows_of(of.connection, of.installation.statement("desk_lines"))]
        refused = [RefusedLine(**row) for row in rows_of(of.connection, of.installation.statement("refused_lines"))]
        unassigned = _unassigned(of, municipality)
        path = of.outbox / desk_file_name(of.month, municipality)
        if lines or refused or unassigned or path.exists():
            write_desk_file(path, of.month, lines, refused, unassigned, of.home.scratch)
            written.append(path.name)
        unassigned_count += len(unassigned)
    # Of all municipalities together, or of one alone, from before the setting was changed.
    for path in of.outbox.glob(f"adresdesk_{of.month:%Y-%m}*.xlsx"):
        if path.name not in {desk_file_name(of.month, municipality) for municipality in municipalities}:
            path.unlink()
    return {
        "address_desk": {
            **filled["address_desk"],
            "why": of.counts("address_desk", "reason"),
            "decided before": of.counts("address_desk", "earlier_decision"),
            "in no area of a wijkteam": unassigned_count,
            "file": ", ".join(written) or "none: nothing to ask",
        }
    }


def _unassigned(of: Month, municipality: str | None) -> Sequence[WorklistEntry]:
    """The addresses on the desk's worklist that are certain: they lie in no area of a wijkteam."""
    worklist = "_".join(filter(None, (municipality, ADDRESS_DESK)))
    certain = of.connection.execute(
        """
        SELECT case_id_of(entry.month, entry.address_key)
        FROM prioritised_worklists AS entry INNER JOIN address_matches AS match USING (month, address_key)
        WHERE entry.month = getvariable('month') AND entry.worklist = ? AND NOT match.needs_review
        """,
        [worklist],
    ).fetchall()
    if not certain:
        return []
    case_ids = {case_id for (case_id,) in certain}
    set_earlier_contacts(of.connection, of.installation)
    entries = Entries(of.connection, of.installation, worklist, None)
    return [entry for entry in entries if entry.change == "added" and entry.case_id in case_ids]
