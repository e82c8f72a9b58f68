"""`vroeg`, the command line: every command with its arguments and its help; what it does stands in a module of its own.

Reads arguments, calls what does the work, prints what came out. Errors that the reader can mend are one line on
standard error and exit status 1.
"""

from __future__ import annotations

import errno
import gc
import os
import sys
from collections.abc import Callable
from contextlib import nullcontext, suppress
from datetime import date
from functools import wraps
from importlib import metadata
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from vroeg_pipeline.cli.heartbeat import Heartbeat
from vroeg_pipeline.deliveries.inbox import months_in
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import add_months, month_of, month_text, months_between, parse_month, whole_months
from vroeg_pipeline.installation.garbage import seldom_collected
from vroeg_pipeline.installation.home import Home, check_restored, is_of_many
from vroeg_pipeline.installation.imports import kept_out

if TYPE_CHECKING:
    from vroeg_pipeline.installation.cooperation import Cooperation

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Vroeg Eropaf: from partner deliveries to prioritised worklists.\n\n"
    "Everything of one installation lies in one folder, `VROEG_HOME` (default: `data/` in the checkout).",
)
out = Console(highlight=False)
# As shells have it of SIGINT.
_STOPPED = 130
# These log each question, or show and serve nothing of a person.
_LOGGED_BY_ITSELF = frozenset(
    {
        "sql", "serve_ddas", "dev", "service", "prepare", "health", "doctor", "checks", "pages", "status", "show_alerts",
        "verify_log", "send_log", "add_town", "remove_town", "list_towns", "health_of_towns", "divide_files", "_enter",
    }
)  # fmt: skip
# These would make one, or tell of it what is not so, where VROEG_HOME is mistyped.
_OF_AN_INSTALLATION = frozenset({"show_alerts", "pages", "dpia", "list_requests", "verify_log"})
# Of commands that are called otherwise than their function.
_WORDS = {
    "resolve_file_of_addresses": "addresses resolve", "explain_address": "addresses explain",
    "try_agreement": "agreement try", "new_agreement": "agreement new", "list_files_of_partners": "deliveries list",
    "decide_on_file": "deliveries decide", "acknowledge_alert": "alerts ack", "mute_alerts": "alerts mute",
    "unmute_alerts": "alerts unmute", "show_log": "log show", "back_up": "backup", "find_subject": "subject find",
    "export_subject": "subject export", "restrict_subject": "subject restrict", "object_subject": "subject object",
    "erase_subject": "subject erase", "lift_request": "subject lift", "list_requests": "subject list",
}  # fmt: skip
_WHOSE_FOLDER = "check VROEG_HOME, and that you may write there"
problems = Console(stderr=True, highlight=False, soft_wrap=True)


def one_line_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Shows what the reader can mend as one line, without a traceback."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            if command.__name__ not in ("restore", "_enter") and not is_of_many():
                home = Home.from_environment()
                check_restored(home)
                if command.__name__ in _OF_AN_INSTALLATION and not home.agreements.is_dir():
                    raise VroegError("there is no installation", where=home.root, do="check VROEG_HOME")
            if command.__name__ in _LOGGED_BY_ITSELF:
                command(*args, **kwargs)
            else:
                _logged(command, *args, **kwargs)
        except VroegError as error:
            _told(error)
        except (KeyboardInterrupt, RuntimeError) as error:
            # DuckDB makes an error of Ctrl-C that comes while it is at a statement, as any import of ours can be.
            stopped = error if isinstance(error, KeyboardInterrupt) else error.__cause__
            if not isinstance(stopped, KeyboardInterrupt):
                raise
            problems.print("; ".join(["Stopped", *stopped.args]))
            raise typer.Exit(_STOPPED) from None
        except OSError as error:
            # A folder that is no folder, is read-only, or belongs to somebody else. Without a file it is a mistake of ours,
            # unless what takes our lines has no room for them.
            if error.filename is None:
                if error.errno != errno.ENOSPC:
                    raise
                _told(VroegError("there is no room left where this is written", do="make room, and give it again"))
            _told(VroegError(error.strerror or "cannot be used", where=error.filename, do=_WHOSE_FOLDER))

    return wrapped


def _logged(command: Callable[..., None], *args: Any, **kwargs: Any) -> None:
    """Does it, and adds a line on that to the log of an installation that is there (DOMAIN §14); where no line can be added
    it is not done.
    """
    from vroeg_pipeline.installation.installation import current_moment
    from vroeg_pipeline.installation.log import COMMAND_LINE, Done, account, check_can_log, log_done, one_trace

    home, started, result = Home.from_environment(), current_moment(), "done"
    # Only which options were given: a value can name somebody.
    given = ", ".join(sorted(name for name, value in kwargs.items() if value not in (None, False)))
    if home.agreements.is_dir():
        check_can_log(home)
    with one_trace():
        try:
            command(*args, **kwargs)
        except BaseException as error:
            # As with `| head`: Rich is quiet from then on, and ends the process.
            is_unread = out.quiet or isinstance(error, BrokenPipeError)
            result = "stopped, as who read it went away" if is_unread else f"failed: {type(error).__name__}"
            raise
        finally:
            if home.agreements.is_dir():
                name = _WORDS.get(command.__name__, command.__name__)
                # What failed is told as it failed, also where the log cannot be written either.
                with suppress(OSError) if result != "done" else nullcontext():
                    log_done(
                        home, current_moment(), Done(f"vroeg {name}", given, result, COMMAND_LINE, account(), started)
                    )


