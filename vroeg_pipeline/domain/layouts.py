"""The layout of a file: how it is written, and where in it each field stands (DOMAIN §4).

A layout is the part of an agreement that a reader needs; what it says is read by `formats`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from vroeg_pipeline.domain.fields import DATE_FIELDS, DELIVERED_FIELDS, REQUIRED_FIELDS, header_name
from vroeg_pipeline.domain.reading import StrictModel, nearest

USUAL_DATE = "%d-%m-%Y"
# Serial numbers of Excel among the formats of a date: days since 1899-12-30.
EXCEL_SERIAL = "excel"
# The column of who a row is of, in a file of several partners.
PARTNER_IN_FILE = "partner_in_file"

# Directives that Python and DuckDB read alike; names of months and days depend on a language and are left out.
_DATE_DIRECTIVES = frozenset("dmYyjHMSfz%")
# How many digits each has where it is written in full; an offset stands apart by its sign.
DIGITS = {"Y": 4, "y": 2, "m": 2, "d": 2, "j": 3, "H": 2, "M": 2, "S": 2, "f": 6}
_SAMPLE_DAYS = (date(2021, 2, 3), date(2023, 12, 1))
_FROM_NAME = re.compile(r'from_name\s+(["\']?)(?P<format>.+)\1')
_SPAN = re.compile(r"([1-9][0-9]{0,5})\s*-\s*([1-9][0-9]{0,5})")
_PLACE = re.compile(r"\{(\w*)\}")


class FileForm(StrictModel):
    """How a file is written, whatever stands in it."""

    format: Literal["csv", "xlsx", "json", "jsonl", "xml", "fixed"]
    packed: Literal["gz", "zip"] | None = None
    encoding: str = "utf-8"
    delimiter: str = ";"
    decimal: Literal[",", "."] = ","
    date_format: tuple[str, ...] = (USUAL_DATE,)
    unit: Literal["euro", "cents"] = "euro"
    header_row: int | None = Field(default=None, ge=0)
    skip_rows: int | None = Field(default=None, ge=0)
    sheet: int | str | None = None
    records_at: str | None = None
    fields: dict[str, str] = Field(default_factory=dict)

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            "".encode("utf-8" if value == "auto" else value)
        except (LookupError, ValueError):
            raise ValueError(f"'{value}' is not an encoding; utf-8, cp1252 and auto are usual") from None
        return value

    @field_validator("delimiter")
    @classmethod
    def _single_delimiter(cls, value: str) -> str:
        if len(value) != 1 or value in '"\r\n':
            raise ValueError('one character is expected, for example ";" or "\\t"')
        return value

    @field_validator("date_format", mode="before")
    @classmethod
    def _one_or_more(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("date_format")
    @classmethod
    def _whole_dates(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        formats = [date_format for date_format in value if date_format != EXCEL_SERIAL]
        if not value:
            raise ValueError("a format like %d-%m-%Y is expected")
        for date_format in formats:
            _check_date_format(date_format)
        for one in formats:
            for other in formats:
                if any(_read_otherwise(day, one, other) for day in _SAMPLE_DAYS):
                    raise ValueError(f"one text would be two dates by {one} and {other}; keep one of them")
        return value

    @field_validator("sheet")
    @classmethod
    def _sheet_from_one(cls, value: int | str | None) -> int | str | None:
        if isinstance(value, int) and value < 1:
            raise ValueError("a name or a position from 1 is expected")
        return value

    @field_validator("records_at")
    @classmethod
    def _whole_path(cls, value: str | None) -> str | None:
        if value is not None and not all(part.strip() for part in value.split(".")):
            raise ValueError("names with a point between them are expected, for example data.signalen")
        return value

    @field_validator("fields")
    @classmethod
    def _spans(cls, value: dict[str, str]) -> dict[str, str]:
        for name, span in value.items():
            if span_of(span) is None:
                raise ValueError(f"'{name}': characters from-to are expected, for example 1-10")
        return value

    @model_validator(mode="after")
    def _options_of_the_format(self) -> FileForm:
        if self.header_row is not None and self.skip_rows is not None:
            raise ValueError("header_row and skip_rows say the same; keep one of them")
        has_lines = self.format in ("csv", "xlsx", "fixed")
        for option, is_set, holds in (
            ("header_row", self.header_row is not None, has_lines),
            ("skip_rows", self.skip_rows is not None, has_lines),
            ("sheet", self.sheet is not None, self.format == "xlsx"),
            ("records_at", self.records_at is not None, self.format in ("json", "xml")),
            ("fields", bool(self.fields), self.format == "fixed"),
        ):
            if is_set and not holds:
                raise ValueError(f"{option} is no option of format {self.format}")
        if self.format == "xml" and self.records_at is None:
            raise ValueError("records_at is expected: the path of the repeated element, for example root.signaal")
        return self

    @property
    def is_by_position(self) -> bool:
        """Whether columns are known by their place, as there is no header."""
        return self.format == "fixed" or self.header_row == 0

    @property
    def lines_above(self) -> int:
        """How many lines or rows stand above the header; where there is none, above the first row."""
        if self.skip_rows is not None:
            return self.skip_rows
        if self.format == "fixed":
            return self.header_row or 0
        return max(0, (self.header_row or 1) - 1)

    @property
    def has_one_header(self) -> bool:
        """Whether the headers stand in one row, and not in each object or element again."""
        return self.format in ("csv", "xlsx")

    @property
    def dates(self) -> str:
        """The agreed formats of dates as one text, by which `date_of` of the macros knows them."""
        return " | ".join(self.date_format)

    @property
    def written_date(self) -> str:
        """The first format that is one of text; the usual one where there is none."""
        return next((date_format for date_format in self.date_format if date_format != EXCEL_SERIAL), USUAL_DATE)


class Layout(StrictModel):
    """The form of a file, and where each field stands in it.

    `columns`: a field to its headers, of which the first that the file has counts. Without a header these are positions
    from 1 as text, in a fixed-width file characters from-to or a name of its `fields`, in JSON and XML dotted paths.
    `ignored_columns`: headers that the file may have besides, and that nobody needs to hear of.
    """

    # In this order, as the columns are checked against all else.
    delivery: FileForm
    constants: dict[str, str] = Field(default_factory=dict)
    split: dict[str, str] = Field(default_factory=dict)
    partner_column: str | None = None
    columns: dict[str, tuple[str, ...]]
    ignored_columns: tuple[str, ...] = ()

    @field_validator("constants", mode="before")
    @classmethod
    def _texts(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        for field, constant in value.items():
            if isinstance(constant, date):
                raise ValueError(f"'{field}': a date is expected in quotes, as date_format says")
        words = {True: "ja", False: "nee"}
        return {f: words[c] if isinstance(c, bool) else str(c) if isinstance(c, int) else c for f, c in value.items()}

    @field_validator("constants")
    @classmethod
    def _right_constants(cls, value: dict[str, str]) -> dict[str, str]:
        for field, constant in value.items():
            _check_field(field)
            if not constant.strip():
                raise ValueError(f"'{field}' has no value")
            date_format = from_name(constant)
            if date_format is None and constant.startswith("from_name"):
                raise ValueError(f"'{field}': from_name is written as from_name \"%Y%m%d\"")
            if date_format is not None:
                if field not in DATE_FIELDS:
                    raise ValueError(f"'{field}': from_name gives a date, for {', '.join(DATE_FIELDS)} alone")
                _check_date_format(date_format)
                if "%z" in date_format:
                    raise ValueError(f"'{field}': a date in a name has no time zone")
        return value

    @field_validator("split", mode="before")
    @classmethod
    def _positions_as_text(cls, value: object) -> object:
        return {str(header): pattern for header, pattern in value.items()} if isinstance(value, dict) else value

    @field_validator("split")
    @classmethod
    def _right_patterns(cls, value: dict[str, str]) -> dict[str, str]:
        for header, pattern in value.items():
            if not header.strip():
                raise ValueError("a header is expected in front of each pattern")
            fields = fields_of(pattern)
            if not fields:
                raise ValueError(f"'{header}': a pattern like \"{{street}} {{house_number}}\" is expected")
            for field in fields:
                _check_field(field)
            if "}{" in pattern:
                raise ValueError(f"'{header}': something must stand between two fields of a pattern")
        return value

    @field_validator("columns", mode="before")
    @classmethod
    def _lists_of_headers(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, dict):
            return value
        form = info.data.get("delivery")
        for field, header in value.items():
            if isinstance(header, int) and form is not None and not form.is_by_position:
                raise ValueError(f"'{field}': a position goes with header_row 0; a header of digits stands in quotes")
        return {field: _headers(headers) for field, headers in value.items()}

    @field_validator("columns")
    @classmethod
    def _known_columns(cls, value: dict[str, tuple[str, ...]], info: ValidationInfo) -> dict[str, tuple[str, ...]]:
        for field, headers in value.items():
            _check_field(field)
            if not headers or not all(header.strip() for header in headers):
                lacking = field in REQUIRED_FIELDS
                raise ValueError(
                    f"the required {field} must name a header" if lacking else f"'{field}' names no header"
                )
        if not info.data.keys() >= {"delivery", "constants", "split", "partner_column"}:
            return value  # their own mistakes come first
        if info.data["delivery"].is_by_position:
            for field, headers in value.items():
                if len(headers) > 1:
                    raise ValueError(f"'{field}': one place is expected, as there is no header to choose by")
        constants, split, partner = info.data["constants"], info.data["split"], info.data["partner_column"]
        _check_sources(value, constants, split)
        named = [header for headers in value.values() for header in headers]
        named += [*split, *([partner] if partner is not None else [])]
        folded = [header_name(header) for header in named]
        for header in named:
            if folded.count(header_name(header)) > 1:
                raise ValueError(f"header '{header}' is used for two fields")
            _check_header(header, info.data["delivery"])
        return value

    @field_validator("ignored_columns")
    @classmethod
    def _not_used(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        used = {header_name(header) for headers in info.data.get("columns", {}).values() for header in headers}
        used |= {header_name(header) for header in info.data.get("split") or ()}
        used |= {header_name(info.data.get("partner_column") or "")}
        for header in value:
            if header_name(header) in used:
                raise ValueError(f"header '{header}' is empty, or is used")
        return value

    def is_ignored(self, header: str) -> bool:
        """Whether a header that is not agreed may be there all the same."""
        return header_name(header) in map(header_name, self.ignored_columns)

    @property
    def required(self) -> tuple[str, ...]:
        """The fields without which a file is refused (DOMAIN §4)."""
        given = {*self.headers, *self.constants}
        in_place = {"arrears_since": "days_in_arrears"} if "arrears_since" not in given else {}
        return tuple(in_place.get(field, field) for field in REQUIRED_FIELDS)

    @property
    def headers(self) -> dict[str, tuple[str, ...]]:
        """Each field that the file gives, to the headers that may give it: of its own, and of a cell that is split."""
        found = dict(self.columns)
        for header, pattern in self.split.items():
            for field in fields_of(pattern):
                found[field] = (*found.get(field, ()), header)
        return found

    @property
    def sources(self) -> dict[str, tuple[str, ...]]:
        """What is read from the file to its headers: fields, `split_0` and so on, and PARTNER_IN_FILE."""
        split = {f"split_{number}": (header,) for number, header in enumerate(self.split)}
        partner = {PARTNER_IN_FILE: (self.partner_column,)} if self.partner_column is not None else {}
        return {**self.columns, **split, **partner}

    def span_of(self, header: str) -> tuple[int, int]:
        """The characters of a fixed-width file that a header means, from 1, both included."""
        span = span_of(self.delivery.fields.get(header, header))
        if span is None:
            raise ValueError(f"'{header}' is no span")
        return span


def span_of(text: str) -> tuple[int, int] | None:
    """Characters written as `1-10`, both included; None when it is something else."""
    found = _SPAN.fullmatch(text.strip())
    span = (int(found[1]), int(found[2])) if found else None
    return span if span and span[0] <= span[1] else None


def fields_of(pattern: str) -> list[str]:
    """The fields of a split pattern, in its order."""
    return _PLACE.findall(pattern)


def parts_of(pattern: str) -> Iterator[tuple[str, str]]:
    """(text in front, field) of each field of a split pattern; last (text, "") of what stands behind them."""
    pieces = _PLACE.split(pattern)
    yield from zip(pieces[::2], [*pieces[1::2], ""], strict=True)


def digits_in_full(date_format: str) -> str | None:
    """A pattern for the whole of a text in a format whose numbers stand against each other; None for other formats.

    Of 10121 nobody knows the day: a spreadsheet took off a zero, and a reader that is lenient finds the tenth of December.
    """
    first, *pieces = re.split(r"%(.)", date_format)
    directives, texts = pieces[::2], pieces[1::2]
    # Whether each touches the one behind it; an offset has a sign in front.
    touches = [not text and behind in DIGITS for text, behind in zip(texts, [*directives[1:], ""], strict=True)]
    if not any(touches):
        return None
    pattern = re.escape(first)
    for at, (directive, text) in enumerate(zip(directives, texts, strict=True)):
        either = touches[at] or (at > 0 and touches[at - 1])
        width = DIGITS.get(directive)
        pattern += (f"[0-9]{{{width}}}" if either else f"[0-9]{{1,{width}}}") if width else ".*"
        pattern += re.escape(text)
    return pattern


def from_name(constant: str) -> str | None:
    """The date format of a constant that is a date in the file's name; None for another constant."""
    found = _FROM_NAME.fullmatch(constant.strip())
    return found["format"] if found else None


