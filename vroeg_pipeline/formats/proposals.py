"""The agreement that a file suggests: which header is which field, and how its values are written.

Headers propose and values decide: a column of dates is no amount, whatever stands above it. What is not certain is told,
for a person to check; what is told holds headers that are known terms and numbers of columns, never a cell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vroeg_pipeline.domain.fields import DATE_FIELDS, DELIVERED_FIELDS, FLAG_FIELDS, REQUIRED_FIELDS, header_name
from vroeg_pipeline.domain.layouts import EXCEL_SERIAL, FileForm
from vroeg_pipeline.domain.terms import ADDRESS, PARTNER, PLACE
from vroeg_pipeline.formats.looked import NOTHING_NAMED, Column, Looked, Named
from vroeg_pipeline.formats.shaping import NoDateInNameError, date_in_name
from vroeg_pipeline.formats.values import DATE_FORMATS, Values

# From this share on a column holds what its header says.
_MOST = 0.5
# Cells with initials in front are a name in another order only where nearly all are.
_NEARLY_ALL = 0.8
_FEWEST_PARTNERS, _MOST_PARTNERS = 2, 60
# Whole amounts of which the middle one is more than this are rather cents.
_CENTS_FROM = 5_000
_DATES_IN_NAMES = ("%Y%m%d", "%Y-%m-%d", "%d-%m-%Y", "%Y_%m_%d", "%d%m%Y")

# What the cells of a field look like; the first kinds that are given are enough.
_LOOKS: dict[str, tuple[str, ...]] = {
    "customer_reference": ("reference", "words"),
    "surname": ("words",),
    "initials": ("initials", "name"),
    "prefix": ("name",),
    "birth_date": ("date", "serial"),
    "phone": ("phone", "whole"),
    "email": ("email",),
    "postcode": ("postcode",),
    "street": ("words",),
    "house_number": ("house_number",),
    "house_letter": ("letter",),
    "house_number_addition": ("short",),
    "city": ("name",),
    "amount_due": ("amount",),
    "arrears_since": ("date", "serial"),
    "reference_date": ("date", "serial"),
    "days_in_arrears": ("days",),
    **dict.fromkeys(FLAG_FIELDS, ("flag",)),
    ADDRESS: ("street_and_number", "whole_address"),
    PLACE: ("place",),
    PARTNER: ("name",),
}
_NEVER: dict[str, tuple[str, ...]] = {
    "customer_reference": ("date", "postcode", "email", "cents_comma", "cents_point"),
    "surname": ("postcode", "email", "date"),
    "street": ("postcode", "email", "date", "place"),
    "amount_due": ("date",),
    "house_number": ("date",),
}


@dataclass(frozen=True)
class Proposal:
    """The layout that a file suggests. `lacking`: required fields for which no column was found. `told`: what a person has
    to check."""

    delivery: dict[str, Any]
    columns: dict[str, str]
    split: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    partner_column: str | None = None
    lacking: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    unknown_columns: int = 0
    hidden: frozenset[str] = frozenset()

    @property
    def layout(self) -> dict[str, Any]:
        """The same as the content of an agreement."""
        parts = {"split": self.split, "constants": self.constants, "partner_column": self.partner_column}
        return {
            "delivery": self.delivery,
            "columns": self.columns,
            **{name: part for name, part in parts.items() if part},
        }


def propose(looked: Looked, name: str, named: Named = NOTHING_NAMED) -> Proposal:
    """What a file suggests, where a person did not say otherwise. `name`: the file's."""
    maker = _Maker(looked, named.columns)
    if looked.has_header:
        maker.by_header()
    else:
        maker.by_position()
    return maker.made(name)