def _told(error: VroegError) -> NoReturn:
    problems.print(f"[red]Error:[/red] {escape(str(error))}")
    raise typer.Exit(1) from None


def _version(asked: bool) -> None:
    if asked:
        out.print(f"vroeg {metadata.version('vroeg-pipeline')}")
        raise typer.Exit


@app.callback()
def installation(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
    town: Annotated[
        str | None, typer.Option(help="One of many: that of VROEG_TOWNS with this name.", show_default=False)
    ] = None,
) -> None:
    """What holds for all commands."""
    for stream in (sys.stdout, sys.stderr):
        # Others have no tick and no bullet.
        if isinstance(stream, TextIOWrapper) and stream.encoding.lower() != "utf-8":
            stream.reconfigure(errors="replace")
    _enter(town)


@one_line_errors
def _enter(town: str | None) -> None:
    # Imports the warehouse, which a command of an installation by itself may not need.
    if town or (os.environ.get("VROEG_HOME") and Home.from_environment().town):
        from vroeg_pipeline.installation.cooperation import Cooperation, enter

        enter(Cooperation.from_environment().home_of_served(town) if town else Home.from_environment())


@app.command()
@one_line_errors
def run(
    month: Annotated[str | None, typer.Option(help="One month, YYYY-MM.", show_default=False)] = None,
    first: Annotated[str | None, typer.Option("--from", help="First month of a range.", show_default=False)] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last month of a range.", show_default=False)] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every month that the inbox has.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show Dagster's own log too.")] = False,
) -> None:
    """Run a month, or a range of months oldest first: all assets and checks, from inbox to outbox.

    Runs in this process, on the installation's Dagster instance, so that the run is in the UI (`make dev`). Running
    a month again is safe: the tables come out the same, and teams get a new issue only where something changed.

        vroeg run --month 2021-03

        vroeg run --from 2020-10 --to 2021-03
    """
    home = Home.from_environment()
    months = _asked_months(home, month, first, last, everything)
    if not home.load_partners().agreements:
        raise VroegError(
            "there are no agreements", where=home.agreements, do=f"add one, or make a world: {home.command} sample"
        )
    with kept_out("pandas"), seldom_collected():
        with Heartbeat(out, "loading Dagster"):
            # Takes seconds to import; --help and a mistyped month should not.
            from vroeg_pipeline.cli.run import run_months

        run_months(home, months, out, verbose=verbose)
    # The process ends here; Python would look through everything once more before it goes.
    gc.freeze()


def _asked_months(home: Home, month: str | None, first: str | None, last: str | None, everything: bool) -> list[date]:
    if [bool(month), bool(first or last), everything].count(True) != 1 or bool(first) != bool(last):
        raise VroegError("which month?", do="give --month 2021-03, or --from 2020-10 --to 2021-03, or --all")
    if everything:
        found = months_in(home.inbox)
        if not found:
            raise VroegError(
                "the inbox has no months", where=home.inbox, do=f"make a world to try: {home.command} sample"
            )
        return months_between(found[0], found[-1])
    months = months_between(parse_month(month or first or ""), parse_month(month or last or ""))
    if not months:
        raise VroegError(f"--from {first} lies after --to {last}", do="swap them")
    return months


@app.command()
@one_line_errors
def sample(
    seed: Annotated[int, typer.Option(help="Another seed gives other people and deliveries.")] = 1,
    months: Annotated[int, typer.Option(min=1, max=120, help="How many whole months of deliveries.")] = 6,
    last: Annotated[
        str | None,
        typer.Option(
            help="The last of them, YYYY-MM; else the month before now, and what came since.", show_default=False
        ),
    ] = None,
    signals: Annotated[int, typer.Option(min=1, help="About how many signals a month.")] = 400,
    register: Annotated[
        Path | None,
        typer.Option(help="A real address register (CSV as reference/addresses.csv) to deliver for.", exists=True),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="In place of the sample that is there.")] = False,
) -> None:
    """Make a synthetic world in VROEG_HOME: agreements, register, areas and months of deliveries.

    Every defect that the rules name occurs in it. The people do not exist. It ends now: of this month some deliveries are in
    and some are not. With --last it ends with that month.

        vroeg sample --months 6 --last 2021-03
    """
    from vroeg_pipeline.installation.installation import current_moment
    from vroeg_pipeline.sample.world import make_world

    home, now = Home.from_environment(), current_moment()
    before_now = add_months(month_of(now), -1)
    end = parse_month(last) if last else before_now
    if end > before_now:
        raise VroegError(f"{last} is not over", do=f"give --last {month_text(before_now)}, or leave it out")
    with Heartbeat(out, "making a world"):
        made = make_world(
            home,
            seed=seed,
            months=months,
            signals=signals,
            register=register,
            first_month=add_months(end, 1 - months),
            now=None if last else now,
            overwrite=overwrite,
        )
    since = "" if last else ", and what came since"
    out.print(
        f"A world of {len(made.months)} months, {month_text(made.months[0])} to {month_text(end)}{since}, in {home.root}: "
        f"{made.files} files, {made.rows:,} rows, {made.dwellings:,} dwellings.\nRun it: {home.command} run --all"
    )
    if home.warehouse.exists():
        out.print("The warehouse still has what was run before: remove it, taken_in/ and outbox/ to begin anew")


