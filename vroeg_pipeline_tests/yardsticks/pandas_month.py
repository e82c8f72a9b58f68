"""The published tables, the way a competent analyst would make them with pandas.

What belongs here: one program that reads a ``VROEG_HOME`` without a warehouse and gives the tables of DOMAIN
§11 for a range of months. It is a yardstick (how long does plain pandas take?) and an oracle: it is written
from the domain page alone, so that where it and the pipeline differ, one of the two has misread that page.

What does not belong here: anything imported from the pipeline, a shortcut that no rule of the domain page
gives, Dutch explanations on worklists, warehouses, archives, later issues of a worklist.

Amounts are whole cents inside and ``decimal.Decimal`` with two decimals in the tables that come out. Dates
are ``datetime.date``; absent values in text and date columns are ``None``.

Usage: ``python -m vroeg_pipeline_tests.yardsticks.pandas_month HOME FROM TO`` (months as ``YYYY-MM``).
"""

from __future__ import annotations

import codecs
import csv
import fnmatch
import hashlib
import io
import json
import os
import re
import sys
import time
import unicodedata
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import holidays
import numpy as np
import pandas as pd
import yaml
from python_calamine import CalamineWorkbook

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RESERVED_INBOXES = {"outcomes", "adresdesk"}
UNFINISHED = (".part", ".tmp", ".filepart")

TEXT_FIELDS = [
    *("customer_reference", "surname", "initials", "prefix", "phone", "email", "postcode", "street"),
    *("house_number", "house_letter", "house_number_addition", "city"),
]
DATE_FIELDS = ["birth_date", "arrears_since", "reference_date"]
# What may stand in a file in place of arrears_since.
DAYS = "days_in_arrears"
FLAG_FIELDS = ["crisis", "warm_handover", "reminder_sent", "objection"]
FIELDS = [*TEXT_FIELDS, *DATE_FIELDS, *FLAG_FIELDS, "amount_due"]
# The required columns, each with the word its `missing_` reason uses, in the order of the table in DOMAIN §5.
REQUIRED = {
    "customer_reference": "reference",
    "surname": "surname",
    "postcode": "postcode",
    "house_number": "house_number",
    "amount_due": "amount",
    "arrears_since": "arrears_since",
    "reference_date": "reference_date",
}

NOT_JUSTIFIED = "Niet opgepakt: onterecht signaal"
OTHER_REASON = "Niet opgepakt: andere reden"
# Every reason in the order of DOMAIN §5, with the DDAS status that is fed back (if any).
REASONS: dict[str, str | None] = {
    **{f"missing_{word}": None for word in REQUIRED.values()},
    "invalid_postcode": None,
    "invalid_house_number": None,
    "invalid_amount": None,
    "invalid_date": None,
    "invalid_flag": None,
    "future_date": None,
    "outdated": OTHER_REASON,
    "below_threshold": NOT_JUSTIFIED,
    "too_few_days": NOT_JUSTIFIED,
    "too_many_days": NOT_JUSTIFIED,
    "outside_area": "Persoon is geen inwoner (meer) in de gemeente",
    "legal_person": NOT_JUSTIFIED,
    "objection": OTHER_REASON,
    "duplicate_in_delivery": None,
    "replaced_by_later_file": None,
    "unknown_partner_in_file": None,
}
# The column of a sender's file that says whose a row is.
WHOSE = "partner_in_file"

TIER_NAMES = ["crisis", "rent_enriched", "rent", "multiple", "single_high", "single"]
TIER_ACTIONS = ["home_visit", "home_visit", "home_visit", "phone", "phone", "letter"]

# The promised columns first, the extra ones behind them; the letter is the kind: o object, i integer,
# n integer or nothing, b boolean, t timestamp. `_publish` gives every table its shape from here, also
# without rows.
TABLES: dict[str, dict[str, str]] = {
    "delivery_files": dict.fromkeys(["file_sha256", "partner", "month", "file_name"], "o")
    | {"received_at": "t", "size_bytes": "i", "status": "o", "refusal": "o", "adds": "o"}
    | {"row_count": "n", "accepted_count": "n", "rejected_count": "n", "reference_date_max": "o"},
    "validated_signals": dict.fromkeys(["signal_id", "month", "partner", "partner_type", "file_sha256"], "o")
    | {"row_number": "i", "customer_reference": "o", "address_key": "o", "address_status": "o"}
    | {"needs_review": "b", "amount_due": "o", "arrears_since": "o", "reference_date": "o"}
    | {"days_in_arrears": "i", "crisis": "b", "on_light_track": "b", "municipality": "o", "held_reason": "o"}
    | dict.fromkeys([name for name in TEXT_FIELDS if name != "customer_reference"], "o")
    | {"birth_date": "o"}
    | {"warm_handover": "b", "reminder_sent": "o"},
    "rejected_rows": {"file_sha256": "o", "row_number": "i"}
    | dict.fromkeys(["month", "partner", "reasons", "ddas_status"], "o"),
    "address_matches": {"month": "o", "address_key": "o", "match_kind": "o", "signal_count": "i"}
    | {"partner_count": "i", "partners": "o", "partner_types": "o", "total_amount": "o"}
    | {"longest_days": "i", "has_rent": "b", "has_crisis": "b", "needs_review": "b"}
    | {"warm_handover": "b", "earliest_arrears_since": "o", "light_signal_count": "i"},
    "recidivism_history": {"month": "o", "address_key": "o", "recidivism_kind": "o"}
    | {"is_recidivist": "b", "possible_new_occupant": "b", "first_reported_month": "o"}
    | {"last_reported_month": "o", "times_reported": "i", "months_since_last": "n", "only_repeats": "b"},
    "repeat_signals": dict.fromkeys(["signal_id", "month", "repeats_signal_id"], "o"),
    "prioritised_worklists": {"month": "o", "address_key": "o", "worklist": "o", "rank": "i", "tier": "i"}
    | {"tier_name": "o", "action": "o", "deadline": "o", "over_capacity": "b", "is_recidivist": "b"}
    | {"known_to": "o"},
    "worklist_issues": {"month": "o", "worklist": "o", "issue": "i", "address_key": "o", "change": "o"},
}
TABLE_KEYS = {
    "delivery_files": ["month", "partner", "file_sha256"],
    "validated_signals": ["month", "partner", "file_sha256", "row_number"],
    "rejected_rows": ["month", "partner", "file_sha256", "row_number"],
    "address_matches": ["month", "address_key"],
    "recidivism_history": ["month", "address_key"],
    "repeat_signals": ["month", "signal_id"],
    "prioritised_worklists": ["month", "worklist", "rank"],
    "worklist_issues": ["month", "worklist", "issue", "address_key"],
}


# --------------------------------------------------------------------------------------- settings, agreements


@dataclass(frozen=True)
class Settings:
    """What `settings.yaml` may say, with the defaults of the domain page."""

    matching_working_day: int = 7
    lookback_months: int = 24
    repeat_months: int = 3
    high_amount: Any = "500.00"
    settle_seconds: float = 10
    max_file_mb: float = 50
    mortgage_is_housing: bool = False
    contact_policy: dict[Any, Any] = field(default_factory=dict)
    capacity: dict[str, int] = field(default_factory=dict)
    thresholds: dict[str, dict[str, Any]] = field(default_factory=dict)
    below_threshold: str = "reject"

    @classmethod
    def load(cls, home: Path) -> Settings:
        path = home / "settings.yaml"
        given = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.exists() else {}
        return cls(**{name: value for name, value in given.items() if name in cls.__dataclass_fields__})

    def home_visits_allowed(self, month: date) -> bool:
        """A month that is named goes before the general word; what is not named is allowed."""
        policy = self.contact_policy or {}
        of_month = policy.get(f"{month:%Y-%m}")
        allowed = policy.get("home_visits", True)
        return bool(of_month.get("home_visits", allowed) if of_month else allowed)


