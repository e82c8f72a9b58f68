"""Small worlds in which everything happens at random, and often at once: what no example thought of.

Deterministic by seed. The people and addresses are synthetic.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import xlsxwriter

from vroeg_pipeline.domain.fields import CANONICAL_FIELDS
from vroeg_pipeline_tests.kit.world import World

MONTHS = ("2021-01", "2021-02", "2021-03", "2021-04")
_POSTCODES = ("2021AB", "2022CD", "2041EF", "2060ZZ", "9999AA")
_SUFFIXES = (
    "", "", "", "A", "B", "HS", "H", "huis", "bg", "1", "I", "1hoog", "2", "II", "2HG", "-2", "/3", "III", "RD", "rood",
    "R", "ZW", "zwart", "Z", "bis", "BS", "ben", "bov.", "A1", "a 01", "A-2", "12", "007", "ABCDE",
)  # fmt: skip
_SURNAMES = (
    "Janssen", "van Dijk", "Dijk", "Müller", "muller", "de Boer", "'t Hart", "Hart", "Boer, de", "Özil", "Hart-Dijk",
    "van Dijk - de Boer", "Özil e/o Hart", "Boer, A. de en Muller, B.", "Janssen e/v Dijk", "J. Janssen-Özil", "Das",
    "X", "Dijk/Özil", "A-Hart", "van der",
)  # fmt: skip
_BROKEN: dict[str, Sequence[str]] = {
    "customer_reference": ("", "  "),
    "surname": ("", "Bakkerij Jansen B.V.", "Stichting Wonen", "Boer, B.V.", "Stichting X inzake Hart"),
    "postcode": ("", "2021", "2021SA", "0021AB", "2021-AB", "2060ZZ"),
    "house_number": ("", "0", "100000", "huis", "12345", "12 345"),
    "amount_due": ("", "0", "-5", "12.34.56", "veel", "1.2345", "74,99", "74.995", "€ 1.234,56", "1,234.56"),
    "arrears_since": ("", "31-02-2021", "01-01-2031", "2021/01/01", "01-01-21"),
    "reference_date": ("", "gisteren", "01-01-2020", "01-01-2031"),
    "birth_date": ("1980", "31-11-1980"),
    "crisis": ("ja", "J", "x", "misschien", "0"),
    "warm_handover": ("1", "TRUE", "?"),
    "reminder_sent": ("n", "false", "ja nee"),
    "objection": ("ja", "JA", "nee.", "nee"),
}


# What people decided of files: by month, partner and SHA-256.
Decisions = dict[tuple[date, str, str], str]


def make_random_world(world: World, seed: int) -> Decisions:
    """Fills an empty world; gives what was decided in it."""
    maker = _Maker(world, random.Random(seed), _thresholds(random.Random(f"setting {seed}")))
    maker.make()
    return maker.decided


def _in_a_way(at: int, dwelling: str) -> str:
    """An entry of the register with letter and addition in their columns, behind the number, or in both in another way."""
    postcode, number, letter, addition, municipality = dwelling.split(",")
    ways = [
        (number, letter, addition), (f"{number} {letter}", letter, addition), (f"{number}{letter}", "", addition),
        (number, letter, addition), (f"{number}{letter}-{addition}", "", ""), (f"{number}c", letter, addition),
    ]  # fmt: skip
    return ",".join((postcode, *ways[at % len(ways)], municipality))


def _thresholds(rng: random.Random) -> dict[str, Any]:
    """What the town lets through; in some worlds as agreed."""
    if rng.random() < 0.4:
        return {}
    thresholds = {
        kind: {"min_amount": rng.choice(["0.00", "100.00", "250.50"]), "min_days": rng.choice([0, 31])}
        for kind in ("Huur", "Water")
    }
    return {"thresholds": thresholds, "below_threshold": rng.choice(["reject", "light_track", "light_track"])}


class _Maker:
    def __init__(self, world: World, rng: random.Random, thresholds: Mapping[str, Any]) -> None:
        self.world = world
        self.thresholds = thresholds
        self.rng = rng
        self.people = [self._person(number) for number in range(rng.randint(15, 40))]
        self.partners = self._partners()
        self.decided: Decisions = {}

    def make(self) -> None:
        rng, world = self.rng, self.world
        for partner, changes in self.partners.items():
            world.agree(partner, **changes)
        world.settings(
            **self.thresholds,
            lookback_months=rng.choice([1, 2, 24]),
            repeat_months=rng.choice([0, 1, 3]),
            high_amount=rng.choice(["500.00", "150.00"]),
            mortgage_is_housing=rng.random() < 0.5,
            capacity={name: rng.randint(0, 4) for name in ("wijkteam_noord", "budgetcoach") if rng.random() < 0.7},
            contact_policy=rng.choice([{}, {"home_visits": True, "2021-02": {"home_visits": False}}]),
        )
        if rng.random() < 0.8:
            self._register()
        known = [
            f"{p['postcode']},{rng.randint(1, 6)},{rng.choice(['', 'A'])},{rng.choice(['', 'HS'])},"
            f"{rng.choice(['x', 'y', ''])},{rng.choice(['', 'lopend', 'Afgerond', 'afgerond ', 'klaar'])}"
            for p in self.people[:12]
        ]
        header = "postcode,huisnummer,huisletter,huisnummertoevoeging,known_to,status"
        world.reference("known_clients.csv", header, *known)
        for month in MONTHS:
            for partner, changes in self.partners.items():
                self._month(partner, changes, month)
        world.deliver("zonder_afspraak", MONTHS[0], b"a;b\n1;2\n")
        self._portal()

    def _portal(self) -> None:
        """A sender of files for two partners, of which one begins later, with rows of others among them."""
        rng, world = self.rng, self.world
        adding = {"additions": "*EXTRA*", "max_missing_share": 0.7}
        world.agree_sender("portaal", {"Wonen": "wonen", "Wonen Oost": "wonen", "Gas & Licht": "gas"})
        world.agree_delivered("wonen", "portaal", delivery={"min_days": 0})
        world.agree_delivered(
            "gas", "portaal", type="Energie", valid_from="2021-02", delivery={"confirmation": True, **adding}
        )
        changes = {"partner_column": "Instantie"}
        for month in MONTHS:
            self._month("portaal", changes, month)
            self._month("portaal", changes, month)
            for kind in ("withdrawals", "confirmations"):
                references = [person["customer_reference"] for person in rng.sample(self.people, 6)]
                world.slip(rng.choice(["wonen", "gas"]), month, kind, *references)

    def _person(self, number: int) -> dict[str, str]:
        rng = self.rng
        return {
            "customer_reference": f"K{number}",
            "surname": rng.choice(_SURNAMES),
            "prefix": rng.choice(["", "van"]),
            "birth_date": rng.choice(["", "01-02-1980", "29-02-1996"]),
            "postcode": rng.choice(_POSTCODES),
            "number": str(rng.randint(1, 6)),
            "suffix": rng.choice(_SUFFIXES),
        }

    def _partners(self) -> dict[str, dict[str, Any]]:
        rng = self.rng
        area = {"municipalities": rng.choice([["0392"], ["0392", "0473"]])}
        dates = ["%d-%m-%Y", "%Y/%m/%d", "excel"]
        days = {f if f != "arrears_since" else "days_in_arrears": f.title() for f in CANONICAL_FIELDS}
        in_days = {"format": "json", "decimal": ".", "min_days": 0, "additions": "*Extra*"}
        in_cents = {"unit": "cents", "max_days": 100, "additions": "*"}
        old, new = {"valid_until": "2021-02"}, {"valid_from": "2021-02", "succeeds": ["oude_huur"]}
        return {
            "oude_huur": {"type": "Huur", **area, **old},
            "nieuwe_huur": {"type": "Huur", **area, **new},
            "huis": {
                "type": "Hypotheek",
                **area,
                "delivery": {"format": "xlsx", "max_age_days": 20, "date_format": dates, "max_missing_share": 0.2},
            },
            "licht": {"type": "Energie", **area, "columns": days, "delivery": in_days},
            "water": {"type": "Water", **area, "delivery": {"encoding": "cp1252", "delimiter": ",", "decimal": "."}},
            "zorg": {"type": "Zorg", **area, "delivery": {**in_cents, "confirmation": rng.random() < 0.5}},
        }

    def _register(self) -> None:
        rng = self.rng
        dwellings = set()
        for postcode in _POSTCODES[:3]:
            for number in range(1, 7):
                for _ in range(rng.choice([0, 1, 1, 2, 3])):
                    letter, addition = (
                        rng.choice(["", "", "A", "B"]),
                        rng.choice(["", "", "HS", "1", "2", "RD", "ZW", "01"]),
                    )
                    municipality = rng.choice(["0392", "0392", "0473"])
                    dwellings.add(f"{postcode},{number},{letter},{addition},{municipality}")
        self.world.register(*(_in_a_way(at, dwelling) for at, dwelling in enumerate(sorted(dwellings))))

    def _month(self, partner: str, changes: Mapping[str, Any], month: str) -> None:
        rng = self.rng
        if rng.random() < 0.1:
            return
        form = changes.get("delivery", {}).get("format", "csv")
        for number in range(rng.choice([1, 1, 1, 2, 3])):
            rows = [self._row(changes, month) for _ in range(rng.choice([0, 12, 30, 50, 50]))]
            content = self._content(rows, changes)
            if rng.random() < 0.08:
                content = rng.choice([b"", b"\xff\xfe\x00rommel", content[: len(content) // 2]])
            day, hour = rng.randint(1, 20), rng.randint(0, 23)
            name = f"levering_{number}{rng.choice(['', '', '_extra', '_EXTRA'])}.{form}"
            path = self.world.deliver(partner, month, content, name=name, received=f"{month}-{day:02d} {hour:02d}:30")
            if rng.random() < 0.15:
                self._decide(partner, month, path)
            if rng.random() < 0.1:
                self.world.deliver(partner, MONTHS[-1], path.read_bytes(), name=f"kopie.{form}")
        references = [person["customer_reference"] for person in rng.sample(self.people, 6)]
        if rng.random() < 0.4:
            self.world.slip(partner, month, "withdrawals", *references[:3])
        if rng.random() < 0.6:
            self.world.slip(partner, month, "confirmations", *references, *(f"K{n}" for n in range(10)))

    def _decide(self, partner: str, month: str, path: Path) -> None:
        of = self.rng.choice(["wonen", "gas", "portaal"]) if partner == "portaal" else partner
        for decision in self.rng.choices(["replacement", "addition", "refused"], k=self.rng.choice([1, 1, 2])):
            self.world.decide(of, month, path, decision)
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            self.decided[date.fromisoformat(f"{month}-01"), of, sha256] = decision

    def _row(self, changes: Mapping[str, Any], month: str) -> dict[str, str]:
        rng, person = self.rng, self.rng.choice(self.people)
        first = date.fromisoformat(f"{month}-01")
        read_on = first - timedelta(days=rng.choice([0, 1, 3, 10, 14]))
        suffix = person["suffix"] if rng.random() < 0.8 else rng.choice(_SUFFIXES)
        separate = rng.random() < 0.3
        postcode = person["postcode"]
        amount = f"{rng.choice([75, 80, 120, 300, 499, 500, 1250])},{rng.choice(['00', '01', '99', '5'])}"
        since = read_on - timedelta(days=rng.choice([0, 29, 30, 60, 100, 101, 400]))
        terms = changes.get("delivery", {})
        row = {
            "customer_reference": person["customer_reference"],
            "surname": person["surname"] if rng.random() < 0.9 else rng.choice(_SURNAMES),
            "prefix": person["prefix"],
            "birth_date": person["birth_date"],
            "postcode": rng.choice([postcode, postcode, f" {postcode[:4]} {postcode[4:].lower()}"]),
            "house_number": person["number"] + ("" if separate else f"{rng.choice(['', ' ', '-'])}{suffix}"),
            "house_letter": suffix if separate and len(suffix) == 1 else "",
            "house_number_addition": suffix if separate and len(suffix) != 1 else "",
            "amount_due": amount if terms.get("decimal") != "." else amount.replace(",", "."),
            "arrears_since": f"{since:%d-%m-%Y}",
            "reference_date": f"{read_on:%d-%m-%Y}",
            "crisis": "ja" if rng.random() < 0.05 else "nee",
        }  # fmt: skip
        if "partner_column" in changes:
            row["instantie"] = rng.choice(["Wonen", "WONEN ", "wonen oost", "Gas & Licht", "gas & licht", "Gas", ""])
        if terms.get("unit") == "cents" and not amount.endswith(",5"):
            row["amount_due"] = amount.replace(",", "")
        if "days_in_arrears" in changes.get("columns", {}):
            row["arrears_since"] = str((read_on - since).days)
        for field, values in _BROKEN.items():
            if rng.random() < 0.03:
                row[field] = rng.choice(values)
        return row

    def _content(self, rows: Sequence[Mapping[str, str]], changes: Mapping[str, Any]) -> bytes:
        terms = changes.get("delivery", {})
        names = [f.title() for f in CANONICAL_FIELDS if f not in ("email", "reminder_sent") or self.rng.random() < 0.5]
        if "partner_column" in changes and self.rng.random() < 0.9:
            names.insert(self.rng.randrange(len(names)), changes["partner_column"])
        table = [[row.get(name.lower(), "") for name in names] for row in rows]
        if terms.get("format") == "json":
            objects = [dict(zip(names, values, strict=True)) for values in table]
            return json.dumps([{k: self._loose(k, v) for k, v in o.items()} for o in objects]).encode()
        if terms.get("format") == "xlsx":
            return self._workbook(names, table)
        text = io.StringIO(newline="")
        quoting = self.rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
        writer = csv.writer(text, delimiter=terms.get("delimiter", ";"), quoting=quoting)
        writer.writerow(names)
        writer.writerows(table)
        return text.getvalue().encode(terms.get("encoding", "utf-8"))

    def _loose(self, name: str, value: str) -> object:
        if name == "Amount_Due" and self.rng.random() < 0.5:
            try:
                return float(value)
            except ValueError:
                return value
        return None if value == "" else value

    def _workbook(self, names: Sequence[str], table: Sequence[Sequence[str]]) -> bytes:
        file = io.BytesIO()
        with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
            book.set_properties({"created": datetime(2021, 1, 1, tzinfo=UTC)})
            sheet, as_date = book.add_worksheet(), book.add_format({"num_format": "dd-mm-yyyy"})
            sheet.write_row(0, 0, names)
            for number, values in enumerate(table, start=1):
                for column, (name, value) in enumerate(zip(names, values, strict=True)):
                    if name in ("Arrears_Since", "Reference_Date") and len(value) == 10 and self.rng.random() < 0.7:
                        try:
                            sheet.write_datetime(number, column, datetime.strptime(value, "%d-%m-%Y"), as_date)  # noqa: DTZ007
                            continue
                        except ValueError:
                            pass
                    sheet.write_string(number, column, value)
        return file.getvalue()
