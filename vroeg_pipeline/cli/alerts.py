"""The alerts on the command line (`vroeg alerts`): what is open and waits, what would be sent, whether a channel works, and
what is to be silent.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dagster import DagsterInstance
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vroeg_pipeline.alerts.book import AlertState, read_alerts
from vroeg_pipeline.alerts.messages import Message
from vroeg_pipeline.alerts.notifier import send
from vroeg_pipeline.alerts.sensor import look, planned, preview, recipients
from vroeg_pipeline.alerts.silences import acknowledge, mute, problem_id, silences_at, unmute
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import moment_text, month_text
from vroeg_pipeline.installation.dagster_home import prepare_dagster_home
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation

_NOBODY = "nobody gets alerts yet: add channels under 'alerts' in settings.yaml (README, Alerts)"
_TRIAL = Message("Vroeg Eropaf: a trial", "This is a trial of the alerts. Nothing is wrong.\n")


def show_alerts(home: Home, out: Console) -> None:
    """Prints the problems that were told and are open, and what waits for whom. Where nobody is told, what is open now."""
    installation = Installation.load(home)
    state = _state(installation)
    # Since when something is open is noted when it is told.
    are_told = bool(recipients(installation))
    if not are_told:
        out.print(_NOBODY)
    table = Table(box=None, pad_edge=False, header_style="bold")
    silences = silences_at(home, installation.now())
    taken_on = {silence.key: silence.by for silence in silences if silence.key}
    for column in ("id", "open problem", "of", "month", "since", "acknowledged by"):
        table.add_column(column)
    for problem in sorted(state.book.problems.values(), key=lambda problem: problem.since):
        condition = problem.condition
        month, by = month_text(condition.month) if condition.month else "", taken_on.get(condition.key, "")
        since = moment_text(problem.since) if are_told else ""
        table.add_row(problem_id(condition), condition.kind, condition.subject, month, since, escape(by))
    out.print(table if table.row_count else "No open problems.")
    for silence in silences:
        out.print(escape(f"{silence}."[:1].upper() + f"{silence}."[1:]))
    for name, waiting in sorted(state.waiting.items()):
        why = f": {waiting.reason}" if waiting.reason else ""
        out.print(f"{len(waiting.notices)} wait for {escape(name)}{escape(why)}")


def show_preview(home: Home, out: Console) -> None:
    """Prints what would be sent now, without sending it or noting anything."""
    installation = Installation.load(home)
    with _instance(home) as instance:
        messages = preview(installation, instance)
    if not recipients(installation):
        out.print(_NOBODY)
    elif not messages:
        out.print("Nothing would be sent now.")
    for name, message in messages.items():
        out.rule(escape(name), align="left")
        out.print(f"[bold]{escape(message.title)}[/bold]\n\n{escape(message.body)}")


def send_alerts(home: Home, out: Console) -> None:
    """Looks and sends once, as the sensor does: for who runs without a daemon.

    Raises VroegError when somebody could not be reached; what was for them waits.
    """
    with _instance(home) as instance:
        looked = look(Installation.load(home), instance)
    out.print(f"{len(looked.sent)} messages sent, {looked.open_problems} problems open, {looked.waiting} wait")
    if looked.failed:
        raise VroegError("; ".join(f"{name} {why}" for name, why in looked.failed.items()))


def try_channels(home: Home, out: Console) -> None:
    """Sends a trial to every channel; partners get none.

    Raises VroegError when one does not take it, after trying all.
    """
    channels = {name: each for name, each in recipients(Installation.load(home)).items() if not each.partners}
    if not channels:
        raise VroegError(_NOBODY)
    failed = []
    for name, recipient in channels.items():
        try:
            send(recipient.url, _TRIAL)
        except VroegError as error:
            failed.append(f"{name} {error}")
        else:
            out.print(f"[green]✓[/green] {escape(name)} took the trial message")
    if failed:
        raise VroegError("; ".join(failed))


def acknowledge_alert(home: Home, prefix: str, until: str | None, by: str, out: Console) -> None:
    """Takes on an open problem, and says so; raises as `alerts.silences.acknowledge` does."""
    installation = Installation.load(home)
    open_problems = [problem.condition for problem in _state(installation).book.problems.values()]
    silence = acknowledge(home, open_problems, prefix, by, until, installation.now())
    out.print(escape(f"{silence}. That it is solved is told."))


def mute_alerts(home: Home, kind: str | None, partner: str | None, until: str, by: str, out: Console) -> None:
    """Mutes a kind, a partner or both, and says so; raises as `alerts.silences.mute` does."""
    installation = Installation.load(home)
    silence = mute(home, installation.partners, kind, partner, until, by, installation.now())
    out.print(escape(f"{silence}. What is still so then is told then."))


def unmute_alerts(home: Home, kind: str | None, partner: str | None, by: str, out: Console) -> None:
    """Ends a mute, and says so; raises as `alerts.silences.unmute` does."""
    out.print(escape(f"No more: {unmute(home, kind, partner, by, Installation.load(home).now())}."))


def _state(installation: Installation) -> AlertState:
    """What was told; where nobody is told anything nothing may be noted, and what would be told is open."""
    state = read_alerts(installation.home)
    if recipients(installation):
        return state
    with _instance(installation.home) as instance:
        return planned(installation, instance, state)[0]


@contextmanager
def _instance(home: Home) -> Iterator[DagsterInstance]:
    prepare_dagster_home(home)
    with DagsterInstance.get() as instance:
        yield instance
