"""Makes a synthetic `VROEG_HOME`: agreements, register, areas, and months of deliveries with their defects.

How deliveries look and what goes wrong with them. The same seed gives the same bytes and the same moments of receipt.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import random
import re
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import yaml

from vroeg_pipeline.domain.agreements import Agreement
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.fields import DELIVERED_FIELDS
from vroeg_pipeline.domain.layouts import PARTNER_IN_FILE
from vroeg_pipeline.domain.months import AMSTERDAM, add_months, month_of, month_text, parse_month
from vroeg_pipeline.domain.senders import SenderAgreement
from vroeg_pipeline.installation.home import CHECKOUT, Home, private_folder, read_text, replacing
from vroeg_pipeline.sample.files import file_name, file_of
from vroeg_pipeline.sample.outcomes import as_csv, as_workbook, case_id, spoil, told_of
from vroeg_pipeline.sample.people import Arrear, Population
from vroeg_pipeline.sample.register import Dwelling, as_written, read_register, synthetic_register, write_register

FIRST_MONTH = date(2020, 10, 1)

# What goes wrong with whole deliveries: (month counted from the first, partner, what). Rows go wrong every month.
PLANTED = (
    (0, "woningcorporatie_zonder_afspraak", "unknown_partner"),
    (0, "pwn", "same_bytes_twice"),
    (1, "elan_wonen", "late"),
    (1, "vattenfall", "unreadable"),
    (1, "portaal", "unfinished"),
    (2, "pre_wonen", "superseded"),
    (2, "zorg_en_zekerheid", "missing"),
    (2, "eneco", "no_rows"),
    (3, "de_key", "not_active"),
    (3, "pwn", "stale_copy"),
    (3, "eneco", "urgent"),
    (3, "portaal", "unknown_partner_in_file"),
    (4, "ymere", "missing"),
    (4, "eneco", "missing_columns"),
    (4, "zilveren_kruis", "after_matching"),
    (5, "vattenfall", "unusual_volume"),
    (5, "elan_wonen", "unexpected_column"),
    (5, "pwn", "outdated"),
    (5, "pre_wonen", "questioned"),
)
# The same in the month under way.
_UNDER_WAY = {"elan_wonen": {"late"}, "eneco": {"urgent"}, "vattenfall": {"unreadable"}, "zilveren_kruis": {"missing"}}

# One row a delivery and month is spoilt for each; each partner gets its turn.
_TOWNS = {"0392": "Haarlem", "0457": "Weesp", "0473": "Zandvoort"}
ROW_DEFECTS = (
    "missing_reference", "missing_surname", "missing_postcode", "missing_house_number", "missing_amount",
    "missing_arrears_since", "missing_reference_date", "invalid_postcode", "invalid_house_number", "invalid_amount",
    "invalid_date", "invalid_flag", "future_date", "outdated", "below_threshold", "too_few_days", "too_many_days",
    "outside_area", "objection", "duplicate_in_delivery", "damaged_value", "legal_person",
)  # fmt: skip
_FLAGS = ("crisis", "warm_handover", "reminder_sent", "objection")
_EMPTY_OF = {
    "missing_reference": "customer_reference", "missing_surname": "surname", "missing_postcode": "postcode",
    "missing_house_number": "house_number", "missing_amount": "amount_due", "missing_arrears_since": "arrears_since",
    "missing_reference_date": "reference_date",
}  # fmt: skip

# Nothing of such a delivery comes on a worklist.
_UNUSABLE = frozenset({"unreadable", "missing_columns", "outdated"})
# What a partner has no field for in its own system, and leaves empty in the file of its sender.
_LEFT_EMPTY = {"zorg_en_zekerheid": frozenset({"prefix", "street", "crisis", "warm_handover"})}
# From this month on, counted from the first, a partner uses the other header where two are agreed.
_OTHER_HEADERS_FROM = 2
# In that month, counted from the first, a partner withdraws a signal whose case a team has worked on.
_WITHDRAWN_AFTER_CONTACT = 5
# Of so many rows a third lacks more than the few that are never too many.
_ENOUGH_TO_QUESTION = 15

Row = dict[str, str]


@dataclass(frozen=True)
class WorldSummary:
    """What was made, in numbers. `months`: those that are whole."""

    months: list[date]
    files: int
    rows: int
    dwellings: int


def make_world(
    home: Home,
    *,
    seed: int = 1,
    months: int = 6,
    signals: int = 400,
    register: Path | None = None,
    first_month: date = FIRST_MONTH,
    now: datetime | None = None,
    overwrite: bool = False,
) -> WorldSummary:
    """Writes the world into `home`; about `signals` rows a month over all partners.

    `register` is a real address register to deliver for; agreements and areas then follow its municipalities and
    postcodes. With an aware moment `now` the month after the whole ones is under way: nothing is there that comes later.
    Agreements that it writes, and the UI, begin with `first_month`. With `overwrite` it takes the place of another such
    world. Raises VroegError where anything is that this did not make: people who are made up never come among real ones.
    """
    _must_be_ours(home, overwrite)
    home.make()
    rng = random.Random(seed)
    dwellings = read_register(register) if register else synthetic_register(rng, max(3_000, signals * 2))
    _write_reference(home, dwellings, register, first_month)
    maker = _Maker(home, rng, dwellings, signals, random.Random(f"outcomes of {seed}"), now)
    wanted = [add_months(first_month, index) for index in range(months)]
    for index, month in enumerate(wanted):
        maker.month(index, month)
    if now:
        maker.month(months, add_months(first_month, months))
    maker.known_clients()
    with replacing(home.sample) as temporary:
        temporary.write_text(json.dumps(_files_of(home.inbox), indent=1), encoding="utf-8")
    return WorldSummary(wanted, maker.files, maker.rows, len(dwellings))


def _must_be_ours(home: Home, overwrite: bool) -> None:
    there = _files_of(home.inbox) if home.inbox.exists() else {}
    worked = home.warehouse.exists() or (home.archive.exists() and any(home.archive.iterdir()))
    if not there and not worked:
        return
    made = json.loads(read_text(home.sample)) if home.sample.exists() else {}
    if others := [name for name in there if made.get(name) != there[name]]:
        raise VroegError(
            f"{len(others)} of {len(there)} deliveries were not made by vroeg sample",
            where=home.inbox,
            do="give another VROEG_HOME",
        )
    # What a sample made long ago says nothing of an installation whose files are gone.
    if not made or not there:
        raise VroegError("there is an installation already", where=home.root, do="give another VROEG_HOME")
    if not overwrite:
        raise VroegError("there is a sample already", where=home.inbox, do="give another VROEG_HOME, or --overwrite")
    if home.inbox.exists():
        shutil.rmtree(home.inbox)


def _files_of(folder: Path) -> dict[str, str]:
    """The files of a folder and those below it, each with its SHA-256."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _write_reference(home: Home, dwellings: Sequence[Dwelling], register: Path | None, first_month: date) -> None:
    shipped = CHECKOUT / "data"
    if not (shipped / "agreements").is_dir():
        raise VroegError("the pilot's agreements are not here", where=shipped, do="run this from a checkout")
    home.reference.mkdir(parents=True, exist_ok=True)
    home.agreements.mkdir(parents=True, exist_ok=True)
    municipalities = sorted({d.municipality for d in dwellings})
    for source in sorted((shipped / "agreements").glob("*.yaml")):
        target = home.agreements / source.name
        content = source.read_text(encoding="utf-8")
        if target != source and _is_ours(target, content):
            content = _moved(content, first_month)
            if register and "sender" not in (agreed := yaml.safe_load(content)):
                changed = {**agreed, "municipalities": municipalities}
                content = yaml.safe_dump(changed, allow_unicode=True, sort_keys=False)
            target.write_text(content, encoding="utf-8")
    if register:
        _write_areas_of(home, dwellings)
        if register.resolve() != (home.reference / "addresses.csv").resolve():
            shutil.copyfile(register, home.reference / "addresses.csv")
    else:
        for name in ("areas.csv", "municipalities.csv"):
            if not (home.reference / name).exists():
                shutil.copyfile(shipped / "reference" / name, home.reference / name)
        write_register(home.reference / "addresses.csv", dwellings)
    begins = f"first_month: {month_text(first_month)}"
    if home.settings.exists():
        text = re.sub(r"(?m)^first_month: \d{4}-\d{2}", begins, home.settings.read_text(encoding="utf-8"))
    else:
        text = (
            f"# Settings of this installation; what is not here has its default.\n{begins}\n"
            "capacity: {wijkteam_noord: 25, wijkteam_zandvoort: 10, budgetcoach: 20}\n"
            f'contact_policy: {{"{month_text(add_months(first_month, 3))}": {{home_visits: false}}}}   # lockdown\n'
            "evaluation: {inhabitants: 74000}   # of Haarlem-Noord and Zandvoort, about\n"
            + _ddas_settings(municipalities)
        )
    home.settings.write_text(text, encoding="utf-8")


