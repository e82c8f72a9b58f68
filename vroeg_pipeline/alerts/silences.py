"""What people asked to be silent about: a problem that somebody has taken on, or a kind, a partner or both for a while.

Kept as a note beside the inbox with who asked and when, also after it ended. Nothing is lost by it: what is muted and is
still so, or happened meanwhile, is told when the mute ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime

from vroeg_pipeline.alerts.book import alert_lock
from vroeg_pipeline.alerts.plan import REMINDER_TIME, Condition
from vroeg_pipeline.domain.alerts import AlertKind
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import AMSTERDAM, moment_text
from vroeg_pipeline.domain.partners import Partners
from vroeg_pipeline.domain.reading import nearest
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.notes import SILENCES, AlertKey, Silence, Silences

_ID_DIGITS = 6


def problem_id(condition: Condition) -> str:
    """By which people name an open problem: the same as long as it is open."""
    return hashlib.sha256("|".join(condition.key).encode()).hexdigest()[:_ID_DIGITS]


def acknowledge(
    home: Home, problems: Iterable[Condition], prefix: str, by: str, until: str | None, now: datetime
) -> Silence:
    """Stops the reminders of the one of the open problems whose id begins so, until it is solved or, if that is given,
    `until`.

    Raises VroegError when no problem or several begin so, or who asks or the moment is wrong.
    """
    silence = Silence(_named(by), now, _moment(until, now) if until else None)
    meant = [condition for condition in problems if prefix and problem_id(condition).startswith(prefix.lower())]
    if len(meant) != 1:
        what = "several open problems begin" if meant else "no open problem begins"
        raise VroegError(f"{what} with '{prefix}'", do=f"see: {home.command} alerts")
    silence = replace(silence, key=meant[0].key)
    with alert_lock(home):
        _add(home, silence, now)
    return silence


def mute(
    home: Home, partners: Partners, kind: str | None, partner: str | None, until: str, by: str, now: datetime
) -> Silence:
    """Silences a kind, a partner, or a kind of a partner until a moment; in place of an earlier mute of the same.

    Raises VroegError when neither is given, one is not known, or who asks or the moment is wrong.
    """
    _check_what(partners, kind, partner)
    silence = Silence(_named(by), now, _moment(until, now), kind=kind, partner=partner)
    with alert_lock(home):
        _add(home, silence, now)
    return silence


def unmute(home: Home, kind: str | None, partner: str | None, by: str, now: datetime) -> Silence:
    """Ends a mute before its moment. Raises VroegError when there is none of just that, or nobody asks."""
    wanted = Silence(_named(by), now, kind=kind, partner=partner)
    with alert_lock(home):
        found = [each for each in silences_at(home, now) if each.is_of(wanted) and not each.key]
        if not found:
            raise VroegError("nothing of that kind and partner is muted", do=f"see: {home.command} alerts")
        ended = {each: replace(each, ended_at=now, ended_by=wanted.by) for each in found}
        _write(home, [ended.get(each, each) for each in _all(home)])
    return found[-1]


def silences_at(home: Home, now: datetime) -> Sequence[Silence]:
    """Those in force at an aware moment."""
    return [silence for silence in _all(home) if silence.is_in_force(now)]


def end_solved(home: Home, open_problems: Iterable[AlertKey], now: datetime) -> None:
    """Ends what was asked of problems that are solved: one that comes back is another."""
    known, every = set(open_problems), _all(home)
    ended = [replace(s, ended_at=now) if s.key and not s.ended_at and s.key not in known else s for s in every]
    if ended != every:
        _write(home, ended)


def _all(home: Home) -> list[Silence]:
    return list((SILENCES.read(home) or Silences()).silences)


def _add(home: Home, silence: Silence, now: datetime) -> None:
    every = [replace(s, ended_at=now) if s.is_in_force(now) and s.is_of(silence) else s for s in _all(home)]
    _write(home, [*every, silence])


def _write(home: Home, silences: Sequence[Silence]) -> None:
    SILENCES.write(home, Silences(tuple(silences)))


def _check_what(partners: Partners, kind: str | None, partner: str | None) -> None:
    if not (kind or partner):
        raise VroegError("what is to be silent is missing", do="give --kind, --partner or both")
    for what, name, known in (("kind", kind, list(AlertKind)), ("partner", partner, list(partners.agreements))):
        if name and name not in known:
            guess = nearest(name, known)
            raise VroegError(
                f"there is no {what} '{name}'" + (f", did you mean '{guess}'?" if guess else ""),
                do=f"it is one of: {', '.join(known)}",
            )


def _named(by: str) -> str:
    if not by.strip():
        raise VroegError("--by is empty", do="say who asks")
    return " ".join(by.split())


def _moment(text: str, now: datetime) -> datetime:
    """An Amsterdam moment; a day alone is its morning, when reminders come."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise VroegError(f"--until '{text}' is no moment", do='write YYYY-MM-DD, or "YYYY-MM-DD 14:00"') from None
    if len(text) == len(date.min.isoformat()):
        moment = datetime.combine(moment.date(), REMINDER_TIME)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=AMSTERDAM)
    if moment <= now:
        raise VroegError(f"--until {moment_text(moment)} has passed", do="give a moment that is still to come")
    return moment