@dataclass(frozen=True)
class Agreement:
    """One delivery agreement, as far as the tables need it.

    That of a sender has `partners` (names in its files to partners) and no partner of its own; that of a partner which a
    sender delivers has `delivered_by`, and the form of the sender's files.
    """

    partner: str
    type: str
    valid_from: str | None
    valid_until: str | None
    succeeds: tuple[str, ...]
    municipalities: frozenset[str]
    columns: dict[str, list[str]]
    format: str
    encoding: str
    delimiter: str
    decimal: str
    date_formats: tuple[str, ...]
    in_cents: bool
    sheet: str | None
    due_working_day: int
    max_age_days: int
    min_cents: int
    min_days: int
    max_days: int | None
    confirmation: bool
    additions: str | None
    max_missing_share: Decimal
    delivered_by: str | None
    partners: dict[str, str]
    light_track: bool = False

    def under(self, settings: Settings) -> Agreement:
        """With the thresholds of the town, which go before its own."""
        town = settings.thresholds.get(self.type, {})
        return replace(
            self,
            min_cents=_cents(town["min_amount"]) if "min_amount" in town else self.min_cents,
            min_days=town.get("min_days", self.min_days),
            light_track=settings.below_threshold == "light_track",
        )

    @classmethod
    def load_all(cls, folder: Path) -> dict[str, Agreement]:
        """Every agreement by partner or sender."""
        contents = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.yaml"))]
        senders = {given["sender"]: given for given in contents if "sender" in given}
        found = {}
        for given in contents:
            if sender := senders.get(given.get("delivered_by")):
                delivery = {**sender["delivery"], **(given.get("delivery") or {})}
                given = {**given, "delivery": delivery, "columns": sender["columns"]}
            elif "sender" in given:
                columns = {**given["columns"], WHOSE: given["partner_column"]}
                given = {**given, "partner": given["sender"], "type": "", "columns": columns}
            found[given["partner"]] = cls._of(given)
        return found

    @classmethod
    def _of(cls, given: dict[str, Any]) -> Agreement:
        delivery = given["delivery"]
        return cls(
            partner=given["partner"],
            type=given["type"],
            valid_from=given.get("valid_from") and str(given["valid_from"]),
            valid_until=given.get("valid_until") and str(given["valid_until"]),
            succeeds=tuple(given.get("succeeds") or ()),
            municipalities=frozenset(str(code) for code in given.get("municipalities") or ()),
            columns={
                name: [_header(header) for header in _several(headers)] for name, headers in given["columns"].items()
            },
            format=delivery["format"],
            encoding=delivery.get("encoding", "utf-8"),
            delimiter=delivery.get("delimiter", ";"),
            decimal=delivery.get("decimal", ","),
            date_formats=tuple(_several(delivery.get("date_format", "%d-%m-%Y"))),
            in_cents=delivery.get("unit") == "cents",
            sheet=delivery.get("sheet"),
            due_working_day=delivery.get("due_working_day", 5),
            max_age_days=delivery.get("max_age_days", 14),
            min_cents=_cents(delivery.get("min_amount", "75.00")),
            min_days=delivery.get("min_days", 30),
            max_days=delivery.get("max_days"),
            confirmation=bool(delivery.get("confirmation", False)),
            additions=delivery.get("additions"),
            max_missing_share=Decimal(str(delivery.get("max_missing_share", "0.5"))),
            delivered_by=given.get("delivered_by"),
            partners={_header(name): partner for name, partner in given.get("partners", {}).items()},
        )

    def adds(self, name: str) -> bool:
        return bool(self.additions) and fnmatch.fnmatchcase(name.casefold(), str(self.additions).casefold())

    def is_active(self, month: date) -> bool:
        name = f"{month:%Y-%m}"
        return (self.valid_from or name) <= name <= (self.valid_until or name)


class Succession:
    """Who took over whom. `succeeds` is transitive: a predecessor's predecessor counts as well."""

    def __init__(self, agreements: dict[str, Agreement]) -> None:
        before = {partner: agreement.succeeds for partner, agreement in agreements.items()}
        # distance[a][b]: how many take-overs lie between a and its predecessor b (0 is a itself).
        self.distance: dict[str, dict[str, int]] = {}
        for partner in agreements:
            found, step, frontier = {partner: 0}, 0, [partner]
            while frontier:
                step += 1
                frontier = [p for q in frontier for p in before.get(q, ()) if p not in found]
                found |= dict.fromkeys(frontier, step)
            self.distance[partner] = found
        # family[a]: one and the same name for all partners that are one partner in every count.
        self.family = {p: p for p in [*before, *(p for ps in before.values() for p in ps)]}
        for partner, predecessors in before.items():
            for predecessor in predecessors:
                old, new = self.family[predecessor], self.family[partner]
                self.family = {p: new if name == old else name for p, name in self.family.items()}


# --------------------------------------------------------------------------------------- months, working days


def _parse_month(name: str) -> date:
    return datetime.strptime(name, "%Y-%m").date()  # noqa: DTZ007


def _month_number(month: date) -> int:
    return month.year * 12 + month.month - 1


