"""What addresses are looked up with: the macros that read them, the dwellings of the register, the postcode areas.

What an address means is decided in the statements of this room.
"""

from __future__ import annotations

import re

import duckdb

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import amsterdam_day
from vroeg_pipeline.formats.reference_csv import small_table
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.statements import fetch_one, is_made, sql, temporary_table

BUURTCODE = "BU[0-9]{8}"


def define_address_macros(
    connection: duckdb.DuckDBPyConnection, installation: Installation, *, today: bool = False
) -> None:
    """Makes the macros and views that read addresses, the postcode areas, and the variable `has_register`.

    Addresses are looked up in the register of the month at work, or in that of today (Amsterdam).
    """
    if not is_made(connection, "address_macros", str(installation.home.root)):
        load_municipalities(connection, installation.home)
        for what in ("TABLE postcode4_municipality", "COLUMN postcode4_municipality.postcode4"):
            connection.execute(f"COMMENT ON {what} IS 'Kept for all steps of a run.'")
        connection.execute(sql("address_macros"))
    # A register without a single dwelling says nothing about any address, so it counts as none.
    (has_register,) = fetch_one(connection, "SELECT count(*) > 0 FROM reference.address_register")
    connection.execute("SET VARIABLE has_register = ?", [has_register])
    if today:
        connection.execute("SET VARIABLE register_day = ?", [amsterdam_day(installation.now())])


def load_municipalities(connection: duckdb.DuckDBPyConnection, home: Home, *, refuse_doubts: bool = False) -> None:
    """Makes the temporary table `postcode4_municipality` of `reference/municipalities.csv`; empty where it is absent. Of
    several municipalities for one postcode the first counts.

    Raises VroegError naming the line that is wrong; with `refuse_doubts` also one that gives a postcode another one.
    """
    by_postcode: dict[int, str] = {}
    header = ("postcode4_from", "postcode4_to", "gemeentecode")
    for line, row in small_table(home.reference / "municipalities.csv", header):
        ends = [row["postcode4_from"], row["postcode4_to"]]
        if not all(re.fullmatch(r"[1-9][0-9]{3}", end) for end in ends) or ends[0] > ends[1]:
            raise VroegError("a range like 2011,2037 is expected", where=f"municipalities.csv line {line}")
        if not re.fullmatch(r"[0-9]{4}", row["gemeentecode"]):
            raise VroegError("a code of four digits is expected", where=f"municipalities.csv line {line}")
        for postcode in range(int(ends[0]), int(ends[1]) + 1):
            known = by_postcode.setdefault(postcode, row["gemeentecode"])
            if refuse_doubts and known != row["gemeentecode"]:
                what = f"{postcode} is of {known} too, by a line before it"
                raise VroegError(
                    what, where=f"municipalities.csv line {line}", do="leave it to one, or have the register"
                )
    columns = "postcode4 INTEGER, municipality VARCHAR"
    temporary_table(connection, "postcode4_municipality", columns, list(by_postcode.items()))
