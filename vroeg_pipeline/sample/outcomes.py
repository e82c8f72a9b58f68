"""What teams of the sample world return of their worklists, with the shape of the pilot and the national figures.

Outcomes can only follow on worklists, and this world is made before they are: but a Kenmerk follows from month and address,
and which addresses are surely on a list follows from what was delivered. Only of those is anything returned.
"""

from __future__ import annotations

import csv
import hashlib
import io
import random
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import xlsxwriter

from vroeg_pipeline.domain.months import month_text, working_day_of_month
from vroeg_pipeline.outcomes.columns import OUTCOME_COLUMNS
from vroeg_pipeline.sample.register import Dwelling

Told = dict[str, str]

# By rent or no rent: the share that is reached, and of those the share that accepts help. Nationally one in five reports is
# reached and 7% accept help; the pilot found that residents who (also) owe rent accept it more readily.
_REACHED = {True: 0.36, False: 0.2}
_ACCEPTS = {True: 0.35, False: 0.22}
_NOT_PICKED_UP = 0.06

_HELP = (
    "Vervolghulp en/of verwijzing financieel", "(Budget)advies en/of quick fix", "Vervolghulp en/of verwijzing",
    "Vervolghulp en/of verwijzing niet financieel",
)  # fmt: skip
_NO_HELP = (
    "Inwoner regelt het zelf/hoeft geen hulp vanuit vroegsignalering",
    "Inwoner heeft zelf al betaald/betalingsregeling getroffen", "Inwoner heeft al een ander lopend traject",
    "Inwoner al bekend bij schuldhulpverlening",
)  # fmt: skip
_NOT_REACHED = (
    "Definitief geen contact kunnen krijgen", "", "Geen reactie na eerder contact",
    "Persoon is geen inwoner (meer) in de gemeente", "Verwijzing zonder tussenkomst inwoner", "Inwoner is overleden",
)  # fmt: skip


def case_id(month: date, dwelling: Dwelling) -> str:
    """The Kenmerk of a dwelling of the register, as the macro case_id_of makes it."""
    key = f"{dwelling.postcode}_{dwelling.number}_{dwelling.letter}_{dwelling.addition}"
    return hashlib.sha256(f"{month_text(month)}|{key}".encode()).hexdigest()[:16]


def told_of(rng: random.Random, month: date, cases: Mapping[Dwelling, bool], *, visits: bool) -> list[Told]:
    """The rows that teams fill in, an attempt a row; `cases` says of each whether rent is owed."""
    start = working_day_of_month(month, 7)
    rows = []
    for dwelling, rent in cases.items():
        if rng.random() < _NOT_PICKED_UP:
            continue
        reached = rng.random() < _REACHED[rent]
        attempts = rng.choices((1, 2, 3), (60, 30, 10) if reached else (25, 50, 25))[0]
        day = start + timedelta(days=rng.randrange(1, 20))
        for number in range(1, attempts + 1):
            first = "Huisbezoek" if rent and visits else rng.choice(("Telefoon", "Telefoon", "Brief"))
            last = number == attempts
            rows.append(
                {
                    "case_id": case_id(month, dwelling),
                    "attempt": str(number),
                    "contact_kind": first if number == 1 else rng.choice(("Telefoon", "Kaartje", "Brief", "Mail")),
                    "reached": "Ja" if reached and last else "Nee",
                    "contacted_on": f"{day:%d-%m-%Y}",
                    "day_part": rng.choice(("Ochtend", "Middag", "Avond", "")),
                    "end_result": _end(rng, reached=reached, rent=rent) if last else "",
                }
            )
            day += timedelta(days=rng.randrange(2, 8))
    return rows


def _end(rng: random.Random, *, reached: bool, rent: bool) -> str:
    if not reached:
        return rng.choices(_NOT_REACHED, (62, 28, 4, 3, 2, 1))[0]
    if rng.random() < _ACCEPTS[rent]:
        return rng.choices(_HELP, (45, 30, 15, 10))[0]
    return rng.choices(_NO_HELP, (50, 30, 12, 8))[0]


def spoil(rows: list[Told]) -> None:
    """What goes wrong in filling in: each a row that is returned to its team."""
    rows[0]["contacted_on"] = "vorige week"
    rows[len(rows) // 3]["contact_kind"] = "Aangebeld"
    rows[len(rows) // 2]["case_id"] = "0000000000000000"


def as_csv(rows: Sequence[Told]) -> bytes:
    """As a system of the municipality sends them."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, OUTCOME_COLUMNS, delimiter=";", lineterminator="\r\n")
    writer.writerow(OUTCOME_COLUMNS)
    writer.writerows(rows)
    return text.getvalue().encode()


def as_workbook(rows: Sequence[Told]) -> bytes:
    """As a team returns its list: of half of the rows the dates are texts."""
    buffer = io.BytesIO()
    workbook = xlsxwriter.Workbook(buffer, {"in_memory": True, "default_date_format": "dd-mm-yyyy"})
    workbook.set_properties({"created": datetime(2020, 1, 1)})  # noqa: DTZ001 the same bytes for the same seed
    sheet = workbook.add_worksheet("Werklijst")
    sheet.write_row(4, 0, OUTCOME_COLUMNS.values())
    for number, row in enumerate(rows, start=5):
        for column, (field, cell) in enumerate(row.items()):
            if field == "contacted_on" and number % 2 and cell[:1].isdigit():
                sheet.write_datetime(number, column, datetime.strptime(cell, "%d-%m-%Y"))  # noqa: DTZ007
            elif cell:
                sheet.write_string(number, column, cell)
    workbook.close()
    return buffer.getvalue()