def _month_of(number: int) -> date:
    return date(number // 12, number % 12 + 1, 1)


@lru_cache
def _days_off(year: int) -> frozenset[date]:
    """Dutch public holidays; `holidays` has Good Friday among them, on which the Dutch work."""
    calendar = holidays.country_holidays("NL", years=year, language="en_US")
    return frozenset(day for day, name in calendar.items() if name != "Good Friday")


def _is_working_day(day: date) -> bool:
    return day.weekday() < 5 and day not in _days_off(day.year)


def _add_working_days(day: date, count: int) -> date:
    while count > 0:
        day += timedelta(days=1)
        count -= _is_working_day(day)
    return day


def _due_date(month: date, working_day: int) -> date:
    return _add_working_days(month - timedelta(days=1), working_day)


# ---------------------------------------------------------------------------------------------- reading files


class UnreadableError(Exception):
    """The bytes are not what the agreement says they are."""


class _JsonObject(dict[str, object]):
    """A JSON object that remembers which of its headers occur more than once."""

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__((_header(name), value) for name, value in pairs)
        self.repeated = {name for name, n in Counter(_header(name) for name, _ in pairs).items() if n > 1}


class Table(NamedTuple):
    header: list[str]
    rows: list[list[Any]]
    repeated: set[str]


def _header(text: object) -> str:
    return _as_text(text).casefold()


def _several(given: Any) -> list[Any]:
    """One or a list of them, as agreements have it."""
    return given if isinstance(given, list) else [given]


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _with_header(records: Iterable[Sequence[Any]]) -> Table:
    """The first row that is not wholly empty is the header; short rows are padded, excess is ignored."""
    rows = iter(records)
    header: list[str] = []
    for record in rows:
        if not all(_is_empty(value) for value in record):
            header = [_header(value) for value in record]
            break
    while header and not header[-1]:
        header.pop()
    width, body = len(header), []
    for record in rows:
        cells = list(record[:width])
        if any(not _is_empty(value) for value in record):
            body.append(cells + [None] * (width - len(cells)))
    return Table(header, body, {name for name, count in Counter(header).items() if count > 1})


def _csv_records(data: bytes, encoding: str, delimiter: str) -> Iterator[list[str]]:
    try:
        is_utf8 = codecs.lookup(encoding).name == "utf-8"
        text = data.decode("utf-8-sig" if is_utf8 else encoding)
    except (UnicodeError, LookupError) as error:
        raise UnreadableError("encoding") from error
    if "\0" in text:
        raise UnreadableError("NUL")
    csv.field_size_limit(sys.maxsize)
    # The csv module ends an open quote silently at the end of the file. A last line of our own shows it:
    # inside an open quote it does not come out as a line.
    end = "\0"
    record: list[str] = []
    try:
        reader = csv.reader(io.StringIO(f"{text}\n{end}", newline=""), delimiter=delimiter)
        for record in reader:
            if record != [end]:
                yield record
    except csv.Error as error:
        raise UnreadableError("csv") from error
    if record != [end]:
        raise UnreadableError("unterminated quote")


def _xlsx_records(data: bytes, sheet: str | None) -> list[list[Any]]:
    try:
        # calamine reads xls, xlsb and ods as well; agreed is xlsx.
        names = zipfile.ZipFile(io.BytesIO(data)).namelist()
        if not any(name.lower().endswith("workbook.xml") for name in names):
            raise UnreadableError("no xlsx")
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        page = book.get_sheet_by_index(0) if sheet is None else book.get_sheet_by_name(sheet)
        return page.to_python()
    except UnreadableError:
        raise
    except BaseException as error:
        # A panic inside the reader is no Exception, but it is a broken container all the same.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise UnreadableError("xlsx") from error
        raise


def _json_table(data: bytes) -> Table:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        objects = json.loads(
            data.decode("utf-8-sig"),
            object_pairs_hook=_JsonObject,
            parse_float=Decimal,
            parse_constant=refuse,
        )
        json.dumps(objects, default=str, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        raise UnreadableError("json") from error
    if not isinstance(objects, list) or not all(isinstance(item, _JsonObject) for item in objects):
        raise UnreadableError("no array of objects")
    header = list(dict.fromkeys(name for item in objects for name in item))
    repeated = {name for item in objects for name in item.repeated}
    rows = [[_flat(item.get(name)) for name in header] for item in objects]
    return Table(header, [row for row in rows if not all(_is_empty(value) for value in row)], repeated)


def _flat(value: object) -> object:
    if isinstance(value, dict | list):
        return json.dumps(value, default=str, ensure_ascii=False, separators=(",", ":"))
    return value


def _read_delivery(data: bytes, agreement: Agreement) -> tuple[dict[str, list[Any]], int, bool]:
    """The agreed columns by canonical field, the number of rows, and whether no required column lacks."""
    if not data.strip():
        return {}, 0, False  # an empty file has no header
    if agreement.format == "json":
        table = _json_table(data)
        if not table.header and not table.rows and json.loads(data.decode("utf-8-sig")) == []:
            return {name: [] for name in agreement.columns}, 0, True
    elif agreement.format == "xlsx":
        table = _with_header(_xlsx_records(data, agreement.sheet))
    else:
        table = _with_header(_csv_records(data, agreement.encoding, agreement.delimiter))
    if any(table.repeated & set(headers) for headers in agreement.columns.values()):
        raise UnreadableError("an agreed header occurs twice")
    where = {name: position for position, name in enumerate(table.header)}
    there = {name: [h for h in headers if h in where] for name, headers in agreement.columns.items()}
    columns = {name: [row[where[found[0]]] for row in table.rows] for name, found in there.items() if found}
    required = [*REQUIRED, *([WHOSE] if agreement.partners else [])]
    if DAYS in agreement.columns:
        required[required.index("arrears_since")] = DAYS
    return columns, len(table.rows), all(name in columns for name in required)


def _reference_rows(path: Path, columns: Sequence[str]) -> list[list[str]]:
    """The trimmed rows of a reference table (UTF-8, comma), cells in the order of `columns`."""
    if not path.exists():
        return []
    table = _with_header(_csv_records(path.read_bytes(), "utf-8", ","))
    where = [table.header.index(name) if name in table.header else None for name in columns]
    return [[_as_text(row[i]) if i is not None else "" for i in where] for row in table.rows]


# --------------------------------------------------------------------------------------------- reading values


def _as_text(value: object) -> str:
    """A value as trimmed text; a typed 12.0 is the text 12."""
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float | Decimal):
        number = Decimal(str(value))
        if number == 0:
            return "0"
        # Beyond this it is no number anyone wrote, and writing it out could fill the memory.
        return f"{number.normalize():f}" if abs(number.adjusted()) < 40 else str(number)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == datetime.min.time() else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _cents(value: object) -> int:
    return int(Decimal(str(value)).quantize(Decimal("0.01"), ROUND_HALF_UP).scaleb(2))


@lru_cache
def _amount_pattern(decimal: str) -> re.Pattern[str]:
    point, group = (re.escape(sign) for sign in (decimal, "." if decimal == "," else ","))
    return re.compile(rf"([+-]?)€?([+-]?)((?:[0-9]{{1,3}}(?:{group}[0-9]{{3}})+|[0-9]+)(?:{point}[0-9]+)?)€?")


@lru_cache(maxsize=1 << 17, typed=True)
def _parse_amount(value: object, decimal: str, in_cents: bool) -> int | None:
    """The amount in cents, None where there is none to be read (more than DECIMAL(12,2) holds included)."""
    if in_cents:
        hundredfold = None if isinstance(value, str) and decimal in value else _parse_amount(value, decimal, False)
        return hundredfold // 100 if hundredfold is not None and hundredfold % 100 == 0 else None
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        number = Decimal(str(value))
    elif isinstance(value, str):
        match = _amount_pattern(decimal).fullmatch(re.sub(r"\s", "", value))
        if match is None or (match[1] and match[2]):
            return None
        digits = match[3].replace("." if decimal == "," else ",", "").replace(decimal, ".")
        number = Decimal(f"{match[1] or match[2]}{digits}")
    else:
        return None
    if not number.is_finite() or number.copy_abs() >= 10**10:
        return None
    cents = _cents(number)
    return cents if abs(cents) < 10**12 else None


@lru_cache(maxsize=1 << 17, typed=True)
def _parse_date(value: object, date_formats: tuple[str, ...]) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = _as_text(value)
    for date_format in date_formats:
        if date_format == "excel":
            if re.fullmatch(r"[0-9]{1,7}([.,][0-9]+)?", text) and 0 < int(re.split("[.,]", text)[0]) <= 2_958_465:
                return date(1899, 12, 30) + timedelta(days=int(re.split("[.,]", text)[0]))
            continue
        if re.search("%[a-zA-Z]%[a-zA-Z]", date_format) and len(text) != len(f"{date(2021, 12, 31):{date_format}}"):
            continue  # digits that touch are all there, or nobody knows which is which
        try:
            moment = datetime.strptime(text, date_format)  # noqa: DTZ007
        except ValueError:
            continue
        if date_format.endswith("Z"):
            moment = moment.replace(tzinfo=UTC)
        return (moment.astimezone(AMSTERDAM) if moment.tzinfo else moment).date()
    return None


YES, NO = ("ja", "j", "true", "1", "x"), ("nee", "n", "false", "0", "")
FLAGS = dict.fromkeys(YES, True) | dict.fromkeys(NO, False)


@lru_cache(maxsize=1 << 17)
def _parse_postcode(text: str) -> str | None:
    postcode = re.sub(r"\s", "", text).upper()
    return postcode if re.fullmatch(r"[1-9][0-9]{3}(?!SA|SD|SS)[A-Z]{2}", postcode) else None


@lru_cache(maxsize=1 << 17)
def _parse_house_number(text: str) -> tuple[int, str] | None:
    """The number in front, and what is written behind it."""
    match = re.fullmatch(r"0*([1-9][0-9]{0,4})(?![0-9])(.*)", text, re.DOTALL)
    return (int(match[1]), match[2]) if match else None


LEGAL_FORMS = frozenset(
    [
        "b.v.",
        "b.v",
        "bv.",
        "bv",
        "n.v.",
        "n.v",
        "nv.",
        "nv",
        "u.a.",
        "u.a",
        "stichting",
        "vereniging",
        "vve",
        "cooperatie",
    ]
)


def _plain(text: str) -> str:
    """Without case and accents."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


@lru_cache(maxsize=1 << 17)
def _is_legal_person(surname: str) -> bool:
    name = _plain(surname)
    if re.search(r"(?<!\w)inz(?:ake|\.)\W*\w", name):
        return False
    return any(word in LEGAL_FORMS for word in re.split(r"[\s()/&+;]+", name.partition(",")[0]))


# The words of BRP table 36 (voorvoegsels), without single letters, which are no names; a prefix of several words is taken
# off word by word.
SURNAME_PREFIXES = """
    aan af al am auf aus ben bij bin boven da dal dalla das de deca degli dei del della dem den der des di die do don dos
    du een el gen het im in la las le les lo los of onder op over te ten ter tho thoe thor to toe tot uijt uit unter van
    vd ver vom von voor vor zu zum zur
"""
PREFIX_WORDS = frozenset(SURNAME_PREFIXES.split())
# Of these people are called too.
ALSO_SURNAMES = frozenset(["al", "boven", "das", "do", "don", "du", "le", "lo", "los"])
# Of a double name these are no part where another follows.
BEFORE_HYPHEN = """
    aboe abou abu ait al ar ash az bint bni do du ech ed er ez ibn le lo mac mc ould oulad ouled saint san santa st ste
"""
BETWEEN_NAMES = re.compile(
    r"""
    &amp; | [/&+;()]
    | (?<=\s) (?: en/of | e/o | c\.q\. )
    | (?:(?<=\s)|^) (?:
        en\s?/\s?of | e\s?[./]?\s?[ov]\.? | c\.?\s?q\.? | en | of
        | geb\.? | geboren | echtg\.? | echtgenote | echtgenoot | wed\.? | weduwe | weduwnaar
    ) (?=\s|$)
    """,
    re.VERBOSE,
)


def _one_name(text: str) -> str | None:
    """Without initials and the prefixes around it; None where nothing of a name is left."""
    words = text.split()
    kept = [
        word.strip(".")
        for at, word in enumerate(words)
        if not re.fullmatch(r"(?:[a-z]\.?)+", word) or not ("." in word or len(word) == 1)
        if not (re.fullmatch(r"[a-z]{2,3}\.", word) and at + 1 < len(words))
    ]
    while len(kept) > 1 and kept[0] in PREFIX_WORDS:
        kept.pop(0)
    while len(kept) > 1 and kept[-1] in PREFIX_WORDS:
        kept.pop()
    name = " ".join(kept)
    return name if re.search(r"[^\W\d_]{2}", name) and name not in PREFIX_WORDS - ALSO_SURNAMES else None


@lru_cache(maxsize=1 << 17)
def _surnames(surname: str) -> frozenset[str]:
    """The names that two signals are compared by: without case and accents, joint and double names apart."""
    plain = re.sub("[\u2018\u2019\u201b\u2032`\u00b4]", "'", _plain(surname.lower().replace("\u00ff", "ij")))
    plain = plain.translate(str.maketrans("ıłøđð", "ilodd")).replace("æ", "ae").replace("œ", "oe")
    plain = re.sub("[\u2010-\u2014\u2212]", "-", plain)
    if on_behalf := re.search(r"(?<!\w)inz(?:ake|\.)[\s:]*(.*\w.*)", plain):
        plain = on_behalf[1]
    found = set()
    for joint in BETWEEN_NAMES.split(plain):
        part = re.sub(r"(?<!\w)[dl]'|(?<!\w)'[a-z](?![a-z])", "", joint.partition(",")[0]).replace("'", "")
        pieces = [piece.strip() for piece in part.split("-")]
        pieces = [piece for piece in pieces if piece and len(piece.strip(".")) > 1]
        parts = [piece for piece in pieces[:-1] if piece.removesuffix(".") not in BEFORE_HYPHEN.split()] + pieces[-1:]
        found |= {_one_name("-".join(pieces)), *map(_one_name, parts)}
    return frozenset(found - {None})


# -------------------------------------------------------------------------------------------------- addresses


ROMAN = ["I", "II", "III", "IV", "V"]
MEANINGS = {
    spelling: spellings[0]
    for spellings in [
        ["HS", "H", "HUIS", "BG", "BEGANEGROND"],
        *([f"{n}", roman, f"{n}HOOG", f"{n}HG", f"{n}E"] for n, roman in enumerate(ROMAN, 1)),
        ["RD", "R", "ROOD"],
        ["ZW", "Z", "ZWART"],
        ["BIS", "BS"],
        ["BEN", "BENEDEN"],
        ["BOV", "BOVEN"],
    ]
    for spelling in spellings
}


def _clean(text: str) -> str:
    return re.sub(r"[\s\-/.,]", "", text.upper())


def _meaning(suffix: str) -> str:
    without_zeros = re.sub(r"(?<![0-9])0+(?=[0-9])", "", suffix)
    return MEANINGS.get(without_zeros, without_zeros)


def _key_by_rule(postcode: str, number: int, suffix: str) -> str:
    """The key without a register: one letter is a house letter, the groups hold for what is longer."""
    if re.fullmatch(r"[A-Z]", suffix):
        return f"{postcode}_{number}_{suffix}_"
    meaning = _meaning(suffix)
    if match := re.fullmatch(r"([A-Z])([0-9]+)", meaning):
        return f"{postcode}_{number}_{match[1]}_{match[2]}"
    return f"{postcode}_{number}__{meaning}"


class Dwelling(NamedTuple):
    suffix: str
    municipality: str | None


class Address(NamedTuple):
    key: str
    status: str
    municipality: str | None

    @property
    def needs_review(self) -> bool:
        return self.status in ("ambiguous", "unknown")


def _register_parts(behind: str, letter: str, addition: str) -> tuple[str, str] | None:
    """Letter and addition of a register entry; None where its columns contradict what stands behind the number."""
    if behind in ("", letter, addition, letter + addition):
        return letter, addition
    match = re.fullmatch(r"([A-Z])([0-9]*)", behind)
    own_letter, own_addition = (match[1], match[2]) if match else ("", behind)
    if not addition and letter in ("", own_letter):
        return own_letter, own_addition
    if own_letter and not letter and own_addition in ("", addition):
        return own_letter, addition
    return None


class Addresses:
    """The address register and the postcode areas, and what they make of a written address (DOMAIN §6)."""

    def __init__(self, home: Path) -> None:
        self.dwellings: dict[tuple[str, int], dict[str, Dwelling]] = {}
        columns = ["postcode", "huisnummer", "huisletter", "huisnummertoevoeging", "gemeentecode"]
        for text, house_number, letter, addition, code in _reference_rows(
            home / "reference" / "addresses.csv", columns
        ):
            postcode, number = _parse_postcode(text), _parse_house_number(house_number)
            if postcode is None or number is None:
                continue
            parts = _register_parts(_clean(number[1]), _clean(letter), _clean(addition))
            if parts is None:
                continue
            letter, addition = parts
            at_number = self.dwellings.setdefault((postcode, number[0]), {})
            key = f"{postcode}_{number[0]}_{letter}_{addition}"
            if key not in at_number or at_number[key].municipality is None:
                at_number[key] = Dwelling(letter + addition, code or None)
        self.postcode_areas = [
            (int(low), int(high), code)
            for low, high, code in _reference_rows(
                home / "reference" / "municipalities.csv", ["postcode4_from", "postcode4_to", "gemeentecode"]
            )
        ]
        self._resolved: dict[tuple[str, int, str, str, str], Address] = {}

    def resolve(self, postcode: str, number: int, behind: str, letter: str, addition: str) -> Address:
        """`behind` stands behind the number in its own column, the others are the separate columns."""
        written = (postcode, number, behind, letter, addition)
        if written not in self._resolved:
            separate = _clean(letter) + _clean(addition)
            self._resolved[written] = self._resolve(postcode, number, _clean(behind), separate)
        return self._resolved[written]

    def _resolve(self, postcode: str, number: int, behind: str, separate: str) -> Address:
        at_number = self.dwellings.get((postcode, number), {})
        suffixes = {suffix for suffix in (behind, separate) if suffix} or {""}
        meanings = {_meaning(suffix) for suffix in suffixes}
        by_rule = _key_by_rule(postcode, number, behind or separate)
        by_table = self._municipality_by_postcode(postcode)

        same = [key for key, dwelling in at_number.items() if dwelling.suffix in suffixes]
        similar = [key for key, dwelling in at_number.items() if _meaning(dwelling.suffix) in meanings]
        if len(meanings) > 1:
            status = "ambiguous"  # two columns contradict each other
        elif not self.dwellings:
            return Address(by_rule, "unchecked", by_table)
        elif same:
            status = "exact" if len(same) == 1 else "ambiguous"
        elif similar:
            status = "normalised" if len(similar) == 1 else "ambiguous"
        else:
            status = "ambiguous" if meanings == {""} and len(at_number) > 1 else "unknown"

        if status == "unknown":
            return Address(by_rule, status, by_table)
        if status == "ambiguous":
            codes = sorted({dwelling.municipality for dwelling in at_number.values() if dwelling.municipality})
            return Address(f"{postcode}_{number}_?_", status, codes[0] if codes else by_table)
        key = (same or similar)[0]
        return Address(key, status, at_number[key].municipality or by_table)

    def _municipality_by_postcode(self, postcode: str) -> str | None:
        digits = int(postcode[:4])
        return next((code for low, high, code in self.postcode_areas if low <= digits <= high and code), None)


def _known_clients(home: Path, addresses: Addresses) -> tuple[dict[str, str], set[str]]:
    """By address key, who knows the address; and the addresses where a track was finished. An address that is not
    certain says nothing."""
    known: dict[str, set[str]] = {}
    finished: set[str] = set()
    columns = ["postcode", "huisnummer", "huisletter", "huisnummertoevoeging", "known_to", "status"]
    for text, house_number, letter, addition, known_to, status in _reference_rows(
        home / "reference" / "known_clients.csv", columns
    ):
        postcode, number = _parse_postcode(text), _parse_house_number(house_number)
        if postcode is None or number is None:
            continue
        address = addresses.resolve(postcode, number[0], number[1], letter, addition)
        if address.needs_review:
            continue
        if known_to:
            known.setdefault(address.key, set()).add(known_to)
        if status.casefold() == "afgerond":
            finished.add(address.key)
    return {key: ", ".join(sorted(values)) for key, values in known.items()}, finished


class Areas:
    """Which wijkteam works where: the first row of `areas.csv` that fits."""

    def __init__(self, home: Path) -> None:
        rows = _reference_rows(home / "reference" / "areas.csv", ["postcode_from", "postcode_to", "worklist"])
        self.ranges = [(_clean(low), _clean(high), worklist) for low, high, worklist in rows]

    def worklist(self, postcode: str) -> str | None:
        return next((name for low, high, name in self.ranges if low <= postcode <= high), None)


# -------------------------------------------------------------------------------------------------- the inbox


@dataclass
class File:
    """One version of a delivery: the bytes, when they first came, and what became of them."""

    partner: str
    month: date
    name: str
    sha256: str
    received_us: int
    size: int
    status: str = "accepted"
    refusal: str | None = None
    adds: bool | None = None
    # What a person decided: replacement, addition or refused.
    decision: str | None = None
    row_count: int | None = None
    accepted_count: int | None = None
    rejected_count: int | None = None
    reference_date_max: date | None = None
    columns: dict[str, list[Any]] = field(default_factory=dict)
    # Where its rows stand in the file, and how many rows that has.
    row_numbers: list[int] = field(default_factory=list)
    rows_in_file: int = 0

    @property
    def received_day(self) -> date:
        moment = EPOCH + timedelta(microseconds=self.received_us)
        return moment.astimezone(AMSTERDAM).date()

    @property
    def is_addition(self) -> bool:
        return self.decision == "addition" or (bool(self.adds) and self.decision != "replacement")

    @property
    def references(self) -> set[str]:
        return {_as_text(value) for value in self.columns.get("customer_reference", ())} - {""}

    def refuse(self, refusal: str) -> None:
        self.status, self.refusal = "refused", refusal


def _finished_files(folder: Path, now: datetime, settle_seconds: float) -> list[tuple[int, Path]]:
    """The regular files (no links) in a folder that nobody is writing, by their time in microseconds."""
    if folder.is_symlink() or not folder.is_dir():
        return []
    now_us = (now - EPOCH) // timedelta(microseconds=1)
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_file(follow_symlinks=False) or entry.name.lower().endswith(UNFINISHED):
                continue
            changed_us = entry.stat(follow_symlinks=False).st_mtime_ns // 1000
            if now_us - changed_us >= settle_seconds * 1_000_000:
                found.append((changed_us, Path(entry.path)))
    return sorted(found)


def _partner_folders(home: Path) -> list[Path]:
    inbox = home / "inbox"
    if not inbox.is_dir():
        return []
    folders = (path for path in inbox.iterdir() if path.is_dir() and not path.is_symlink())
    return sorted(path for path in folders if path.name not in RESERVED_INBOXES)


def _take_in(
    home: Path,
    month: date,
    agreements: dict[str, Agreement],
    settings: Settings,
    now: datetime,
    delivered: dict[str, set[str]],
    decisions: dict[tuple[str, str], str],
) -> list[File]:
    """All files of a month with their status. `delivered`: what each partner delivered for earlier months; `decisions`: by
    partner and bytes.
    """
    files: list[File] = []
    for folder in _partner_folders(home):
        agreement, seen = agreements.get(folder.name), set()
        for received_us, path in _finished_files(folder / f"{month:%Y-%m}", now, settings.settle_seconds):
            data = path.read_bytes()
            sha256 = hashlib.sha256(data).hexdigest()
            if sha256 in seen:
                continue  # the same bytes again: the first time and name stay
            seen.add(sha256)
            file = File(folder.name, month, path.name, sha256, received_us, len(data))
            if agreement and agreement.delivered_by:
                file.refuse("not_active")
            else:
                _read_file(file, data, agreement, settings)
            files.extend(_divided(file, agreement, agreements) if agreement and agreement.partners else [file])
    for file in files:
        if agreement := agreements.get(file.partner):
            served = [agreements[partner] for partner in agreement.partners.values()] or [agreement]
            file.adds = any(one.adds(file.name) for one in served)
            file.decision = decisions.get((file.partner, file.sha256))
            if file.decision == "refused" and file.refusal != "not_active":
                file.refuse("refused_by_person")
    usable: dict[str, list[File]] = defaultdict(list)
    for file in files:
        if file.status == "accepted" and file.rows_in_file and file.sha256 in delivered.get(file.partner, ()):
            file.refuse("stale_copy")
        if file.status == "accepted" and not file.is_addition:
            usable[file.partner].append(file)
    for partner, of_partner in usable.items():
        stands, *later = sorted(of_partner, key=lambda file: (file.received_us, file.name))
        for file in later:
            lacking = len(stands.references - file.references)
            most = agreements[partner].max_missing_share * len(stands.references)
            if lacking >= 5 and lacking > most and not file.decision and not agreements[partner].partners:
                file.status = "questioned"
            else:
                stands.status, stands = "superseded", file
    for file in files:
        if file.status != "refused":
            delivered.setdefault(file.partner, set()).add(file.sha256)
    return files


def _divided(file: File, sender: Agreement, agreements: dict[str, Agreement]) -> Iterator[File]:
    """The file of a sender as one of each partner in it, and one of itself with the rows that are of nobody it knows.

    One that cannot be used is the refused file of every partner that is owed too.
    """
    names = file.columns.pop(WHOSE, [None] * file.rows_in_file)
    whose = [sender.partners.get(_header(name), sender.partner) for name in names]
    for partner in [sender.partner, *sorted(set(sender.partners.values()))]:
        own = [number for number, of in enumerate(whose) if of == partner]
        part = replace(
            file,
            partner=partner,
            row_count=None if file.row_count is None else len(own),
            columns={name: [values[number] for number in own] for name, values in file.columns.items()},
            row_numbers=[number + 1 for number in own],
        )
        part.reference_date_max = _newest(part, sender)
        active = agreements[partner].is_active(file.month)
        if not active:
            part.refuse("not_active")
        if partner == sender.partner or own or (active and file.status == "refused"):
            yield part


def _newest(file: File, agreement: Agreement) -> date | None:
    read = (_parse_date(value, agreement.date_formats) for value in file.columns.get("reference_date", ()))
    return max((day for day in read if day), default=None)


def _read_file(file: File, data: bytes, agreement: Agreement | None, settings: Settings) -> None:
    if agreement is None:
        return file.refuse("unknown_partner")
    active = agreement.is_active(file.month)
    if not active:
        file.refuse("not_active")
    if file.size > settings.max_file_mb * 1024 * 1024:
        # What is too large is not read, so its rows are not counted either.
        return file.refuse("too_large") if active else None
    try:
        file.columns, file.row_count, complete = _read_delivery(data, agreement)
    except UnreadableError:
        return file.refuse("unreadable") if active else None
    if active and not complete:
        file.refuse("missing_columns")
    file.row_numbers, file.rows_in_file = list(range(1, file.row_count + 1)), file.row_count
    file.reference_date_max = _newest(file, agreement)
    return None


def _references(folder: Path, now: datetime, settle_seconds: float) -> set[str]:
    """The customer references in the withdrawals or confirmations of one partner and month."""
    found: set[str] = set()
    for _, path in _finished_files(folder, now, settle_seconds):
        try:
            table = _with_header(_csv_records(path.read_bytes(), "utf-8", ","))
        except UnreadableError:
            continue
        if table.header.count("customer_reference") == 1:
            position = table.header.index("customer_reference")
            found |= {_as_text(row[position]) for row in table.rows}
    return found - {""}


# --------------------------------------------------------------------------------------------------- the rows


def _objects(values: Sequence[Any]) -> pd.Series:
    return pd.Series(list(values), dtype=object)


def _days(values: Sequence[date | None]) -> np.ndarray:
    return np.array(values, dtype="datetime64[D]")


def _judge(
    files: list[File], agreement: Agreement, addresses: Addresses
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Of each file of a delivery every row in exactly one of two frames: signals, and rejected rows with all reasons."""
    judged = [_judge_file(file, agreement, addresses) for file in files]
    if len(files) > 1:
        _judge_together(judged)
    for each in judged:
        yield _divided_rows(each, agreement)


@dataclass
class Judged:
    """The rows of a file: what was read of them, and which rules they break."""

    file: File
    rows: pd.DataFrame
    found: dict[str, np.ndarray]
    # Reference and address of each row, where both are to be read.
    whose: list[tuple[str, str] | None]

    @property
    def rejected(self) -> np.ndarray:
        return np.column_stack([self.found[reason] for reason in REASONS]).any(axis=1)


def _judge_together(judged: list[Judged]) -> None:
    """What rows of several files say of one customer at one address."""
    told: dict[tuple[str, str], list[tuple[Judged, int]]] = defaultdict(list)
    for of_file in sorted(judged, key=lambda each: (each.file.received_us, each.file.name)):
        for place, whose in enumerate(of_file.whose):
            if whose:
                told[whose].append((of_file, place))
    for places in told.values():
        if len({id(of_file) for of_file, _ in places}) == 1:
            continue
        if any(of_file.found["objection"][place] for of_file, place in places):
            for of_file, place in places:
                of_file.found["objection"][place] = True
        crises = [of_file for of_file, place in places if of_file.rows["crisis"][place]]
        valid = [(of_file, place) for of_file, place in places if not of_file.rejected[place]]
        for of_file, place in valid[:-1]:
            of_file.found["replaced_by_later_file"][place] = True
        for of_file, place in valid[-1:]:
            of_file.rows.at[place, "first_received_day"] = valid[0][0].file.received_day
            if crises:
                of_file.rows.at[place, "crisis"] = True
                of_file.rows.at[place, "crisis_received_day"] = crises[0].file.received_day


def _judge_file(file: File, agreement: Agreement, addresses: Addresses) -> Judged:
    """The rows of one file, each with the rules that it breaks by itself."""
    count = file.row_count or 0
    raw = {name: file.columns.get(name, [None] * count) for name in FIELDS}
    text = {name: [_as_text(value) for value in values] for name, values in raw.items()}
    in_days = DAYS in agreement.columns
    if in_days:
        text["arrears_since"] = [_as_text(value) for value in file.columns[DAYS]]
    present = {name: np.array([value != "" for value in values], dtype=bool) for name, values in text.items()}

    dates = {name: [_parse_date(value, agreement.date_formats) for value in raw[name]] for name in DATE_FIELDS}
    if in_days:
        told = [int(days) if re.fullmatch("[0-9]{1,5}", days) else None for days in text["arrears_since"]]
        dates["arrears_since"] = [
            read_on - timedelta(days=days) if read_on and days is not None else None
            for read_on, days in zip(dates["reference_date"], told, strict=True)
        ]
    flags = {name: [FLAGS.get(value.casefold()) for value in text[name]] for name in FLAG_FIELDS}
    yes = {name: np.array([value is True for value in values], dtype=bool) for name, values in flags.items()}
    read_cents = [_parse_amount(value, agreement.decimal, agreement.in_cents) for value in raw["amount_due"]]
    has_amount = np.array([value is not None for value in read_cents], dtype=bool)
    cents = np.array([value or 0 for value in read_cents], dtype=np.int64)

    postcodes = [_parse_postcode(value) for value in text["postcode"]]
    numbers = [_parse_house_number(value) for value in text["house_number"]]
    has_postcode = np.array([value is not None for value in postcodes], dtype=bool)
    has_number = np.array([value is not None for value in numbers], dtype=bool)
    located = [
        addresses.resolve(postcode, number[0], number[1], letter, addition) if postcode and number else None
        for postcode, number, letter, addition in zip(
            postcodes, numbers, text["house_letter"], text["house_number_addition"], strict=True
        )
    ]
    keys = [address and address.key for address in located]
    codes, served = [address and address.municipality for address in located], agreement.municipalities

    since, read_on = _days(dates["arrears_since"]), _days(dates["reference_date"])
    both_days = ~np.isnat(since) & ~np.isnat(read_on)
    days = np.where(both_days, (read_on - since).astype(np.int64), 0)
    max_days = np.inf if agreement.max_days is None else agreement.max_days
    due = np.datetime64(_due_date(file.month, agreement.due_working_day), "D")
    oldest = due - np.timedelta64(agreement.max_age_days, "D")

    wrong_date = both_days & (since > read_on)
    for name in DATE_FIELDS:
        if name == "arrears_since" and in_days:
            wrong_date |= present[name] & np.array([days is None for days in told], dtype=bool)
        else:
            wrong_date |= present[name] & np.isnat(_days(dates[name]))
    wrong_flag = np.zeros(count, dtype=bool)
    for values in flags.values():
        wrong_flag |= np.array([value is None for value in values], dtype=bool)
    again = pd.DataFrame({"reference": _objects(text["customer_reference"]), "key": _objects(keys)})
    is_comparable = present["customer_reference"] & has_postcode & has_number

    found = {f"missing_{word}": ~present[name] for name, word in REQUIRED.items()} | {
        "invalid_postcode": present["postcode"] & ~has_postcode,
        "invalid_house_number": present["house_number"] & ~has_number,
        "invalid_amount": present["amount_due"] & (~has_amount | (cents <= 0)),
        "invalid_date": wrong_date,
        "invalid_flag": wrong_flag,
        "future_date": read_on > np.datetime64(file.received_day, "D"),
        "outdated": read_on < oldest,
        "below_threshold": has_amount & (cents < agreement.min_cents) & ~yes["crisis"] & (not agreement.light_track),
        "too_few_days": both_days & (days < agreement.min_days) & ~yes["crisis"],
        "too_many_days": both_days & (days > max_days) & ~yes["crisis"],
        "outside_area": np.array([code is not None and code not in served for code in codes], dtype=bool),
        "legal_person": np.array([_is_legal_person(name) for name in text["surname"]], dtype=bool),
        "objection": yes["objection"],
        "duplicate_in_delivery": is_comparable & again.duplicated().to_numpy(dtype=bool),
        "replaced_by_later_file": np.zeros(count, dtype=bool),
        "unknown_partner_in_file": np.zeros(count, dtype=bool),
    }
    rows = pd.DataFrame(
        {name: _objects([value or None for value in text[name]]) for name in TEXT_FIELDS}
        | {name: _objects(values) for name, values in dates.items()}
        | {name: yes[name] for name in ("crisis", "warm_handover")}
        # A file without the column does not say that none was sent.
        | {"reminder_sent": _objects(flags["reminder_sent"] if "reminder_sent" in file.columns else [None] * count)}
        | {
            "row_number": np.array(file.row_numbers, dtype=np.int64),
            "postcode": _objects(postcodes),
            "address_key": _objects(keys),
            "address_status": _objects([a and a.status for a in located]),
            "needs_review": np.array([bool(a and a.needs_review) for a in located], dtype=bool),
            "municipality": _objects(codes),
            "cents": cents,
            "days_in_arrears": days,
            "first_received_day": _objects([file.received_day] * count),
            "crisis_received_day": _objects([file.received_day if told else None for told in yes["crisis"]]),
        }
    )
    whose = [
        (reference, str(key)) if comparable else None
        for reference, key, comparable in zip(text["customer_reference"], keys, is_comparable, strict=True)
    ]
    return Judged(file, rows, found, whose)


def _divided_rows(judged: Judged, agreement: Agreement) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Signals, and rejected rows with all reasons."""
    file, count = judged.file, len(judged.rows)
    verdicts = np.column_stack([judged.found[reason] for reason in REASONS]).reshape(count, len(REASONS))
    is_rejected = judged.rejected
    names = list(REASONS)
    reasons = [[names[i] for i in np.flatnonzero(row)] for row in verdicts[is_rejected]]
    rejected = pd.DataFrame(
        {
            "file_sha256": file.sha256,
            "row_number": np.array(file.row_numbers, dtype=np.int64)[is_rejected],
            "month": _objects([file.month] * len(reasons)),
            "partner": file.partner,
            "reasons": _objects(reasons),
            "ddas_status": _objects([next(filter(None, map(REASONS.get, row)), None) for row in reasons]),
        }
    )

    signals = judged.rows[~is_rejected].reset_index(drop=True)
    stem = f"{file.partner}-{file.month:%Y%m}-{file.sha256[:12]}"
    signals["signal_id"] = _objects([f"{stem}-{number}" for number in signals["row_number"]])
    signals["month"] = _objects([file.month] * len(signals))
    signals["partner"] = _objects([file.partner] * len(signals))
    signals["partner_type"] = _objects([agreement.type] * len(signals))
    signals["file_sha256"] = file.sha256
    is_low = (signals["cents"] < agreement.min_cents) & ~signals["crisis"].astype(bool)
    signals["on_light_track"] = is_low & agreement.light_track
    file.accepted_count, file.rejected_count = len(signals), len(rejected)
    return signals, rejected


def _of_nobody(file: File) -> pd.DataFrame:
    """The rows of a sender's file that are of no partner it knows: all rejected, by no other rule."""
    count = len(file.row_numbers)
    file.accepted_count, file.rejected_count = 0, count
    return pd.DataFrame(
        {
            "file_sha256": file.sha256,
            "row_number": file.row_numbers,
            "month": _objects([file.month] * count),
            "partner": file.partner,
            "reasons": _objects([["unknown_partner_in_file"]] * count),
            "ddas_status": _objects([None] * count),
        }
    )


def _hold_back(signals: pd.DataFrame, folder: Path, agreement: Agreement, now: datetime, settle: float) -> pd.Series:
    """The reason why a signal waits (DOMAIN §10), None where it does not; a withdrawal goes first."""
    withdrawn = signals["customer_reference"].isin(_references(folder / "withdrawals", now, settle))
    held = _objects([None] * len(signals))
    if agreement.confirmation:
        confirmed = _references(folder / "confirmations", now, settle)
        held[~signals["customer_reference"].isin(confirmed)] = "not_confirmed"
    held[withdrawn] = "withdrawn"
    return held


# ---------------------------------------------------------------------------------------- from signal to list


def _stack(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    kept = [frame for frame in frames if len(frame)]
    return pd.concat(kept, ignore_index=True) if kept else pd.DataFrame()


def _find_repeats(signals: pd.DataFrame, earlier: pd.DataFrame, succession: Succession) -> pd.DataFrame:
    """Which of the (not held) signals say again what was picked up in the months that count (`earlier`)."""
    if signals.empty or earlier.empty:
        return pd.DataFrame()
    pairs = signals[["signal_id", "month", "partner", "customer_reference", "address_key", "cents"]].merge(
        earlier[["signal_id", "month", "partner", "customer_reference", "address_key", "cents"]],
        on=["customer_reference", "address_key"],
        suffixes=("", "_before"),
    )
    pairs["distance"] = [
        succession.distance[now].get(before, -1)
        for now, before in zip(pairs["partner"], pairs["partner_before"], strict=True)
    ]
    pairs = pairs[(pairs["distance"] >= 0) & (pairs["cents_before"] >= pairs["cents"])]
    # The latest first, in one month the partner's own before a predecessor's, the nearest of those first.
    pairs = pairs.sort_values(["month_before", "distance", "partner_before"], ascending=[False, True, True])
    pairs = pairs.drop_duplicates("signal_id").rename(columns={"signal_id_before": "repeats_signal_id"})
    return pairs[["signal_id", "month", "repeats_signal_id"]]


def _match(signals: pd.DataFrame, month: date, housing: set[str]) -> pd.DataFrame:
    """One row per address of the signals that are not held. What is on the light track makes no multiple and no rent."""
    if signals.empty:
        return pd.DataFrame()
    light = signals["on_light_track"].astype(bool)
    marked = signals.assign(has_rent=signals["partner_type"].isin(housing) & ~light)
    by_address = marked.groupby("address_key")
    matches = by_address.agg(
        signal_count=("signal_id", "size"),
        light_signal_count=("on_light_track", "sum"),
        all_partner_count=("family", "nunique"),
        partners=("partner", lambda values: sorted(set(values))),
        partner_types=("partner_type", lambda values: sorted(set(values))),
        total_cents=("cents", "sum"),
        longest_days=("days_in_arrears", "max"),
        has_rent=("has_rent", "any"),
        has_crisis=("crisis", "any"),
        needs_review=("needs_review", "any"),
        warm_handover=("warm_handover", "any"),
        earliest_arrears_since=("arrears_since", "min"),
        only_repeats=("is_repeat", "all"),
        first_received=("first_received_day", "min"),
        postcode=("postcode", "first"),
    ).reset_index()
    crisis = marked[marked["crisis"]].groupby("address_key")["crisis_received_day"].min()
    matches["first_crisis_received"] = _objects([crisis.get(key) for key in matches["address_key"]])
    full_partners = marked[~light].groupby("address_key")["family"].nunique()
    counted = matches["address_key"].map(full_partners).fillna(0).astype(np.int64)
    matches["partner_count"] = np.where(counted > 0, counted, matches["all_partner_count"])
    matches["is_light"] = counted == 0
    matches["match_kind"] = np.where(counted >= 2, "multiple", "single")
    matches["month"] = _objects([month] * len(matches))
    return matches


def _look_back(
    matches: pd.DataFrame, signals: pd.DataFrame, reported: pd.DataFrame, people: pd.DataFrame, month: date
) -> pd.DataFrame:
    """Recidivism of a month's addresses. `reported` has the address-months that count as reported in the
    look-back, `people` the not-held signals of those months."""
    if matches.empty:
        return pd.DataFrame()
    history = matches[["month", "address_key", "only_repeats"]].copy()
    now = _month_number(month)
    if reported.empty:
        reported = pd.DataFrame({"address_key": _objects([]), "number": np.array([], dtype=np.int64)})
    figures = reported.groupby("address_key")["number"].agg(["min", "max", "size"])
    figures = figures.reindex(history["address_key"]).reset_index(drop=True)
    is_known = figures["size"].notna()
    last = figures["max"].fillna(-1).astype(np.int64)
    history["recidivism_kind"] = np.select([~is_known, last == now - 1], ["new", "consecutive"], "returning")
    history["is_recidivist"] = is_known
    history["times_reported"] = figures["size"].fillna(0).astype(np.int64)
    history["months_since_last"] = (now - figures["max"]).astype("Int64")
    for column, source in (("first_reported_month", "min"), ("last_reported_month", "max")):
        history[column] = _objects([_month_of(int(n)) if n == n else None for n in figures[source]])

    same_people: set[str] = set()
    if len(reported) and len(people):
        seen = people.merge(reported, on=["address_key", "number"])
        for column in ("surnames", "birth_date"):
            pairs = [frame[["address_key", column]].explode(column) for frame in (signals, seen)]
            sides = [frame[frame[column].notna()] for frame in pairs]
            same_people |= set(sides[0].merge(sides[1].drop_duplicates())["address_key"])
    history["possible_new_occupant"] = is_known & ~history["address_key"].isin(same_people)
    return history


def _prioritise(
    matches: pd.DataFrame,
    history: pd.DataFrame,
    month: date,
    settings: Settings,
    areas: Areas,
    known: dict[str, str],
    finished: set[str],
) -> pd.DataFrame:
    """Tier, list, rank, action and deadline of every address that has anything new to say."""
    if matches.empty:
        return pd.DataFrame()
    extra = history[["address_key", "is_recidivist", "possible_new_occupant"]]
    entries = matches[~matches["only_repeats"]].merge(extra, on="address_key").reset_index(drop=True)
    if entries.empty:
        return pd.DataFrame()
    several = entries["match_kind"] == "multiple"
    entries["tier"] = np.select(
        [
            entries["has_crisis"],
            entries["has_rent"] & several,
            entries["has_rent"],
            several,
            entries["total_cents"] >= _cents(settings.high_amount),
        ],
        range(5),
        5,
    )
    entries["tier_name"] = entries["tier"].map(dict(enumerate(TIER_NAMES)))
    team = {postcode: areas.worklist(postcode) or "adresdesk" for postcode in entries["postcode"].unique()}
    entries["worklist"] = np.select(
        [
            entries["needs_review"],
            entries["is_recidivist"] & ~entries["possible_new_occupant"] & ~entries["is_light"],
            entries["tier"] <= 3,
        ],
        ["adresdesk", "budgetcoach", entries["postcode"].map(team).astype(object)],
        "lichte_opvolging",
    )

    order = ["worklist", "tier", "partner_count", "longest_days", "total_cents", "address_key"]
    entries = entries.sort_values(order, ascending=[True, True, False, False, False, True], ignore_index=True)
    entries["rank"] = entries.groupby("worklist").cumcount() + 1

    action = entries["tier"].map(dict(enumerate(TIER_ACTIONS))).astype(object)
    if not settings.home_visits_allowed(month):
        action[action == "home_visit"] = "phone"
    action[(action == "letter") & entries["address_key"].isin(finished)] = "phone"
    action[entries["worklist"] == "adresdesk"] = "check_address"
    is_visit = action == "home_visit"
    capacity = entries["worklist"].map(settings.capacity or {}).astype("Float64").fillna(np.inf)
    over = is_visit & (is_visit.groupby(entries["worklist"]).cumsum() > capacity).astype(bool)
    action[over] = "phone"
    entries["action"], entries["over_capacity"] = action, over

    entries["deadline"] = _objects(
        [
            _add_working_days(crisis, 3) if tier == 0 else first + timedelta(days=28)
            for tier, first, crisis in zip(
                entries["tier"], entries["first_received"], entries["first_crisis_received"], strict=True
            )
        ]
    )
    entries["known_to"] = _objects([known.get(key) for key in entries["address_key"]])
    return entries


# ------------------------------------------------------------------------------------------------ the program


def _publish(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """The table with its promised columns, in their types and in the order of its key."""
    for column, source in (("amount_due", "cents"), ("total_amount", "total_cents")):
        if column in TABLES[name] and source in frame:
            frame = frame.assign(**{column: _objects([Decimal(int(n)).scaleb(-2) for n in frame[source]])})
    columns = {}
    for column, kind in TABLES[name].items():
        values = frame[column] if len(frame) else pd.Series([], dtype=object)
        if kind == "o":
            columns[column] = values.astype(object).where(values.notna(), None)
        else:
            kinds = {"i": "int64", "n": "Int64", "b": "bool", "t": "datetime64[us, UTC]"}
            columns[column] = values.astype(kinds[kind])
    return pd.DataFrame(columns).sort_values(TABLE_KEYS[name], ignore_index=True)


def _file_rows(files: list[File]) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "file_sha256": [f.sha256 for f in files],
            "partner": [f.partner for f in files],
            "month": _objects([f.month for f in files]),
            "file_name": [f.name for f in files],
            "received_at": pd.to_datetime([f.received_us for f in files], unit="us", utc=True),
            "size_bytes": [f.size for f in files],
            "status": [f.status for f in files],
            "refusal": _objects([f.refusal for f in files]),
            "adds": _objects([f.adds for f in files]),
            "reference_date_max": _objects([f.reference_date_max for f in files]),
        }
    )
    for column in ("row_count", "accepted_count", "rejected_count"):
        frame[column] = pd.array([getattr(f, column) for f in files], dtype="Int64")
    return frame


def _run(
    home: Path,
    months: list[str],
    now: datetime | None,
    seconds: defaultdict[str, float],
    decisions: dict[tuple[date, str, str], str],
    ended: list[tuple[float, float]] | None = None,
) -> dict[str, pd.DataFrame]:
    @contextmanager
    def timed(table: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        seconds[table] += time.perf_counter() - started

    home, now = Path(home), (now or datetime.now(UTC)).astimezone(UTC)
    settings = Settings.load(home)
    agreements = {name: each.under(settings) for name, each in Agreement.load_all(home / "agreements").items()}
    succession = Succession(agreements)
    housing = {"Huur", "Hypotheek"} if settings.mortgage_is_housing else {"Huur"}
    with timed("validated_signals"):
        addresses, areas = Addresses(home), Areas(home)
    with timed("prioritised_worklists"):
        known, finished = _known_clients(home, addresses)

    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    all_files: list[File] = []
    delivered: dict[str, set[str]] = {}
    # What later months need of earlier ones, by month number.
    past_signals: dict[int, pd.DataFrame] = {}
    past_reported: dict[int, pd.DataFrame] = {}

    for month in sorted({_parse_month(name) for name in months}):
        number = _month_number(month)
        with timed("delivery_files"):
            decided = {(partner, sha): what for (of, partner, sha), what in decisions.items() if of == month}
            files = _take_in(home, month, agreements, settings, now, delivered, decided)
            all_files.extend(files)

        with timed("validated_signals"):
            judged = []
            accepted: dict[str, list[File]] = defaultdict(list)
            for file in files:
                if file.status == "accepted" and agreements[file.partner].partners:
                    parts["rejected_rows"].append(_of_nobody(file))
                elif file.status == "accepted":
                    accepted[file.partner].append(file)
            for partner, of_partner in accepted.items():
                agreement, folder = agreements[partner], home / "inbox" / partner / f"{month:%Y-%m}"
                for signals, rejected in _judge(of_partner, agreement, addresses):
                    held = _hold_back(signals, folder, agreement, now, settings.settle_seconds)
                    signals["held_reason"] = held
                    judged.append(signals)
                    parts["rejected_rows"].append(rejected)
            for file in files:
                file.columns = {}
            signals = _stack(judged)
            parts["validated_signals"].append(signals)
            if len(signals):
                signals["family"] = signals["partner"].map(succession.family)
                signals["surnames"] = _objects([sorted(_surnames(name)) for name in signals["surname"]])
                signals["number"] = number
                signals = signals[signals["held_reason"].isna()].reset_index(drop=True)

        with timed("repeat_signals"):
            window = range(number - settings.repeat_months, number)
            earlier = _stack(past_signals[n] for n in window if n in past_signals)
            if len(earlier):
                earlier = earlier[~earlier["is_repeat"] & ~earlier["needs_review"]]
            repeats = _find_repeats(signals, earlier, succession)
            if len(signals):
                signals["is_repeat"] = signals["signal_id"].isin(repeats["signal_id"] if len(repeats) else [])
            past_signals[number] = signals
            parts["repeat_signals"].append(repeats)

        with timed("address_matches"):
            matches = _match(signals, month, housing)
            parts["address_matches"].append(matches)

        with timed("recidivism_history"):
            window = range(number - settings.lookback_months, number)
            reported = _stack(past_reported[n] for n in window if n in past_reported)
            people = _stack(
                past_signals[n][["address_key", "number", "surnames", "birth_date"]]
                for n in window
                if len(past_signals.get(n, ()))
            )
            history = _look_back(matches, signals, reported, people, month)
            parts["recidivism_history"].append(history)
            if len(matches):
                of_month = matches.loc[~matches["only_repeats"], ["address_key"]]
                past_reported[number] = of_month.assign(number=number)

        with timed("prioritised_worklists"):
            entries = _prioritise(matches, history, month, settings, areas, known, finished)
            parts["prioritised_worklists"].append(entries)

        with timed("worklist_issues"):
            # A warehouse that is new has sent nothing before: all of it is the first issue.
            if len(entries):
                issue = entries[["month", "worklist", "address_key"]].assign(issue=1, change="added")
                parts["worklist_issues"].append(issue)
        if ended is not None:
            ended.append((time.perf_counter(), time.process_time()))

    tables = {}
    for name in TABLES:
        with timed(name):
            rows = _file_rows(all_files) if name == "delivery_files" else _stack(parts[name])
            tables[name] = _publish(name, rows)
    return tables


def run(
    home: Path,
    months: list[str],
    now: datetime | None = None,
    decisions: dict[tuple[date, str, str], str] | None = None,
) -> dict[str, pd.DataFrame]:
    """The tables of DOMAIN §11 for these months (`YYYY-MM`), oldest first, as a fresh warehouse has them.

    `now` is the moment the inbox is read: what changed less than `settle_seconds` before it is left alone.
    `decisions`: what people decided of files, by month, partner and SHA-256.
    """
    return _run(home, months, now, defaultdict(float), decisions or {})


def main(arguments: list[str], json_wanted: bool = False) -> None:
    home, first, last = Path(arguments[0]), _parse_month(arguments[1]), _parse_month(arguments[2])
    months = [f"{_month_of(n):%Y-%m}" for n in range(_month_number(first), _month_number(last) + 1)]
    seconds: defaultdict[str, float] = defaultdict(float)
    ended = [(time.perf_counter(), time.process_time())]
    tables = _run(home, months, None, seconds, {}, ended)
    if json_wanted:
        of_last = tables["address_matches"]["month"].max()
        rows = {name: int((table["month"] == of_last).sum()) for name, table in tables.items()}
        took, processor = (after - before for before, after in zip(ended[-2], ended[-1], strict=True))
        print(json.dumps({"seconds": took, "processor": processor, "rows": rows}))
        return
    for name, table in tables.items():
        print(f"{name:<24}{len(table):>10,} rows{seconds[name]:>9.2f} s")
    print(f"{'all':<24}{sum(map(len, tables.values())):>10,} rows{sum(seconds.values()):>9.2f} s")


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit("usage: pandas_month HOME FROM TO [--json]   (months as YYYY-MM; --json: the last month alone)")
    main(sys.argv[1:4], json_wanted=sys.argv[4:] == ["--json"])