@app.command()
@one_line_errors
def status(
    months: Annotated[
        int | None, typer.Option(min=1, max=120, help="How many; else as many as fit.", show_default=False)
    ] = None,
) -> None:
    """Show the delivery board: who delivered when, by the delivery register as of the last run.

    On time, late, missing, refused, outdated, expected or not owed, with the number of rows.
    """
    from vroeg_pipeline.cli.status import show_board

    show_board(Home.from_environment(), months, out, problems)


@app.command()
@one_line_errors
def checks(
    failed: Annotated[bool, typer.Option("--failed", help="Only those that do not hold.")] = False,
    months: Annotated[
        int | None, typer.Option(min=1, help="How many of the newest; else all.", show_default=False)
    ] = None,
) -> None:
    """Show what each check said last of each month, newest month first; what does not hold stands first.

    Deliveries and tables; the same that the Dagster UI shows of the newest month, and alerts tell of.
    """
    from vroeg_pipeline.cli.checks import show_checks

    show_checks(Home.from_environment(), months, out, failed=failed)


@app.command()
@one_line_errors
def sql(
    question: Annotated[str, typer.Argument(help="One SELECT, in DuckDB's SQL.")],
    form: Annotated[
        Literal["table", "csv", "json"], typer.Option("--format", help="How the answer is written.")
    ] = "table",
    personal: Annotated[bool, typer.Option("--personal", help="With persons and doors; the log says so.")] = False,
) -> None:
    """Ask the warehouse something; it is only read. Without --personal nobody is in it: keys are pseudonyms of one answer.

    Nothing can be written, attached, loaded or read from files. The log says who asked of which tables, and when.

        vroeg sql "SELECT tier, count(*) FROM prioritised_worklists GROUP BY ALL"

        vroeg sql "DESCRIBE validated_signals"
    """
    from vroeg_pipeline.cli.sql import ask

    ask(Home.from_environment(), question, out, problems, form=form, personal=personal)


@app.command()
@one_line_errors
def health(
    as_json: Annotated[
        bool, typer.Option("--json", help="For a monitoring system; the exit status says the same.")
    ] = False,
) -> None:
    """Tell whether everything that should run by itself does; exit status 1 when something does not.

    Daemon heartbeat, last tick of each sensor and schedule, the last month with worklists, disk, warehouse.
    """
    from vroeg_pipeline.cli.health import show_health

    show_health(Home.from_environment(), out, as_json=as_json)


@app.command()
@one_line_errors
def doctor(
    send_test: Annotated[
        bool, typer.Option("--send-test", help="Send a trial message to every channel of the alerts too.")
    ] = False,
) -> None:
    """Tell whether this installation is set up right, a sentence each; exit status 1 when something is not.

    Versions, rights, disk, settings, agreements, areas, register, encryption, alerts, clock, services.
    """
    from vroeg_pipeline.cli.doctor import show_diagnosis

    show_diagnosis(Home.from_environment(), out, send_test=send_test)


addresses = typer.Typer(no_args_is_help=True, help="Resolve addresses against an address register (BAG).")
app.add_typer(addresses, name="addresses")
_RegisterFile = Annotated[
    Path | None,
    typer.Option(help="An address register (CSV as reference/addresses.csv); else that of VROEG_HOME."),
]


@addresses.command("resolve")
@one_line_errors
def resolve_file_of_addresses(
    source: Annotated[
        Path,
        typer.Option(
            "--input", help="CSV with id, postcode, street, house_number, house_letter, house_number_addition, city."
        ),
    ],
    target: Annotated[Path, typer.Option("--output", help="CSV to write, readable by its owner alone.")],
    register: _RegisterFile = None,
) -> None:
    """Resolve the addresses of a CSV; each line gets its key, status, stage and evidence, in the same order.

    Of the input's columns all but id may be absent. Nothing is guessed: what two dwellings can be is to review.

        vroeg addresses resolve --register addresses.csv --input written.csv --output resolved.csv
    """
    from vroeg_pipeline.cli.addresses import resolve_to_file

    resolve_to_file(register, source, target, out)


@addresses.command("explain")
@one_line_errors
def explain_address(
    line: Annotated[str, typer.Argument(help='An address on one line: "1382 kd, Achtergracht 12 hs".')],
    register: _RegisterFile = None,
) -> None:
    """Show what an address is taken for, and the way to that answer."""
    from vroeg_pipeline.cli.addresses import explain

    explain(register, line, out)


agreement = typer.Typer(no_args_is_help=True, help="Try an agreement on a file, or write the one that a file suggests.")
app.add_typer(agreement, name="agreement")
_Sample = Annotated[Path, typer.Argument(help="A file as the partner sends it.")]
_Columns = Annotated[
    list[str] | None,
    typer.Option("--column", help="FIELD=HEADER, where a header is not recognised.", show_default=False),
]
_RecordsAt = Annotated[
    str | None, typer.Option(help="Where the rows are in JSON or XML, where it is not found.", show_default=False)
]
_Tried = Annotated[
    str | None, typer.Option(help="The month to judge by, YYYY-MM; else that of the latest reference date.")
]