def _headers(value: Any) -> object:
    values = value if isinstance(value, list | tuple) else [value]
    return tuple(str(header) if isinstance(header, int) else "" if header is None else header for header in values)


def _check_field(field: str) -> None:
    if field not in DELIVERED_FIELDS:
        guess = nearest(field, DELIVERED_FIELDS)
        raise ValueError(f"'{field}' is not a field" + (f", did you mean '{guess}'?" if guess else ""))


def _check_sources(
    columns: Mapping[str, tuple[str, ...]], constants: Mapping[str, str], split: Mapping[str, str]
) -> None:
    """Raises ValueError where a field has no source, or two of which none is the first."""
    from_cells = [field for pattern in split.values() for field in fields_of(pattern)]
    for field in from_cells:
        if from_cells.count(field) > 1:
            raise ValueError(f"'{field}' stands in two patterns of split")
    for field in constants:
        if field in columns or field in from_cells:
            raise ValueError(f"'{field}' is a constant and is in the file; keep one of the two")
    given = {*columns, *from_cells, *constants}
    if {"arrears_since", "days_in_arrears"} <= given:
        raise ValueError("days_in_arrears stands in place of arrears_since; keep one of them")
    lacking = [field for field in REQUIRED_FIELDS if field not in given]
    if "days_in_arrears" in given:
        lacking.remove("arrears_since")
    if lacking:
        raise ValueError(f"the required {', '.join(lacking)} must name a header")


def _check_header(header: str, form: FileForm) -> None:
    if form.format == "fixed" and span_of(form.fields.get(header, header)) is None:
        raise ValueError(f"'{header}': a name of delivery.fields or characters from-to like 1-10 are expected")
    if form.format != "fixed" and form.header_row == 0 and not re.fullmatch("[1-9][0-9]{0,3}", header):
        raise ValueError(f"'{header}': with header_row 0 the position of a column is expected, from 1")


def _check_date_format(date_format: str) -> None:
    directives = set(re.findall(r"%(.)", date_format))
    whole = directives & {"Y", "y"} and (directives >= {"d", "m"} or "j" in directives)
    if not whole or directives - _DATE_DIRECTIVES:
        raise ValueError("a format with day, month and year in digits is expected, for example %d-%m-%Y")


def _read_otherwise(day: date, one: str, other: str) -> bool:
    """Whether the day as written in one format is another day in the other."""
    try:
        return datetime.strptime(day.strftime(one), other).date() != day  # noqa: DTZ007
    except ValueError:
        return False