class _Maker:
    def __init__(self, looked: Looked, given: Mapping[str, str]) -> None:
        self._looked = looked
        self._given = given
        self._values = {column.header: Values.of(column.cells) for column in looked.columns}
        self._columns: dict[str, str] = dict(given)
        self._split: dict[str, str] = {}
        self._constants: dict[str, str] = {}
        self._partner: str | None = None
        self._told = [*looked.told]
        self._free = [column for column in looked.columns if not self._is_named(column.header)]

    def _is_named(self, header: str) -> bool:
        return header_name(header) in {header_name(named) for named in self._given.values()}

    # By what stands above the columns

    def by_header(self) -> None:
        likely = [
            (sure + 20 * self._fit(meaning, column), sure, meaning, column)
            for column in self._free
            for meaning, sure in column.meanings.items()
        ]
        taken: dict[str, Column] = {}
        used: set[str] = set()
        otherwise: dict[str, str] = {}
        for _, sure, meaning, column in sorted(likely, key=lambda found: (-found[0], found[2])):
            if meaning in taken or column.header in used or meaning in self._given:
                continue
            if not self._fits(meaning, column):
                if sure >= 90 and meaning in DELIVERED_FIELDS:
                    otherwise.setdefault(column.header, meaning)
                continue
            taken[meaning] = column
            used.add(column.header)
        self._take_cells_of_several_fields(taken, used)
        if PARTNER in taken:
            self._take_partner(taken.pop(PARTNER))
        address = taken.pop(ADDRESS, None)
        taken.pop(PLACE, None)
        if address and "street" not in taken and self._fits("street", address):
            taken["street"] = address  # its number has a column of its own
        if "arrears_since" in taken or "arrears_since" in self._given:
            taken.pop("days_in_arrears", None)
        self._columns |= {meaning: column.header for meaning, column in taken.items()}
        has = {*self._columns, *_fields(" ".join(self._split.values()))}
        for header, meaning in otherwise.items():
            if header in self._columns.values() or header in self._split:
                continue
            if meaning in REQUIRED_FIELDS and meaning not in has and not self._is_never(meaning, header):
                self._columns[meaning] = header
                self._told.append(
                    f"'{header}' is named like {meaning}, but most of its values are others: look at them"
                )
            else:
                self._told.append(f"'{header}' is named like {meaning}, but its values are others: it is left out")

    def _fit(self, meaning: str, column: Column) -> float:
        values = self._values[column.header]
        return values.share(*_LOOKS[meaning]) if len(values) else 0.3

    def _fits(self, meaning: str, column: Column) -> bool:
        values = self._values[column.header]
        if not len(values):
            return meaning in DELIVERED_FIELDS
        if meaning == PARTNER:
            return _FEWEST_PARTNERS <= values.distinct <= _MOST_PARTNERS and values.share("name") >= _MOST
        if meaning in (ADDRESS, PLACE):
            return True  # decided when it is split
        return values.share(*_LOOKS[meaning]) >= _MOST and not self._is_never(meaning, column.header)

    def _is_never(self, meaning: str, header: str) -> bool:
        return meaning in _NEVER and self._values[header].share(*_NEVER[meaning]) >= _MOST

    def _take_cells_of_several_fields(self, taken: dict[str, Column], used: set[str]) -> None:
        """Addresses, places and names that stand in one cell."""
        by_field = {**self._given, **{meaning: column.header for meaning, column in taken.items()}}
        has = by_field.keys()
        for column in self._free:
            header, values = column.header, self._values[column.header]
            may_be = {*column.meanings}
            is_free = header not in used or {meaning for meaning, of in taken.items() if of is column} & {
                ADDRESS, PLACE, "street", "postcode", "surname",
            }  # fmt: skip
            if not is_free or not len(values):
                continue
            pattern = None
            if may_be & {ADDRESS, "street", "house_number"} and "house_number" not in has:
                if "postcode" not in has and values.share("whole_address") >= _MOST:
                    pattern = "{street} {house_number}, {postcode} {city}"
                elif values.share("street_and_number") >= _MOST:
                    pattern = "{street} {house_number}"
            if not pattern and may_be & {PLACE, ADDRESS, "postcode", "city"} and values.share("place") >= _MOST:
                pattern = "{postcode} {city}" if not has & {"postcode"} or by_field.get("postcode") == header else None
            if not pattern and by_field.get("surname") == header:
                pattern = self._name_pattern(values, has)
            if pattern and not any(other in self._split.values() for other in (pattern,)):
                self._split[header] = pattern
                for meaning in [meaning for meaning, of in taken.items() if of is column]:
                    del taken[meaning]
                used.add(header)
                by_field |= dict.fromkeys(_fields(pattern), header)

    def _name_pattern(self, values: Values, has: Any) -> str | None:
        if values.share("name_with_comma") >= _MOST:
            return "{surname}, {initials} {prefix}"
        if values.share("name_with_initials") >= _NEARLY_ALL and "initials" not in has:
            return "{initials} {prefix} {surname}"
        return None

    def _take_partner(self, column: Column) -> None:
        self._partner = column.header
        number = self._values[column.header].distinct
        self._told.append(
            f"'{column.header}' names {number} partners: the file is of a sender, which has an agreement of its own"
        )

    # By what stands in the columns

    def by_position(self) -> None:
        """Without a header: by what the values of a column look like, from the surest kinds on."""
        self._told.append("there is no header: columns are known by their position, so check each of them")
        left = [column for column in self._free if len(self._values[column.header])]

        def take(meaning: str, column: Column | None) -> None:
            if column is not None and meaning not in self._given:
                self._columns[meaning] = column.header
                left.remove(column)

        def best(*names: str, least: float = _MOST) -> Column | None:
            scored = [(self._values[column.header].share(*names), -at, column) for at, column in enumerate(left)]
            found = max(scored, key=lambda one: one[:2], default=None)
            return found[2] if found and found[0] >= least else None

        take("email", best("email"))
        place = best("place")
        if place is None:
            take("postcode", best("postcode"))
        else:
            self._split[place.header] = "{postcode} {city}"
            left.remove(place)
        dates = [column for column in left if self._values[column.header].share("date") >= _MOST]
        self._take_dates(dates, take)
        address = best("street_and_number", least=_NEARLY_ALL)
        if address is not None:
            self._split[address.header] = "{street} {house_number}"
            left.remove(address)
        take("amount_due", best("cents_comma", "cents_point"))
        if address is None:
            take("house_number", self._house_number(left))
        take("phone", best("phone", least=_NEARLY_ALL))
        take("customer_reference", best("reference", least=_NEARLY_ALL))
        if "amount_due" not in self._columns:
            take("amount_due", best("amount"))
        take("house_letter", self._house_letter(left))
        take("prefix", best("prefix"))
        take("street", best("street"))
        take("initials", best("initials"))
        names = [column for column in left if self._values[column.header].share("name") >= _MOST]
        names.sort(key=lambda column: -self._values[column.header].distinct)
        for meaning, column in zip(("surname", "city"), names, strict=False):
            if meaning == "surname" and (pattern := self._name_pattern(self._values[column.header], self._columns)):
                self._split[column.header] = pattern
                left.remove(column)
            elif meaning not in _fields(" ".join(self._split.values())):
                take(meaning, column)

    def _take_dates(self, dates: Sequence[Column], take: Any) -> None:
        """The latest is the reference date; births lie far back."""
        by_age = sorted(dates, key=lambda column: str(self._values[column.header].median_day or ""))
        if len(by_age) > 2:
            take("birth_date", by_age.pop(0))
        for meaning, column in zip(("reference_date", "arrears_since"), reversed(by_age), strict=False):
            take(meaning, column)

    def _house_number(self, left: Sequence[Column]) -> Column | None:
        """Near the postcode where more than one column holds small numbers."""
        found = [column for column in left if self._values[column.header].share("house_number") >= _NEARLY_ALL]
        header = self._columns.get("postcode") or next(
            (header for header, pattern in self._split.items() if "postcode" in pattern), None
        )
        order = [column.header for column in self._looked.columns]
        near = order.index(header) if header in order else 0
        return min(found, key=lambda column: abs(order.index(column.header) - near - 0.5), default=None)

    def _house_letter(self, left: Sequence[Column]) -> Column | None:
        """The column behind the house number, where it holds single letters."""
        order = [column.header for column in self._looked.columns]
        if "house_number" not in self._columns:
            return None
        at = order.index(self._columns["house_number"]) + 1
        behind = [column for column in left if order.index(column.header) == at]
        return next((column for column in behind if self._values[column.header].share("letter") == 1), None)

    # How values are written

    def made(self, name: str) -> Proposal:
        has = {*self._columns, *_fields(" ".join(self._split.values()))}
        if "reference_date" not in has and (date_format := _date_in(name)):
            self._constants["reference_date"] = f'from_name "{date_format}"'
            self._told.append("no column is a reference date: the date in the file's name is taken for it")
            has.add("reference_date")
        for flag in FLAG_FIELDS:
            if (values := self._of(flag)) and values.share("known_flag") < 1:
                said = f"'{self._columns[flag]}' has words for yes or no that are not read, so that their rows are rejected"
                self._told.append(f"{said}: ask for ja and nee")
        lacking = [field for field in REQUIRED_FIELDS if field not in has]
        if "days_in_arrears" in has and "arrears_since" in lacking:
            lacking.remove("arrears_since")
        form = {**self._looked.form, **self._notation()}
        used = {*self._columns.values(), *self._split, self._partner}
        order = {field: number for number, field in enumerate(DELIVERED_FIELDS)}
        return Proposal(
            form,
            dict(sorted(self._columns.items(), key=lambda item: order[item[0]])),
            self._split,
            self._constants,
            self._partner,
            tuple(lacking),
            tuple(self._told),
            sum(1 for column in self._looked.columns if column.header not in used),
            self._looked.hidden,
        )

    def _notation(self) -> dict[str, Any]:
        return {**self._amounts(), **self._dates()}

    def _amounts(self) -> dict[str, Any]:
        values = self._of("amount_due")
        if values is None or not len(values):
            return {}
        text = Values(tuple((cell, typed) for cell, typed in values.cells if not typed))
        comma, point = text.count("cents_comma"), text.count("cents_point")
        found: dict[str, Any] = {"decimal": "." if point > comma else ","}
        if comma and point:
            self._told.append(
                "some amounts have a comma before the cents and others a point: one of them cannot be read"
            )
        named = self._columns["amount_due"].casefold()
        whole = values.share("whole") == 1
        if whole and ("cent" in named or values.median_number >= _CENTS_FROM):
            found["unit"] = "cents"
            why = "the header says so" if "cent" in named else "all amounts are whole and most are large"
            self._told.append(f"amounts are taken for cents, as {why}: ask, and take 'unit' out if they are euro")
        return found

    def _dates(self) -> dict[str, Any]:
        columns = [values for field in DATE_FIELDS if (values := self._of(field)) is not None]
        chosen: list[str] = []
        while True:
            counts = dict.fromkeys(DATE_FORMATS, 0)
            for values in columns:
                for date_format, count in values.count_formats(chosen).items():
                    counts[date_format] += count
            fitting = [one for one in DATE_FORMATS if counts[one] and _go_together([*chosen, one])]
            if not fitting:
                break
            chosen.append(max(fitting, key=lambda one: (counts[one], -DATE_FORMATS.index(one))))
        serials = sum(values.serials for values in columns)
        if serials:
            self._told.append("some dates are serial numbers of Excel: 'excel' is among the formats of dates")
            chosen = [*(chosen or ["%d-%m-%Y"]), EXCEL_SERIAL]
        if not chosen:
            return {}
        if "%d/%m/%Y" in chosen and "%m/%d/%Y" not in chosen and self._may_be_american(columns):
            self._told.append("days and months of dates cannot be told apart: the day is taken to stand first")
        return {"date_format": chosen[0] if len(chosen) == 1 else chosen}

    def _may_be_american(self, columns: Sequence[Values]) -> bool:
        counts = [values.count_formats([]) for values in columns]
        return sum(count["%d/%m/%Y"] for count in counts) == sum(count["%m/%d/%Y"] for count in counts)

    def _of(self, field: str) -> Values | None:
        header = self._columns.get(field)
        folded = {header_name(name): values for name, values in self._values.items()}
        return folded.get(header_name(header)) if header is not None else None


def _fields(pattern: str) -> list[str]:
    return [part.split("}")[0] for part in pattern.split("{")[1:]]


def _go_together(formats: Sequence[str]) -> bool:
    try:
        FileForm(format="csv", date_format=tuple(formats))
    except ValueError:
        return False
    return True


def _date_in(name: str) -> str | None:
    return next(_formats_in(name), None)


def _formats_in(name: str) -> Iterator[str]:
    for date_format in _DATES_IN_NAMES:
        try:
            found = date_in_name(name, date_format)
        except NoDateInNameError:
            continue
        if 2000 <= found.year < 2100:
            yield date_format