@agreement.command("try")
@one_line_errors
def try_agreement(
    file: _Sample,
    by: Annotated[
        Path | None, typer.Option("--agreement", help="Read it by this one; else by what the file suggests.")
    ] = None,
    month: _Tried = None,
    column: _Columns = None,
    records_at: _RecordsAt = None,
) -> None:
    """Read a file without keeping anything, and show in numbers what comes of it.

    What the file is, which header is which field, how values are written, how many rows hold and why others do not. No
    value is shown. Needs no installation.

        vroeg agreement try levering.csv
    """
    from vroeg_pipeline.cli import agreement as agreements

    asked = agreements.Asked(file, tuple(column or ()), records_at, parse_month(month) if month else None)
    agreements.try_agreement(Home.from_environment(), asked, by, out)


@agreement.command("new")
@one_line_errors
def new_agreement(
    file: _Sample,
    name: Annotated[str, typer.Option(help="Its name, as people read it.")],
    partner: Annotated[str | None, typer.Option(help="Its id: lower-case letters, digits and _.")] = None,
    kind: Annotated[str | None, typer.Option("--type", help="DDAS partner type: Huur, Energie, Water, Zorg, …")] = None,
    valid_from: Annotated[str | None, typer.Option(help="First month, YYYY-MM; else that of the sample.")] = None,
    municipality: Annotated[
        list[str] | None, typer.Option(help="Code of four digits, once each; else those of the other partners.")
    ] = None,
    sender: Annotated[str | None, typer.Option(help="In place of --partner: who sends for several partners.")] = None,
    member: Annotated[
        list[str] | None, typer.Option(help="NAME=PARTNER: whom a name in the file of a sender means.")
    ] = None,
    column: _Columns = None,
    records_at: _RecordsAt = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the agreement that there is.")] = False,
) -> None:
    """Write the agreement that a sample file suggests, with comments where a person must look.

    vroeg agreement new levering.csv --partner pwn --name PWN --type Water
    """
    from vroeg_pipeline.cli import agreement as agreements

    new = agreements.NewPartner(
        partner, sender, name, kind, parse_month(valid_from) if valid_from else None, tuple(municipality or ()),
        tuple(member or ()), overwrite,
    )  # fmt: skip
    asked = agreements.Asked(file, tuple(column or ()), records_at)
    agreements.new_agreement(Home.from_environment(), asked, new, out)


deliveries = typer.Typer(
    no_args_is_help=True, help="See which files of partners count, and decide on those in question."
)
app.add_typer(deliveries, name="deliveries")


@deliveries.command("list")
@one_line_errors
def list_files_of_partners(
    month: Annotated[
        str | None, typer.Option(help="One month, YYYY-MM; else the newest two.", show_default=False)
    ] = None,
) -> None:
    """Show the files of partners, what became of each, and what was decided of it and why.

    Whatever waits for a decision is shown too, of any month.
    """
    from vroeg_pipeline.cli.deliveries import list_deliveries

    list_deliveries(Home.from_environment(), parse_month(month) if month else None, out, problems)


