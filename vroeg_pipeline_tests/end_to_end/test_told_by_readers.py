"""What readers tell of cells, encodings and sheets, followed to the end of a month: reasons, signals, checks, words."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import xlsxwriter

from vroeg_pipeline.domain.fields import CANONICAL_FIELDS
from vroeg_pipeline_tests.kit.world import World, as_csv, row

HEADERS = [field.title() for field in CANONICAL_FIELDS]
# (what it is about, fields as JSON holds them, reasons)
JSON_CASES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("texts", {}, []),
    ("a whole number is a reference", {"customer_reference": 4711.0}, []),
    ("true for a reference", {"customer_reference": True}, ["damaged_value"]),
    ("false for a reference", {"customer_reference": False}, ["damaged_value"]),
    ("an object for a reference", {"customer_reference": {"nummer": "K1"}}, ["damaged_value"]),
    ("a list for a reference", {"customer_reference": ["K1"]}, ["damaged_value"]),
    ("an empty list for a reference", {"customer_reference": []}, ["damaged_value"]),
    ("sixteen digits that are no text", {"customer_reference": 1234567890123456}, ["damaged_value"]),
    ("sixteen digits that are one", {"customer_reference": "1234567890123456"}, []),
    ("no reference", {"customer_reference": None}, ["missing_reference"]),
    ("true for a surname", {"surname": True}, ["damaged_value"]),
    ("an object for a surname", {"surname": {"naam": "Testman"}}, ["damaged_value"]),
    ("a list for a surname", {"surname": ["Testman", "Proef"]}, ["damaged_value"]),
    ("no surname", {"surname": None}, ["missing_surname"]),
    ("a list for initials", {"initials": ["J", "P"]}, []),
    ("yes and no", {"crisis": True, "objection": False}, []),
    ("a list for an objection", {"objection": ["nee"]}, ["invalid_flag"]),
]


@dataclass(frozen=True)
class Month:
    """A month that was run, what its run says, and its verdicts: (partner, check) to (passed, what it says)."""

    world: World
    result: dg.ExecuteInProcessResult

    @property
    def said(self) -> list[str]:
        return [entry.user_message for entry in self.world.instance.all_logs(self.result.run_id)]

    @property
    def verdicts(self) -> dict[tuple[str, str], tuple[bool, str]]:
        return {
            (e.asset_key.path[-1], e.check_name): (e.passed, e.description or "")
            for e in self.result.get_asset_check_evaluations()
            if ": not judged: " not in (e.description or "")
        }

    def detail(self, partner: str) -> str:
        (file,) = self.world.table("delivery_files", where=f"partner = '{partner}'")
        assert file["status"] == "accepted"
        return file["detail"] or ""

    def signals(self, partner: str) -> list[tuple[str, str, str]]:
        """The reference, surname and address of each."""
        found = self.world.table("validated_signals", "row_number", f"partner = '{partner}'")
        return [(signal["customer_reference"], signal["surname"], signal["address_key"]) for signal in found]


def of_house(number: int, **changes: Any) -> dict[str, Any]:
    """A valid row of a house, whose customer is called after it."""
    return {**row(customer_reference=f"K{number}", house_number=str(number)), **changes}


def write_workbook(path: Path) -> None:
    """Of the sheets with the agreed headers one is hidden, two are seen; of the rows of the first seen two are hidden."""
    with xlsxwriter.Workbook(str(path)) as book:
        for name, numbers in (("Vorige maand", (91, 92)), ("Levering", (1, 2, 3, 4)), ("Later", (93,))):
            page = book.add_worksheet(name)
            page.write_row(0, 0, HEADERS)
            for at, number in enumerate(numbers, start=1):
                fields = of_house(number)
                page.write_row(at, 0, [fields.get(field, "") for field in CANONICAL_FIELDS])
            if name == "Levering":
                page.activate()
                page.set_row(2, None, None, {"hidden": True})
                page.set_row(4, None, None, {"hidden": True})
            elif name == "Vorige maand":
                page.hide()


@pytest.fixture(scope="module")
def march(tmp_path_factory: pytest.TempPathFactory) -> Month:
    """A partner a kind of file, and all of them in one run. To be looked at."""
    folder = tmp_path_factory.mktemp("told")
    world = World(folder / "home")
    objects = [
        {field.title(): value for field, value in of_house(number, **changes).items()}
        for number, (_, changes, _) in enumerate(JSON_CASES, start=1)
    ]
    world.agree("objecten", delivery={"format": "json"})
    world.deliver("objecten", "2021-03", json.dumps(objects).encode(), name="levering.json")
    names = [of_house(1, surname="Müller"), of_house(2, surname="Şahin")]
    for partner, encoding in (("breed", "utf-16"), ("breed_zonder_bom", "utf-16-le"), ("een_byte", "cp1252")):
        world.agree(partner, delivery={"encoding": "auto"})
        text = as_csv(names if encoding != "cp1252" else names[:1]).decode()
        world.deliver(partner, "2021-03", text.encode(encoding))
    world.agree("breed_niet_afgesproken")
    world.deliver("breed_niet_afgesproken", "2021-03", as_csv(names).decode().encode("utf-16"))
    write_workbook(folder / "levering.xlsx")
    world.agree("werkmap", delivery={"format": "xlsx"})
    world.deliver("werkmap", "2021-03", (folder / "levering.xlsx").read_bytes(), name="levering.xlsx")
    misread = ["M&uuml;ller", "Jansen &amp; Zn", "MÃ¼ller", "JosÃ©", "M&#252;ller", "Bakker & Zn", "R&D;", "JOÃO"]
    world.agree("verschreven")
    world.deliver("verschreven", "2021-03", [of_house(n, surname=name) for n, name in enumerate(misread, start=1)])
    return Month(world, world.run("2021-03"))


@pytest.mark.parametrize("number", range(1, len(JSON_CASES) + 1), ids=[about for about, *_ in JSON_CASES])
def test_what_json_holds_in_place_of_a_text_is_a_reason(march: Month, number: int) -> None:
    _, _, reasons = JSON_CASES[number - 1]
    where = f"partner = 'objecten' AND row_number = {number}"
    rejected = march.world.table("rejected_rows", where=where)
    assert [found["reasons"] for found in rejected] == ([reasons] if reasons else [])
    assert len(march.world.table("validated_signals", where=where)) == (0 if reasons else 1)


def test_what_json_holds_in_place_of_another_value_is_read_or_left_out(march: Month) -> None:
    signals = {s["row_number"]: s for s in march.world.table("validated_signals", where="partner = 'objecten'")}
    about = {number: signals.get(number) for number, _ in enumerate(JSON_CASES, start=1)}
    by_case = {case: found for (case, *_), found in zip(JSON_CASES, about.values(), strict=True) if found}
    assert by_case["a whole number is a reference"]["customer_reference"] == "4711"
    assert by_case["sixteen digits that are one"]["customer_reference"] == "1234567890123456"
    assert by_case["a list for initials"]["initials"] is None
    assert by_case["yes and no"]["crisis"] is True


@pytest.mark.parametrize("partner", ["breed", "breed_zonder_bom", "een_byte"])
def test_an_encoding_that_is_found_by_itself_gives_the_same_signals(march: Month, partner: str) -> None:
    both = [("K1", "Müller", "2021AB_1__"), ("K2", "Şahin", "2021AB_2__")]
    assert march.signals(partner) == (both if partner != "een_byte" else both[:1])


def test_utf_16_that_was_not_agreed_is_refused_and_said(march: Month) -> None:
    (file,) = march.world.table("delivery_files", where="partner = 'breed_niet_afgesproken'")
    assert (file["status"], file["refusal"]) == ("refused", "unreadable")
    assert file["detail"] == "is UTF-16 (Excel: 'Unicode text'), utf-8 was agreed; save it as utf-8 and send it again"
    assert file["detail_in_dutch"] == (
        "het bestand is opgeslagen als UTF-16 (in Excel: 'Unicode-tekst'), afgesproken is UTF-8; sla het op als UTF-8 "
        "(in Excel: 'CSV UTF-8') en stuur het opnieuw"
    )
    assert march.verdicts["breed_niet_afgesproken", "delivered"][0] is False


def test_rows_that_are_hidden_and_rows_on_other_sheets_are_told(march: Month) -> None:
    assert march.signals("werkmap") == [(f"K{n}", "Testman", f"2021AB_{n}__") for n in (1, 2, 3, 4)]
    told = "2 hidden or filtered rows were read too; 1 row with the same headers on 1 other sheet was not read"
    assert march.detail("werkmap") == told
    assert f"2021-03 werkmap: {told}" in march.said


def test_names_that_were_misread_fail_a_check_that_counts_them(march: Month) -> None:
    passed, said = march.verdicts["verschreven", "names_as_written"]
    assert not passed
    assert "escaped_names is 3, expected 0" in said
    assert "twice_encoded_names is 2, expected 0" in said
    assert "ller" not in said
    others = {
        partner: verdict[0] for (partner, check), verdict in march.verdicts.items() if check == "names_as_written"
    }
    assert others == {
        "objecten": True, "breed": True, "breed_zonder_bom": True, "een_byte": True, "werkmap": True,
        "verschreven": False,
    }  # fmt: skip


def test_nothing_is_lost(march: Month) -> None:
    for file in march.world.table("delivery_files", where="status = 'accepted'"):
        assert file["row_count"] == file["accepted_count"] + file["rejected_count"]
    assert march.verdicts["validated_signals", "row_accounting"][0]
