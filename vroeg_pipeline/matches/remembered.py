"""What a month knows of months whose signals were removed: by keyed hashes alone (DOMAIN §14)."""

from __future__ import annotations

import os
from collections.abc import Callable

import duckdb

from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.secrets import HASH_KEY, hash_key, keyed_hash, set_hash_key
from vroeg_pipeline.installation.statements import fetch_one, sql, temporary_step, temporary_table

_CHECKED_BY = "reported_history"
LOST_KEY = (
    "the reported_history was made with another key: who was reported in the months before its signals were removed counts "
    f"as new; put the former hash.key back, or set {HASH_KEY}"
)


def _say_nothing(said: str) -> None:
    """For who looks at what a step has told already."""


def key_check(home: Home) -> str | None:
    """What tells whether the key is the one that a history was made with; None where there is no key.

    Raises VroegError when what stands there is no key.
    """
    if not os.environ.get(HASH_KEY) and not home.hash_key.exists():
        return None
    return keyed_hash(hash_key(home), _CHECKED_BY)


def use_key(connection: duckdb.DuckDBPyConnection, home: Home) -> str:
    """Makes the macro and the variables that statements on the history need; gives the check of the key."""
    set_hash_key(connection, hash_key(home))
    connection.execute(sql("hash_macros"))
    check = keyed_hash(hash_key(home), _CHECKED_BY)
    connection.execute("SET VARIABLE key_check = ?", [check])
    return check


def remember(
    connection: duckdb.DuckDBPyConnection, installation: Installation, warn: Callable[[str], None] = _say_nothing
) -> None:
    """Makes the temporary table `remembered_reports` of the month at work; empty where nothing was removed, or the key of
    it is lost, which goes to `warn`.
    """
    home = installation.home
    in_look_back = "FROM reported_history WHERE month >= getvariable('lookback_from') AND month < getvariable('month')"
    (newest, made_with) = fetch_one(connection, f"SELECT max(month), list(DISTINCT key_check) {in_look_back}")
    if newest is not None and made_with != [key_check(home)]:
        warn(f"{LOST_KEY} (newest such month: {month_text(newest)})")
    if newest is None or key_check(home) not in made_with:
        temporary_table(
            connection, "remembered_reports", "month DATE, address_key VARCHAR, has_same_occupant BOOLEAN", []
        )
        return
    use_key(connection, home)
    for name in ("dwelling_hashes", "remembered_reports"):
        temporary_step(connection, name, installation.statement(name))