@deliveries.command("decide")
@one_line_errors
def decide_on_file(
    file: Annotated[str, typer.Argument(metavar="SHA256-PREFIX", help="How it begins in `vroeg deliveries list`.")],
    what: Annotated[str, typer.Option("--as", help="replacement, addition or refused.")],
    by: Annotated[str, typer.Option(help="Who decides.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    partner: Annotated[
        str | None, typer.Option(help="Of a file that several partners have.", show_default=False)
    ] = None,
) -> None:
    """Decide what a file is: it replaces the delivery, it adds to it, or it is not used. A later decision undoes it.

    vroeg deliveries decide 3f9a0c --as addition --by "J. de Boer" --reason "gebeld met Eneco: spoed"
    """
    from vroeg_pipeline.cli.deliveries import decide_delivery

    decide_delivery(Home.from_environment(), file, what, by, reason, partner, out, problems)


alerts = typer.Typer(invoke_without_command=True)
app.add_typer(alerts, name="alerts")
_KIND = Annotated[str | None, typer.Option(help="A kind of alert, for example missing.", show_default=False)]
_PARTNER = Annotated[str | None, typer.Option(help="A partner.", show_default=False)]


@alerts.callback()
@one_line_errors
def show_alerts(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be sent now; send nothing.")] = False,
    send: Annotated[bool, typer.Option("--send", help="Look and send once, where no daemon does.")] = False,
    trial: Annotated[bool, typer.Option("--test", help="Send a trial message to every channel.")] = False,
) -> None:
    """Show which problems were told and are open, and what waits to be sent.

    The daemon sends by itself (sensor `alerts`). Who gets what stands under `alerts` in settings.yaml.
    """
    if context.invoked_subcommand:
        return
    if [dry_run, send, trial].count(True) > 1:
        raise VroegError("which one?", do="give one of --dry-run, --send and --test")
    from vroeg_pipeline.cli import alerts as alerting

    home = Home.from_environment()
    if dry_run:
        alerting.show_preview(home, out)
    elif send:
        alerting.send_alerts(home, out)
    elif trial:
        alerting.try_channels(home, out)
    else:
        alerting.show_alerts(home, out)


@alerts.command("ack")
@one_line_errors
def acknowledge_alert(
    problem: Annotated[str, typer.Argument(metavar="ID", help="How it begins in `vroeg alerts`.")],
    by: Annotated[str, typer.Option(help="Who takes it on.")],
    until: Annotated[
        str | None, typer.Option(help="Until then only: YYYY-MM-DD, or with a time.", show_default=False)
    ] = None,
) -> None:
    """Take on an open problem: no reminders of it until it is solved.

    vroeg alerts ack 3f9a0c --by "J. de Boer"
    """
    from vroeg_pipeline.cli.alerts import acknowledge_alert

    acknowledge_alert(Home.from_environment(), problem, until, by, out)


@alerts.command("mute")
@one_line_errors
def mute_alerts(
    until: Annotated[str, typer.Option(help="YYYY-MM-DD (09:00), or with a time.")],
    by: Annotated[str, typer.Option(help="Who asks.")],
    kind: _KIND = None,
    partner: _PARTNER = None,
) -> None:
    """Be silent about a kind, a partner or both for a while. What is still so then is told then.

    vroeg alerts mute --kind missing --partner eneco --until 2021-03-20 --by "J. de Boer"
    """
    from vroeg_pipeline.cli.alerts import mute_alerts

    mute_alerts(Home.from_environment(), kind, partner, until, by, out)


@alerts.command("unmute")
@one_line_errors
def unmute_alerts(
    by: Annotated[str, typer.Option(help="Who asks.")],
    kind: _KIND = None,
    partner: _PARTNER = None,
) -> None:
    """End a mute before its time: of just this kind, partner or both."""
    from vroeg_pipeline.cli.alerts import unmute_alerts

    unmute_alerts(Home.from_environment(), kind, partner, by, out)


@app.command()
@one_line_errors
def ddas(
    first: Annotated[str, typer.Option("--from", help="First day, or its month.", show_default=False)],
    last: Annotated[str, typer.Option("--to", help="Last day, or its month.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option(help="File to write, best outside VROEG_HOME; else in the outbox. For its owner alone."),
    ] = None,
) -> None:
    """Write the delivery to CBS of a range of months: DDAS-Vroegsignalering, as JSON.

    On whose behalf is delivered stands under `ddas` in settings.yaml. Checked before it is put in its place: what it
    adds up to is what the warehouse holds.

        vroeg ddas --from 2021-01-01 --to 2021-03-31
    """
    from vroeg_pipeline.cli.ddas import deliver_ddas

    home = Home.from_environment()
    deliver_ddas(home, whole_months(first, last), output, out, problems)


@app.command("serve-ddas")
@one_line_errors
def serve_ddas(
    host: Annotated[str | None, typer.Option(help="Address to listen on; else that of the settings.")] = None,
    port: Annotated[str | None, typer.Option(metavar="PORT", help="Port; else that of the settings.")] = None,
) -> None:
    """Answer CBS, which asks by the API of DDAS-Vroegsignalering; runs until Ctrl-C.

    Behind the town's FSC inway, on this machine alone unless told otherwise. Certificates and who may ask stand under
    `ddas.service` in settings.yaml. Answers come from what the runs of the months kept; the warehouse is not opened.
    """
    from vroeg_pipeline.cli.serve_ddas import serve_ddas as serve

    # 0 is any that is free.
    serve(Home.from_environment(), host, None if port is None else _port(port, lowest=0), out, problems)


@app.command()
@one_line_errors
def pages(
    host: Annotated[str | None, typer.Option(help="Address to listen on; else that of the settings.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; else that of the settings, 3001.")] = None,
) -> None:
    """Open board, evaluations, Data Docs, tables and docs as web pages, on this machine alone; runs until Ctrl-C.

    Nobody is in them, and nothing can be changed by them.
    """
    from vroeg_pipeline.cli.pages import serve_pages

    serve_pages(Home.from_environment(), host, port, out, problems)


@app.command()
@one_line_errors
def evaluate(
    first: Annotated[str | None, typer.Option("--from", help="First month, YYYY-MM.", show_default=False)] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last month, YYYY-MM.", show_default=False)] = None,
    target: Annotated[
        Path | None, typer.Option("--output", help="HTML file to write; else one in the outbox.", show_default=False)
    ] = None,
) -> None:
    """Write the evaluation of a period, in Dutch, as one HTML page that needs nothing else; without months, of all.

    By what the warehouse holds now, which is only read. Small numbers of people are hidden.

        vroeg evaluate --from 2021-01 --to 2021-06
    """
    if bool(first) != bool(last):
        raise VroegError("which months?", do="give --from 2021-01 and --to 2021-06, or neither")
    home = Home.from_environment()
    months = _asked_months(home, None, first, last, everything=False) if first else []
    # Takes a second to import.
    from vroeg_pipeline.cli.evaluate import evaluate as evaluate_months

    evaluate_months(home, months, target, out, problems)


@app.command()
@one_line_errors
def worklists(
    month: Annotated[str, typer.Option(help="The month, YYYY-MM.")],
    worklist: Annotated[
        str | None, typer.Option(help="One list, as wijkteam_noord; else all.", show_default=False)
    ] = None,
    forms: Annotated[bool, typer.Option("--forms", help="A form on A5 for each home visit.")] = False,
    by_street: Annotated[bool, typer.Option("--by-street", help="Sorted by street and number, not by rank.")] = False,
) -> None:
    """Write the lists of a month as they stand now, to print and take along. What was issued stays as it is.

    vroeg worklists --month 2021-03 --by-street

    vroeg worklists --month 2021-03 --worklist wijkteam_noord --forms
    """
    from vroeg_pipeline.cli.worklists import write_lists

    home = Home.from_environment()
    write_lists(home, parse_month(month), worklist, out, problems, forms=forms, sort=by_street)


@app.command()
@one_line_errors
def whatif(
    settings: Annotated[Path, typer.Option(help="Another settings.yaml.")],
    month: Annotated[str, typer.Option(help="The month, YYYY-MM.")],
) -> None:
    """Show what the worklists of a month would have been under other settings: who moves where, in numbers.

    As if they had always held. The warehouse is only read; what was issued stays as it is.

        vroeg whatif --settings other.yaml --month 2021-03
    """
    from vroeg_pipeline.cli.whatif import what_if

    what_if(Home.from_environment(), settings, parse_month(month), out, problems)


@app.command()
@one_line_errors
def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what is due.")] = False,
) -> None:
    """Remove at once what is not kept any more: rows, files, and their bytes (DOMAIN §14). Shows counts, never names.

    The daemon does so each night, a week after it announced it. A month of which something is removed is closed: it is not
    run again.
    """
    from vroeg_pipeline.cli.retention import remove

    remove(Home.from_environment(), out, dry_run=dry_run)


@app.command()
@one_line_errors
def rekey() -> None:
    """Encrypt the warehouse with the key of VROEG_ENCRYPTION_KEY, or not at all where that is not set.

    It is opened with the key of VROEG_OLD_ENCRYPTION_KEY, where it has one. Stop the services first.
    """
    from vroeg_pipeline.cli.rekey import rekey as change

    change(Home.from_environment(), out)


@app.command("move-warehouse")
@one_line_errors
def move_warehouse(
    to_file: Annotated[bool, typer.Option("--to-file", help="Back into warehouse.duckdb.")] = False,
) -> None:
    """Copy the tables from warehouse.duckdb to the DuckLake of settings.yaml, compare them, and remove the file.

    Stop the services first.
    """
    from vroeg_pipeline.cli.move_warehouse import move

    move(Home.from_environment(), out, to_file=to_file)


@app.command("move-dagster")
@one_line_errors
def move_dagster() -> None:
    """Copy what Dagster noted from SQLite to the PostgreSQL that dagster.yaml names. Stop the services first."""
    from vroeg_pipeline.cli.move_dagster import move

    move(Home.from_environment(), out)


@app.command("front-desk")
@one_line_errors
def divide_files(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")] = False,
) -> None:
    """Divide the files that one sender has for many towns over the towns of `front_desk` in settings.yaml.

    Each row goes to the inbox of its town or is told back; a file goes when its term is over. Fails when something
    could not be divided or delivered; the next run tries it again.
    """
    from vroeg_pipeline.cli.front_desk import divide_files as divide

    divide(Home.from_environment(), out, dry_run=dry_run)


@app.command("backup")
@one_line_errors
def back_up(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write into, on another disk or machine.")],
) -> None:
    """Write everything of the installation into one new file: warehouse, inbox, archive, outbox, agreements, notes, log.

    The daemon may go on; a run that is at work is waited for. Encrypted with VROEG_ENCRYPTION_KEY where that is set.
    hash.key is not in it: keep it, and the encryption key, elsewhere.
    """
    from vroeg_pipeline.cli.backup import back_up as write

    write(Home.from_environment(), folder, out)


@app.command()
@one_line_errors
def restore(
    source: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Folder of vroeg backup, of which the newest is taken, or a file of it."),
    ],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="In place of the installation that is there.")] = False,
    trial: Annotated[
        bool, typer.Option("--test", help="Only look whether it could be restored; changes nothing.")
    ] = False,
    new_hash_key: Annotated[
        bool, typer.Option("--new-hash-key", help="The hash.key that it was made with is lost; go on with another.")
    ] = False,
) -> None:
    """Put a back-up into a new or emptied VROEG_HOME; put its hash.key there first, and stop the services.

    A back-up that was cut or altered, or has another key, is refused before anything is changed. Killed half way, run it
    again: until then nothing else works here.
    """
    from vroeg_pipeline.cli import backup

    home = Home.from_environment()
    if trial:
        backup.try_restoring(home, source, out)
    else:
        backup.restore(home, source, out, overwrite=overwrite, new_hash_key=new_hash_key)