_MONTHS_OF_AGREEMENT = re.compile(r"(?m)^(valid_(?:from|until): )(\d{4}-\d{2})")


def _is_ours(target: Path, agreement: str) -> bool:
    """Whether nothing stands there, or what an earlier world wrote: the same but for its months."""
    if not target.exists():
        return True
    there, shipped = (_MONTHS_OF_AGREEMENT.sub(r"\1", text) for text in (target.read_text(encoding="utf-8"), agreement))
    return there == shipped


def _moved(agreement: str, first_month: date) -> str:
    """The text of a pilot's agreement as if the pilot had begun in that month."""
    by = (first_month.year - FIRST_MONTH.year) * 12 + first_month.month - FIRST_MONTH.month
    return _MONTHS_OF_AGREEMENT.sub(lambda m: m[1] + month_text(add_months(parse_month(m[2]), by)), agreement)


def _ddas_settings(municipalities: Sequence[str]) -> str:
    """On whose behalf is delivered to CBS; the contacts do not exist."""
    lines = ["ddas:   # the delivery to CBS, see docs/ddas.md", "  municipalities:"]
    for code in municipalities:
        name = _TOWNS.get(code, code)
        lines += [
            f'    "{code}":',
            f"      organisation: Gemeente {name}",
            f"      contacts: [{{name: Team vroegsignalering, email: vroegsignalering@{name.lower()}.example}}]",
        ]
    return "\n".join([*lines, ""])


