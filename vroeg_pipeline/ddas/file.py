"""The delivery to CBS as a file: read from the warehouse signal by signal, written as the version that is set wants it.

What is told of a signal stands in `ddas/ddas_signals.sql`, how DDAS names and shapes it in `ddas.v1_2`; each
version is such a module.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from types import MappingProxyType

import duckdb

from vroeg_pipeline.ddas import v1_2 as ddas_v1_2
from vroeg_pipeline.ddas.rows import Attempt, Case, Signal
from vroeg_pipeline.domain.ddas import EnumSignaalstatus
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import last_day_of, matching_moment, month_text
from vroeg_pipeline.domain.settings import Ddas, DdasMunicipality
from vroeg_pipeline.formats.reference_csv import reference_csv, wanted_columns
from vroeg_pipeline.installation.home import Home, replacing
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.secrets import hash_key, keyed_hash
from vroeg_pipeline.installation.statements import fetch_one, sql, streamed, temporary_step, temporary_table

VERSIONS = {"1.2": ddas_v1_2}
CUT = "house numbers without their long addition"
BSN_FILE = "burgerservicenummers.csv"


def ddas_name(installation: Installation, months: Sequence[date], municipality: str | None = None) -> str:
    """The name of the file of these months, in their order; of one municipality, where they are separate."""
    period = "_".join(dict.fromkeys(month_text(month) for month in (months[0], months[-1])))
    of = "_".join(filter(None, (period, municipality)))
    return f"ddas-vroegsignalering-v{installation.settings.ddas.version}_{of}.json"


def ddas_paths(installation: Installation, folder: Path, months: Sequence[date]) -> dict[str | None, Path]:
    """The files of these months by municipality: one of None where all have one together."""
    if not installation.settings.separate_municipalities:
        return {None: folder / ddas_name(installation, months)}
    return {
        code: folder / ddas_name(installation, months, code) for code in sorted(complete(installation).municipalities)
    }


def write_ddas(
    connection: duckdb.DuckDBPyConnection,
    installation: Installation,
    months: Sequence[date],
    path: Path,
    apart: Mapping[str, Path] = MappingProxyType({}),
    put: Callable[[Path], AbstractContextManager[Path]] = replacing,
) -> Counter[str]:
    """Writes the delivery of the months, oldest first and without gaps; gives what it adds up to. `apart`: where that of
    each municipality goes too, by `put`.

    Raises VroegError when a setting lacks, or the warehouse does not hold what it should: then the file is not whole.
    """
    settings = complete(installation)
    _gather(connection, installation, months)
    standard, key = VERSIONS[settings.version], hash_key(installation.home)

    def rows(municipality: str) -> tuple[Iterator[Signal], Iterator[Case]]:
        return _signals(connection, municipality, key), _cases(connection, municipality, key)

    def write(target: Path, of: Ddas) -> None:
        with target.open("w", encoding="utf-8") as file:
            file.writelines(standard.text(of, months[0], last_day_of(months[-1]), installation.now(), rows))

    write(path, settings)
    written, expected = file_totals(installation, path), warehouse_totals(connection, months)
    if wrong := differences(written, expected):
        raise VroegError(
            f"the tables of {month_text(months[0])} to {month_text(months[-1])} do not fit together ({', '.join(wrong)})",
            do="run these months again: a run was stopped halfway",
        )
    for code, target in apart.items():
        with put(target) as temporary:
            write(temporary, settings.model_copy(update={"municipalities": {code: settings.municipalities[code]}}))
    (written[CUT],) = fetch_one(
        connection,
        "SELECT count(*) FROM ddas_signals WHERE len(house_letter || house_number_addition) > ? AND bsn IS NULL",
        [standard.LONGEST_SUFFIX],
    )
    return written


def unnamed(installation: Installation) -> list[str]:
    """The municipalities that partners deliver for and of which the settings do not say who delivers to CBS."""
    agreed = {code for a in installation.partners.agreements.values() for code in a.municipalities}
    return sorted(agreed - set(installation.settings.ddas.municipalities))


def unnamed_said(installation: Installation) -> str | None:
    """What somebody should do about them, on one line."""
    codes = unnamed(installation)
    if not codes:
        return None
    return (
        f"settings.yaml: field 'ddas.municipalities' does not say who delivers for {', '.join(codes)}; the file says "
        f"'{_default_name(codes[0])}'. Add \"{codes[0]}\": {{organisation: …}} before you send it"
    )


def complete(installation: Installation) -> Ddas:
    """The settings of the delivery with a levering for every municipality that partners deliver for."""
    settings = installation.settings.ddas
    named = {code: DdasMunicipality(organisation=_default_name(code)) for code in unnamed(installation)}
    return settings.model_copy(update={"municipalities": {**named, **settings.municipalities}})


def _default_name(code: str) -> str:
    return f"Gemeente {code}"


def differences(written: Counter[str], expected: Counter[str]) -> list[str]:
    """What a file and the warehouse do not agree on."""
    return sorted(what for what in {*written, *expected} if written[what] != expected[what])


def warehouse_totals(connection: duckdb.DuckDBPyConnection, months: Sequence[date]) -> Counter[str]:
    """What a delivery of the months must add up to, by the published tables."""
    _set_period(connection, months)
    connection.execute("SET VARIABLE known_statuses = ?::VARCHAR[]", [EnumSignaalstatus])
    return Counter(dict(connection.execute(sql("ddas_totals")).fetchall()))


def file_totals(installation: Installation, path: Path) -> Counter[str]:
    """What a file adds up to, read back from it."""
    with path.open(encoding="utf-8") as lines:
        found: Counter[str] = VERSIONS[installation.settings.ddas.version].totals(lines)
    return found


def file_municipalities(installation: Installation, path: Path) -> set[str]:
    """The municipalities of which a file holds a signal or a case."""
    with path.open(encoding="utf-8") as lines:
        return {code for code, _ in VERSIONS[installation.settings.ddas.version].parts(lines)}


def file_contradictions(installation: Installation, path: Path) -> Counter[str]:
    """What cannot all be true in a file, and how often."""
    with path.open(encoding="utf-8") as lines:
        found: Counter[str] = VERSIONS[installation.settings.ddas.version].contradicted(lines)
    return found


def left_out(connection: duckdb.DuckDBPyConnection, months: Sequence[date]) -> int:
    """Rejected rows that have a DDAS status, but no address that may be told."""
    (number,) = fetch_one(
        connection,
        "SELECT count(*) FROM rejected_rows "
        "WHERE ddas_status IS NOT NULL AND postcode IS NULL AND month BETWEEN ? AND ?",
        [months[0], months[-1]],
    )
    return int(number)


def counts_shown(written: Counter[str]) -> dict[str, int]:
    """The counts that people are shown."""
    signals = sum(written[f"signals, {status}"] for status in EnumSignaalstatus)
    return {"signals": signals, **{what: written[what] for what in ("cases", "contact attempts", "results", CUT)}}


def _set_period(connection: duckdb.DuckDBPyConnection, months: Sequence[date]) -> None:
    connection.execute("SET VARIABLE first_month = ?", [months[0]])
    connection.execute("SET VARIABLE last_month = ?", [months[-1]])


def _gather(connection: duckdb.DuckDBPyConnection, installation: Installation, months: Sequence[date]) -> None:
    """Makes the temporary table `ddas_signals`, and what it is made with."""
    settings = installation.settings
    _set_period(connection, months)
    municipalities = sorted(complete(installation).municipalities)
    connection.execute("SET VARIABLE first_municipality = ?", [municipalities[0] if municipalities else None])
    agreed = [(a.partner, list(a.municipalities)) for a in installation.partners.agreements.values()]
    temporary_table(connection, "agreed_municipalities", "partner VARCHAR, municipalities VARCHAR[]", agreed)
    days = [(month, matching_moment(month, settings.matching_working_day).date()) for month in months]
    temporary_table(connection, "matching_days", "month DATE, matched_on DATE", days)
    _load_bsn(connection, installation.home, wanted=settings.ddas.bsn)
    temporary_step(connection, "ddas_signals")


def _load_bsn(connection: duckdb.DuckDBPyConnection, home: Home, *, wanted: bool) -> None:
    """Makes the temporary table `known_bsn` of `reference/burgerservicenummers.csv`; empty where it is not wanted.

    Raises VroegError, without any number, when the file is not there or holds what is no burgerservicenummer.
    """
    connection.execute("CREATE OR REPLACE TEMP TABLE known_bsn (signal_id VARCHAR, bsn VARCHAR)")
    if not wanted:
        return
    source = home.reference / BSN_FILE
    if not source.exists():
        raise VroegError("is not there, and ddas.bsn is on", where=f"reference/{BSN_FILE}", do="add it, or turn it off")
    with reference_csv(source, home.scratch) as file:
        rows = file.query(connection, wanted_columns(file, source, ("signal_id", "burgerservicenummer")))
        connection.execute(f"INSERT INTO known_bsn SELECT trim(signal_id), trim(burgerservicenummer) FROM ({rows})")
    seen: set[str] = set()
    for line, (signal_id, bsn) in enumerate(connection.execute("FROM known_bsn").fetchall(), 2):
        if not is_bsn(bsn or ""):
            raise VroegError("is no burgerservicenummer", where=f"{BSN_FILE} line {line}", do="mend that line")
        if signal_id in seen:
            raise VroegError(
                "names a signal for the second time", where=f"{BSN_FILE} line {line}", do="keep one of them"
            )
        seen.add(signal_id)


def is_bsn(text: str) -> bool:
    """Whether nine digits pass the test that every burgerservicenummer passes (elfproef)."""
    if not re.fullmatch(r"[0-9]{9}", text, re.ASCII):
        return False
    weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
    return int(text) > 0 and sum(w * int(digit) for w, digit in zip(weights, text, strict=True)) % 11 == 0


def _signals(connection: duckdb.DuckDBPyConnection, municipality: str, key: bytes) -> Iterator[Signal]:
    columns = ", ".join(Signal._fields)
    query = f"SELECT {columns} FROM ddas_signals WHERE municipality = ? ORDER BY month, signal_id"
    for row in streamed(connection, query, [municipality]):
        signal = Signal._make(row)
        yield signal._replace(signal_id=keyed_hash(key, signal.signal_id))


def _cases(connection: duckdb.DuckDBPyConnection, municipality: str, key: bytes) -> Iterator[Case]:
    connection.execute("SET VARIABLE municipality = ?", [municipality])
    for *row, attempts in streamed(connection, sql("ddas_cases")):
        case = Case._make([*row, [Attempt(**attempt) for attempt in attempts]])
        yield case._replace(signal_ids=[keyed_hash(key, signal_id) for signal_id in case.signal_ids])