@app.command()
@one_line_errors
def dpia(
    target: Annotated[
        Path | None, typer.Option("--out", help="HTML file to write; else one in the outbox.", show_default=False)
    ] = None,
) -> None:
    """Write the facts for the register of processing and a DPIA, in Dutch, as one HTML page that needs nothing else.

    Which data, of whom, from whom, for what, where it lies, how long, who gets it and which measures there are, by settings,
    agreements and folders as they are. No resident is in it.
    """
    from vroeg_pipeline.cli.dpia import write_dpia

    write_dpia(Home.from_environment(), target, out)


subject = typer.Typer(
    no_args_is_help=True,
    help="What a resident asks for: to know, to be held back, to object, to be erased (DOMAIN §14).\n\n"
    "Found by postcode and number with surname or birth date, or by partner and reference; asked for where none is given, "
    "so that no name gets into the history of your shell.",
)
app.add_typer(subject, name="subject")

_Postcode = Annotated[str | None, typer.Option(help="Postcode of the resident.", show_default=False)]
_Number = Annotated[str | None, typer.Option(help="House number, without letter or addition.", show_default=False)]
_Surname = Annotated[str | None, typer.Option(help="Surname, as partners write it.", show_default=False)]
_BirthDate = Annotated[str | None, typer.Option(help="Birth date, YYYY-MM-DD.", show_default=False)]
_OfPartner = Annotated[str | None, typer.Option("--partner", help="Partner of the reference.", show_default=False)]
_Reference = Annotated[str | None, typer.Option(help="Customer reference at the partner.", show_default=False)]
_By = Annotated[str, typer.Option("--by", help="Who handles the request.", show_default=False)]
_Reason = Annotated[
    str, typer.Option("--reason", help="Why, without a name: the number of the letter.", show_default=False)
]
_IsSure = Annotated[bool, typer.Option("--yes", help="Do it without asking once more.")]