def _write_areas_of(home: Home, dwellings: Sequence[Dwelling]) -> None:
    postcodes = sorted({d.postcode for d in dwellings})
    middle = postcodes[len(postcodes) // 2]
    north = [p for p in postcodes if p < middle] or postcodes
    lines = [f"{north[0]},{north[-1]},wijkteam_noord", f"{middle},{postcodes[-1]},wijkteam_zuid"]
    (home.reference / "areas.csv").write_text("\n".join(["postcode_from,postcode_to,worklist", *lines, ""]), "utf-8")
    by_digits = sorted({(d.postcode[:4], d.municipality) for d in dwellings})
    text = "".join(f"{digits},{digits},{code}\n" for digits, code in by_digits)
    (home.reference / "municipalities.csv").write_text(
        f"postcode4_from,postcode4_to,gemeentecode\n{text}2051,2061,0377\n", encoding="utf-8"
    )


class _Maker:
    """Makes one month after another; counts what it made."""

    def __init__(
        self,
        home: Home,
        rng: random.Random,
        dwellings: Sequence[Dwelling],
        signals: int,
        afterwards: random.Random,
        now: datetime | None,
    ) -> None:
        self._home, self._rng, self._signals, self._afterwards, self._now = home, rng, signals, afterwards, now
        partners = home.load_partners()
        self._agreements, self._senders = partners.agreements, partners.senders
        # Of the month at hand: what each sender is given, by partner, and when the last of it came.
        self._given: dict[str, tuple[dict[str, list[Row]], datetime]] = {}
        self._people = Population(
            rng, dwellings, [(a.partner, a.type, a.municipalities) for a in self._agreements.values()]
        )
        self._settings = home.load_settings()
        self._seen: dict[int, Dwelling] = {}
        self._before: dict[str, Path] = {}
        # Of the delivery at hand: dwellings that it writes so that they cannot be found.
        self._unclear: set[Dwelling] = set()
        # Of the month at hand: dwellings that are surely on a worklist, and whether rent is owed there.
        self._listed: dict[Dwelling, bool] = {}
        # And everything that is owed there, by partner and reference.
        self._owed_at: dict[Dwelling, list[tuple[str, str]]] = {}
        self._owed_before: dict[tuple[str, Dwelling], list[tuple[date, int]]] = {}
        self._returned: bytes | None = None
        self.files = self.rows = 0

    def month(self, index: int, month: date) -> None:
        """All deliveries of a month, with what is planted in it."""
        for agreement in self._agreements.values():
            if agreement.valid_until and month > agreement.valid_until:
                for successor in self._agreements.values():
                    if agreement.partner in successor.succeeds:
                        self._people.succeed(agreement.partner, successor.partner)
        self._listed, self._owed_at = {}, {}
        planted: dict[str, set[str]] = {}
        for at, partner, what in PLANTED:
            if at == index:
                planted.setdefault(partner, set()).add(what)
        if self._is_under_way(month):
            planted = _UNDER_WAY
        by_partner: dict[str, list[Arrear]] = {}
        for arrear in self._people.month(month, self._signals):
            by_partner.setdefault(arrear.partner, []).append(arrear)
            self._seen[arrear.household.number] = arrear.household.dwelling
            self._owed_at.setdefault(arrear.household.dwelling, []).append((arrear.partner, arrear.reference))
        for number, (partner, agreement) in enumerate(self._agreements.items()):
            arrears = by_partner.get(partner, [])
            defects = [d for place, d in enumerate(ROW_DEFECTS) if (place + index) % len(self._agreements) == number]
            self._delivery(index, month, agreement, arrears, planted.get(partner, set()), defects)
        for sender in self._senders.values():
            self._send(month, sender, planted.get(sender.sender, set()))
        for partner in planted.keys() - self._agreements.keys() - self._senders.keys():
            content = b"Huurder;Bedrag\nX1;100,00\n"
            self._write(
                partner, month, "lijst.csv", content, self._received(month, next(iter(self._agreements.values())))
            )
        self._outcomes(index, month)
        if index == 0:
            stray = self._home.inbox / "leesmij.txt"
            stray.write_text("Geen aanlevering: ligt in geen maandmap.\n", encoding="utf-8")
            stray.chmod(0o600)

    def _delivery(
        self,
        index: int,
        month: date,
        agreement: Agreement,
        arrears: list[Arrear],
        planted: set[str],
        defects: Sequence[str],
    ) -> None:
        partner = agreement.partner
        if not agreement.is_active(month):
            if "not_active" in planted:
                self._write(
                    partner,
                    month,
                    f"nalevering_{month:%Y%m}.csv",
                    b"Contractnummer\n1\n",
                    self._received(month, agreement),
                )
            return
        received = self._received(month, agreement)
        if "late" in planted:
            received = agreement.due(month) + timedelta(hours=17)
        if "after_matching" in planted:
            received = agreement.due(month) + timedelta(days=8)
        if "missing" in planted or (self._is_ahead(received) and not agreement.delivered_by):
            return
        if "stale_copy" in planted:
            name = file_name(partner, month, agreement, received.date())
            self._write(partner, month, name, self._before[partner].read_bytes(), received)
            return
        read_on = received.date() - timedelta(days=44 if "outdated" in planted else self._rng.randrange(1, 4))
        rows = [] if "no_rows" in planted else [self._row(agreement, arrear, read_on) for arrear in arrears]
        if "unusual_volume" in planted:
            copies = [{**row, "customer_reference": f"{row['customer_reference']}-{n}"} for n in (2, 3) for row in rows]
            rows += copies
        clean = [dict(row) for row in rows[: len(arrears)]]
        if rows and "outdated" not in planted:
            self._spoil(agreement, rows, defects, received.date(), month)
        if agreement.delivered_by:
            parts, before = self._given.get(agreement.delivered_by, ({}, received))
            self._given[agreement.delivered_by] = ({**parts, partner: rows}, max(before, received))
        else:
            self._own_files(index, month, agreement, rows, arrears, planted, received, read_on)
        if "urgent" in planted and len(clean) > 2:
            self._urgent(month, agreement, clean)
        held = self._slips(month, agreement, rows, received)
        if not planted & _UNUSABLE:
            oldest = read_on - timedelta(days=agreement.delivery.max_days or 10_000)
            whole = (arrear for arrear, row, was in zip(arrears, rows, clean, strict=False) if row == was)
            self._list(month, agreement, [a for a in whole if a.reference not in held and a.since >= oldest])
        self._unclear.clear()

    def _own_files(
        self,
        index: int,
        month: date,
        agreement: Agreement,
        rows: list[Row],
        arrears: Sequence[Arrear],
        planted: set[str],
        received: datetime,
        read_on: date,
    ) -> None:
        """The files that a partner sends itself, with what goes wrong with them."""
        self.rows += len(rows)
        partner = agreement.partner
        name = file_name(partner, month, agreement, read_on)
        due = agreement.columns["amount_due"][0]
        renamed = {due: f"{due}_eur"} if "missing_columns" in planted else {}
        if index >= _OTHER_HEADERS_FROM:
            renamed |= {headers[0]: headers[-1] for headers in agreement.columns.values() if len(headers) > 1}
        extra = {"REGIO": "Noord"} if "unexpected_column" in planted else {}
        content = file_of(agreement, rows, renamed=renamed, extra=extra)
        if "unreadable" in planted:
            # In the middle of a record.
            content = content[: len(content) // 2].rstrip(b"}\n")
        if "superseded" in planted:
            first = file_of(agreement, rows[: len(rows) // 2], renamed=renamed, extra=extra)
            self._write(partner, month, name, first, received - timedelta(hours=6))
            name = name.replace(".", "_correctie.", 1)
        if agreement.is_delivered_in_parts and arrears and rows:
            for town, of_town in _by_town(arrears, rows).items():
                content = file_of(agreement, of_town, renamed=renamed, extra=extra)
                path = self._write(partner, month, name.replace(".", f"_{town}.", 1), content, received)
        else:
            path = self._write(partner, month, name, content, received)
        self._before[partner] = path
        if "same_bytes_twice" in planted:
            self._write(partner, month, f"kopie_{name}", content, received + timedelta(hours=2))
        if "questioned" in planted and len(rows) >= _ENOUGH_TO_QUESTION:
            lacking = file_of(agreement, rows[: len(rows) // 3], renamed=renamed, extra={})
            self._write(partner, month, name.replace(".", "_nieuw.", 1), lacking, received + timedelta(days=2))
        if "unfinished" in planted:
            self._write(partner, month, f"{name}.part", content[:100], received)

    def _send(self, month: date, sender: SenderAgreement, planted: set[str]) -> None:
        """The file of a sender with the rows of all its partners."""
        if sender.sender not in self._given:
            return
        parts, received = self._given.pop(sender.sender)
        if self._is_ahead(received):
            return
        rows = [
            {**dict.fromkeys(DELIVERED_FIELDS, ""), **row, PARTNER_IN_FILE: written}
            for written, partner in sender.partners.items()
            for row in parts.get(partner, ())
        ]
        if "unknown_partner_in_file" in planted and rows:
            rows.append({**rows[0], "customer_reference": "WP100001", PARTNER_IN_FILE: "Woonstichting De Proef"})
        self.rows += len(rows)
        name = file_name(sender.sender, month, sender, received.date())
        content = file_of(sender, rows, renamed={}, extra={})
        self._write(sender.sender, month, name, content, received)
        if "unfinished" in planted:
            self._write(sender.sender, month, f"{name}.part", content[:100], received)

    def _urgent(self, month: date, agreement: Agreement, rows: Sequence[Row]) -> None:
        """A file between two deliveries: who is about to be cut off, of whom one is in the delivery too."""
        received = agreement.due(month) + timedelta(days=10)
        told = {"crisis": "ja", "reference_date": f"{received - timedelta(days=1):{agreement.delivery.written_date}}"}
        known, other = rows[1], rows[2]
        added = {**other, **told, "customer_reference": f"{other['customer_reference']}-2"}
        content = file_of(agreement, [{**known, **told}, added], renamed={}, extra={})
        name = file_name(f"{agreement.partner}_spoed", month, agreement, received.date())
        self._write(agreement.partner, month, name, content, received)
        self.rows += 2

    def _list(self, month: date, agreement: Agreement, arrears: Sequence[Arrear]) -> None:
        """Notes which dwellings are on a worklist for certain: clearly written, and owing more than may be a repeat."""
        since = add_months(month, -self._settings.repeat_months)
        for arrear in arrears:
            dwelling = arrear.household.dwelling
            owed_before = self._owed_before.setdefault((arrear.reference, dwelling), [])
            repeats = any(of >= since and cents >= arrear.cents for of, cents in owed_before)
            owed_before.append((month, arrear.cents))
            if dwelling not in self._unclear and not repeats:
                self._listed[dwelling] = self._listed.get(dwelling, False) or agreement.type == "Huur"

    def _outcomes(self, index: int, month: date) -> None:
        """What teams return: two colleagues of one town a list each, with rows that both have, the other by its system."""
        told = told_of(self._afterwards, month, self._listed, visits=self._settings.home_visits_allowed(month))
        if not told:
            return
        north = {case_of for case_of in {row["case_id"] for row in told} if int(case_of, 16) % 4}
        lists = [row for row in told if row["case_id"] in north]
        half = len(lists) // 2
        first, second = lists[: half + 5], lists[half:]
        if index == 1:
            spoil(first)
        received = datetime.combine(month + timedelta(days=58), time(10), AMSTERDAM)
        last_month, self._returned = self._returned, as_workbook(first)
        by_system = as_csv([row for row in told if row["case_id"] not in north])
        self._write("outcomes", month, "werklijst_a.xlsx", self._returned, received)
        self._write("outcomes", month, "werklijst_b.xlsx", as_workbook(second), received + timedelta(hours=3))
        self._write("outcomes", month, "koppeling.csv", by_system, received + timedelta(hours=4))
        if index == 2 and last_month:
            self._write("outcomes", month, "verkeerde_maand.xlsx", last_month, received)
        if index == _WITHDRAWN_AFTER_CONTACT:
            worked_on = {row["case_id"] for row in told}
            for dwelling in self._listed:
                if case_id(month, dwelling) in worked_on and len(self._owed_at[dwelling]) == 1:
                    ((partner, reference),) = self._owed_at[dwelling]
                    self._slip(partner, month, "withdrawals", [reference], received + timedelta(days=1), "alsnog")
                    break

    def _received(self, month: date, agreement: Agreement) -> datetime:
        """On the due day or the day before, in office hours before the deadline; some of those under way are earlier."""
        due = agreement.due(month).date()
        day = due - timedelta(days=self._rng.randrange(due.day if self._is_under_way(month) else 2))
        return datetime.combine(day, time(9 + self._rng.randrange(7), self._rng.randrange(60)), AMSTERDAM)

    def _is_under_way(self, month: date) -> bool:
        return self._now is not None and month == month_of(self._now)

    def _is_ahead(self, received: datetime) -> bool:
        return self._now is not None and received > self._now

    def _row(self, agreement: Agreement, arrear: Arrear, read_on: date) -> Row:
        household, rng = arrear.household, self._rng
        columns = _filled(agreement)
        surname = household.surname
        prefix = household.prefix
        if "-" in surname and int(arrear.reference[-1]) % 2:
            surname = surname.split("-")[0]  # half of a double name
        elif not prefix and arrear.reference.endswith("4"):
            surname = f"{surname} e/o Voorbeeldgenoot"
        elif prefix and arrear.reference.endswith("5") and "prefix" not in columns:
            surname, prefix = f"{surname}, {household.initials} {prefix}", ""
        if prefix and ("prefix" not in columns or rng.random() < 0.2):
            surname, prefix = f"{prefix} {surname}", ""
        row = {
            "customer_reference": arrear.reference,
            "surname": surname,
            "prefix": prefix,
            "initials": household.initials,
            "birth_date": household.birth_date.strftime(agreement.delivery.written_date),
            "phone": household.phone,
            "email": household.email,
            **self._address(household.dwelling, columns),
            "amount_due": _amount(arrear.cents, agreement.delivery.decimal, thousands=rng.random() < 0.5),
            "arrears_since": min(arrear.since, read_on - timedelta(days=31)).strftime(agreement.delivery.written_date),
            "reference_date": read_on.strftime(agreement.delivery.written_date),
            "crisis": rng.choice(("ja", "J", "x")) if arrear.crisis else rng.choice(("nee", "")),
            "warm_handover": "ja" if arrear.warm_handover else "",
            # One partner forgets it now and then.
            "reminder_sent": "nee" if rng.choice((True, False)) and agreement.partner == "ymere" else "ja",
            "objection": "nee",
        }
        return {**row, **dict.fromkeys(_LEFT_EMPTY.get(agreement.partner, ()), "")}

    def _address(self, dwelling: Dwelling, columns: Collection[str]) -> Row:
        draw = self._rng.random()
        written = as_written(self._rng, dwelling, "house_letter" in columns, "house_number_addition" in columns)
        if written["house_number"].isdigit() and written["house_number"] != str(dwelling.number):
            self._unclear.add(dwelling)
        if draw < 0.03 and dwelling.letter + dwelling.addition:
            self._unclear.add(dwelling)
            return {**written, "house_number": str(dwelling.number), "house_letter": "", "house_number_addition": ""}
        if draw > 0.985:
            self._unclear.add(dwelling)
            return {
                **written,
                "house_number": str(dwelling.number + 500),
                "house_letter": "",
                "house_number_addition": "",
            }
        return written

    def _spoil(
        self, agreement: Agreement, rows: list[Row], defects: Sequence[str], received: date, month: date
    ) -> None:
        """Breaks one row for each defect; a doubled row is added."""
        terms = agreement.delivery

        def written(day: date) -> str:
            return day.strftime(terms.written_date)

        for number, defect in enumerate(defects):
            row = rows[(number * 5 + 2) % len(rows)]
            read_on = received - timedelta(days=2)
            if defect in _EMPTY_OF:
                row[_EMPTY_OF[defect]] = self._rng.choice(("", "  "))
            elif defect == "damaged_value":
                row["customer_reference"] = "1,23457E+14"
            elif defect == "invalid_postcode":
                row["postcode"] = self._rng.choice(("2021", "0123AB", "2024 SS"))
            elif defect == "invalid_house_number":
                row["house_number"] = self._rng.choice(("onbekend", "0", "123456"))
            elif defect == "invalid_amount":
                row["amount_due"] = self._rng.choice(("nihil", "12.34.5", "-25"))
            elif defect == "invalid_date":
                row["arrears_since"] = "31-31-2020"
            elif defect == "invalid_flag":
                row[next(flag for flag in _FLAGS if flag in _filled(agreement))] = "misschien"
            elif defect == "future_date":
                row["reference_date"] = written(received + timedelta(days=3))
            elif defect == "outdated":
                row["reference_date"] = written(agreement.due(month).date() - timedelta(days=terms.max_age_days + 6))
            elif defect == "below_threshold":
                row["amount_due"], row["crisis"] = _amount(1_995, terms.decimal, thousands=False), ""
            elif defect == "too_few_days":
                row["arrears_since"], row["crisis"] = written(read_on - timedelta(days=10)), ""
                row["reference_date"] = written(read_on)
            elif defect == "too_many_days" and terms.max_days:
                row["arrears_since"], row["crisis"] = written(read_on - timedelta(days=terms.max_days + 40)), ""
                row["reference_date"] = written(read_on)
            elif defect == "outside_area":
                row.update(postcode="2061 AB", house_number="3", house_letter="", house_number_addition="")
            elif defect == "legal_person":
                row["surname"] = self._rng.choice(("Voorbeeldbakker B.V.", "Stichting Proef", "VvE De Oefening"))
            elif defect == "objection" and "objection" in agreement.headers:
                row["objection"] = "ja"
            elif defect == "duplicate_in_delivery":
                rows.append(dict(rows[0]))

    def _slips(self, month: date, agreement: Agreement, rows: list[Row], received: datetime) -> set[str]:
        """Writes them; gives the references that they hold back."""
        held: set[str] = set()
        references = sorted({row["customer_reference"] for row in rows if row["customer_reference"].strip()})
        later = received + timedelta(days=1)
        if agreement.delivery.confirmation and references:
            confirmed = [r for r in references if self._rng.random() < 0.85]
            held |= set(references) - set(confirmed)
            self._slip(agreement.partner, month, "confirmations", confirmed, later)
        if agreement.partner in ("pre_wonen", "eneco") and references:
            withdrawn = references[:: max(1, len(references) // 2)]
            held |= set(withdrawn)
            self._slip(agreement.partner, month, "withdrawals", withdrawn, later)
        return held

    def _slip(
        self, partner: str, month: date, kind: str, references: list[str], received: datetime, name: str = "lijst"
    ) -> None:
        content = "".join(f"{line}\n" for line in ("customer_reference", *references)).encode()
        self._write(partner, month, f"{kind}/{name}.csv", content, received)

    def _write(self, partner: str, month: date, name: str, content: bytes, received: datetime) -> Path:
        path = self._home.inbox / partner / month_text(month) / name
        if self._is_ahead(received):
            return path
        private_folder(self._home.inbox / partner)
        private_folder(self._home.inbox / partner / month_text(month))
        private_folder(path.parent)
        path.write_bytes(content)
        path.chmod(0o600)
        os.utime(path, (received.timestamp(), received.timestamp()))
        self.files += 1
        return path

    def known_clients(self) -> None:
        """About one in fourteen of the addresses that were reported is known somewhere already, as in the pilot."""
        path = self._home.reference / "known_clients.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("postcode", "huisnummer", "huisletter", "huisnummertoevoeging", "known_to", "status"))
            for dwelling in self._seen.values():
                if self._rng.random() < 0.07:
                    where = self._rng.choice(("schulddienstverlening", "wijkteam"))
                    status = "afgerond" if dwelling.number % 3 == 0 else "lopend"
                    address = (dwelling.postcode, dwelling.number, dwelling.letter, dwelling.addition)
                    writer.writerow((*address, where, status))
        path.chmod(0o600)


def _filled(agreement: Agreement) -> set[str]:
    """The fields of the agreement that its partner fills."""
    return {*agreement.headers} - _LEFT_EMPTY.get(agreement.partner, frozenset())


def _amount(cents: int, decimal: str, *, thousands: bool) -> str:
    text = f"{cents / 100:,.2f}" if thousands else f"{cents / 100:.2f}"
    return text if decimal == "." else text.translate(str.maketrans(",.", ".,"))


def _by_town(arrears: Sequence[Arrear], rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows by municipality; a row that was doubled stands behind all others, and goes with the first."""
    by_town: dict[str, list[Row]] = {}
    for number, row in enumerate(rows):
        arrear = arrears[number] if number < len(arrears) else arrears[0]
        by_town.setdefault(arrear.household.dwelling.municipality, []).append(row)
    return by_town