@subject.command("find")
@one_line_errors
def find_subject(
    postcode: _Postcode = None,
    number: _Number = None,
    surname: _Surname = None,
    birth_date: _BirthDate = None,
    partner: _OfPartner = None,
    reference: _Reference = None,
) -> None:
    """Count where a resident is held."""
    from vroeg_pipeline.cli.subject import show_found, wanted_of

    wanted = wanted_of(postcode, number, surname, birth_date, partner, reference)
    show_found(Home.from_environment(), wanted, out)


@subject.command("export")
@one_line_errors
def export_subject(
    by: _By,
    reason: _Reason,
    folder: Annotated[
        Path,
        typer.Option("--out", help="Where to write both files: a folder that only you can read.", show_default=False),
    ],
    postcode: _Postcode = None,
    number: _Number = None,
    surname: _Surname = None,
    birth_date: _BirthDate = None,
    partner: _OfPartner = None,
    reference: _Reference = None,
    initials: Annotated[
        str, typer.Option(help="Where somebody else at the door has the same name.", show_default=False)
    ] = "",
) -> None:
    """Write what is held of a resident, in Dutch, as a page and as JSON: what, from whom, why, until when, told to whom."""
    from vroeg_pipeline.cli.subject import wanted_of, write_copy

    wanted = wanted_of(postcode, number, surname, birth_date, partner, reference)
    write_copy(Home.from_environment(), wanted, folder, out, by=by, reason=reason, initials=initials)


@subject.command("restrict")
@one_line_errors
def restrict_subject(
    by: _By,
    reason: _Reason,
    postcode: _Postcode = None,
    number: _Number = None,
    surname: _Surname = None,
    birth_date: _BirthDate = None,
    partner: _OfPartner = None,
    reference: _Reference = None,
    is_sure: _IsSure = False,
) -> None:
    """Hold the signals of a resident back until the request is lifted: they are on no list and in no count."""
    from vroeg_pipeline.cli.subject import handle, wanted_of
    from vroeg_pipeline.installation.requests import Asked

    wanted = wanted_of(postcode, number, surname, birth_date, partner, reference)
    handle(Home.from_environment(), Asked.RESTRICT, wanted, out, by=by, reason=reason, is_sure=is_sure)


@subject.command("object")
@one_line_errors
def object_subject(
    by: _By,
    reason: _Reason,
    postcode: _Postcode = None,
    number: _Number = None,
    surname: _Surname = None,
    birth_date: _BirthDate = None,
    partner: _OfPartner = None,
    reference: _Reference = None,
    is_sure: _IsSure = False,
) -> None:
    """Reject every later row of a resident, as the resident objected. What came before stays; restrict or erase that."""
    from vroeg_pipeline.cli.subject import handle, wanted_of
    from vroeg_pipeline.installation.requests import Asked

    wanted = wanted_of(postcode, number, surname, birth_date, partner, reference)
    handle(Home.from_environment(), Asked.OBJECT, wanted, out, by=by, reason=reason, is_sure=is_sure)


@subject.command("erase")
@one_line_errors
def erase_subject(
    by: _By,
    reason: _Reason,
    postcode: _Postcode = None,
    number: _Number = None,
    surname: _Surname = None,
    birth_date: _BirthDate = None,
    partner: _OfPartner = None,
    reference: _Reference = None,
    despite: Annotated[
        str | None,
        typer.Option(help="Erase what an open case forbids: who decided so, and why.", show_default=False),
    ] = None,
    is_sure: _IsSure = False,
) -> None:
    """Erase a resident everywhere: tables, files, and the bytes of the warehouse. No later run or file brings them back."""
    from vroeg_pipeline.cli.subject import handle, wanted_of
    from vroeg_pipeline.installation.requests import Asked

    wanted = wanted_of(postcode, number, surname, birth_date, partner, reference)
    handle(Home.from_environment(), Asked.ERASE, wanted, out, by=by, reason=reason, is_sure=is_sure, despite=despite)


@subject.command("lift")
@one_line_errors
def lift_request(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="Number of the request.")], by: _By, reason: _Reason
) -> None:
    """End a request. What was erased does not come back by it; what comes later counts again."""
    from vroeg_pipeline.cli.subject import end

    end(Home.from_environment(), number, out, by=by, reason=reason)


@subject.command("list")
@one_line_errors
def list_requests() -> None:
    """Show all requests: number, what was asked, when, by whom and why. Nobody is named in them."""
    from vroeg_pipeline.cli.subject import show_requests

    show_requests(Home.from_environment(), out)


log = typer.Typer(no_args_is_help=True, help="Who did what with data about persons (DOMAIN §14).")
app.add_typer(log, name="log")


@log.command("show")
@one_line_errors
def show_log(
    last: Annotated[int, typer.Option("--last", min=1, help="How many lines, the newest last.")] = 50,
) -> None:
    """Show who did what, and when: commands, runs, questions and what was written for people. Nobody is named in it."""
    from vroeg_pipeline.cli.log import show

    show(Home.from_environment(), last, out)


@log.command("verify")
@one_line_errors
def verify_log() -> None:
    """Say whether the log is whole; else name the first line that was altered or removed, with exit status 1."""
    from vroeg_pipeline.cli.log import verify

    verify(Home.from_environment(), out)


@log.command("send")
@one_line_errors
def send_log() -> None:
    """Send what the collector that `log.otlp` names does not have yet; the services do so by themselves."""
    from vroeg_pipeline.cli.log import send

    send(Home.from_environment(), out)


towns = typer.Typer(no_args_is_help=True, help="Many towns on one machine (VROEG_TOWNS): each its own, one Dagster.")
app.add_typer(towns, name="towns")
_Town = Annotated[str, typer.Argument(metavar="NAME", help="Name of the town: small letters, digits and -.")]


@towns.command("add")
@one_line_errors
def add_town(name: _Town) -> None:
    """Make a town's installation in VROEG_TOWNS/towns/NAME and have it served; one that lies there is taken as it is."""
    from vroeg_pipeline.cli.towns import add

    add(name, out)


@towns.command("list")
@one_line_errors
def list_towns() -> None:
    """List the towns that are served, with their folders and the last month with worklists."""
    from vroeg_pipeline.cli.towns import show_towns

    show_towns(out)


@towns.command("remove")
@one_line_errors
def remove_town(name: _Town) -> None:
    """Have a town served no more; its folder stays."""
    from vroeg_pipeline.cli.towns import remove

    remove(name, out)


@towns.command("health")
@one_line_errors
def health_of_towns() -> None:
    """Tell of each town whether everything that should run by itself does; exit status 1 when something does not.

    A line a town; `vroeg --town NAME health` tells all of one.
    """
    from vroeg_pipeline.cli.towns import show_health_of_towns

    show_health_of_towns(out)


@app.command()
@one_line_errors
def prepare() -> None:
    """Make Dagster's home ready for its services, with our settings; once is enough, again does no harm."""
    from vroeg_pipeline.cli.dev import prepare_shared_storage, prepare_storage
    from vroeg_pipeline.installation.cooperation import Cooperation

    if is_of_many():
        prepare_shared_storage(Cooperation.from_environment())
    else:
        prepare_storage(Home.from_environment())


def _home_or_many() -> Home | Cooperation:
    from vroeg_pipeline.installation.cooperation import Cooperation

    return Cooperation.from_environment() if is_of_many() else Home.from_environment()


def _port(text: str, lowest: int = 1) -> int:
    if not (text.isascii() and text.isdigit() and lowest <= int(text) <= 65535):
        raise VroegError(f"--port {text!r} is no port", do=f"give a number from {lowest} to 65535")
    return int(text)


_Port = Annotated[str, typer.Option(metavar="PORT", help="Port of the webserver, on this machine alone.")]


@app.command()
@one_line_errors
def dev(port: _Port = "3000") -> None:
    """Open the Dagster UI on this installation: code server, webserver and daemon, until Ctrl-C."""
    asked = _port(port)
    from vroeg_pipeline.cli.dev import serve

    serve(_home_or_many(), asked, out)


@app.command()
@one_line_errors
def service(
    which: Annotated[str, typer.Argument(metavar="WHICH", help="code, webserver or daemon.")],
    port: _Port = "3000",
    with_parent: Annotated[
        bool, typer.Option("--with-parent", help="End when standard input is closed.", hidden=True)
    ] = False,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Of the webserver: who comes there can look, and start nothing.")
    ] = False,
) -> None:
    """Run one of Dagster's processes, for systemd (`deploy/`): code server, webserver or daemon, until it is stopped."""
    asked = _port(port)
    from vroeg_pipeline.cli.service import Service, run_service

    if which not in set(Service):
        raise VroegError(f"there is no service {which!r}", do=f"give one of {', '.join(Service)}")
    run_service(_home_or_many(), Service(which), asked, with_parent=with_parent, read_only=read_only)


if __name__ == "__main__":
    app()
