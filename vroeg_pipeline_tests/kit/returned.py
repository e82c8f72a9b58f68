"""Worklists as teams return them: filled in, sorted, split, saved by another program."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from vroeg_pipeline.domain.months import parse_month
from vroeg_pipeline.installation.statements import fetch_one
from vroeg_pipeline.monthly import months_at_work
from vroeg_pipeline.outcomes.columns import OUTCOME_COLUMNS
from vroeg_pipeline.outcomes.intake import settle_outcomes, take_in_outcomes, write_replies
from vroeg_pipeline.worklists.worklist_file import (
    WorklistEntry,
    WorklistHeading,
    worklist_file_name,
    write_worklist,
)
from vroeg_pipeline_tests.kit.world import World, moment

HEADER_ROW = 5
MONTH = "2021-03"

Told = Mapping[str, Any]

ENTRY = WorklistEntry(
    case_id="", change="added", rank=1, tier_name="rent", action="home_visit", over_capacity=False, deadline=None,
    residents="A. Testman", street="", postcode="2021AB", house_number="1", city="Haarlem", phone="", email="",
    explanation="Huurachterstand", attention="", last_time="", partners="Pré Wonen € 100,00", total_amount=None,
    longest_days=90, is_recidivist=False, known_to=None,
)  # fmt: skip


def issued(world: World, *numbers: int, month: str = MONTH, worklist: str = "wijkteam_noord") -> World:
    """A worklist that was issued, with an address for each house number; without running anything."""
    world.agree("huur", valid_from="2021-01")
    of, now = parse_month(month), moment(f"{month}-09 06:00")
    entries = []
    with world.warehouse.connect() as connection:
        world.installation.define_macros(connection)
        for number in numbers:
            key = f"2021AB_{number}__"
            connection.execute("INSERT INTO worklist_issues VALUES (?, ?, 1, ?, 'added', ?)", [of, worklist, key, now])
            (case_id,) = fetch_one(connection, "SELECT case_id_of(?::DATE, ?)", [of, key])
            entries.append(replace(ENTRY, case_id=case_id, house_number=str(number), street="", rank=len(entries) + 1))
    path = world.home.outbox_of(of) / worklist_file_name(of, worklist, 1)
    write_worklist(path, WorklistHeading(of, worklist, 1, now, []), entries, world.home.scratch)
    return world


def settle(world: World, month: str = MONTH) -> None:
    """What a run does with returned worklists, without Dagster and all else."""
    warehouse = world.warehouse
    with months_at_work(warehouse, world.installation, [parse_month(month)]) as months:
        for of in months:
            take_in_outcomes(of.connection, of.installation, of.month, lambda said: None)
            settle_outcomes(of.connection, of.installation, of.month)
            write_replies(of.connection, of.installation, of.month)


def case_ids(world: World, month: str = MONTH) -> dict[int, str]:
    """House number to Kenmerk, as the worklists of the month have it."""
    found = {}
    for path in sorted((world.home.outbox_of(parse_month(month))).glob("werklijst_*.xlsx")):
        sheet = openpyxl.load_workbook(path)["Werklijst"]
        at = columns(sheet)
        for line in range(HEADER_ROW + 1, sheet.max_row + 1):
            number = str(sheet.cell(line, at["Adres"]).value).split("\n")[0].split(" ")[-1].partition("-")[0]
            found[int(number)] = str(sheet.cell(line, at["Kenmerk (niet wijzigen)"]).value)
    return found


def columns(sheet: Worksheet, header_row: int = HEADER_ROW) -> dict[str, int]:
    """Header to column."""
    return {str(cell.value): cell.column for cell in sheet[header_row] if cell.value}


def worklist(world: World, month: str = MONTH, name: str = "") -> Path:
    """The first worklist of a team in the outbox."""
    return min(world.home.outbox_of(parse_month(month)).glob(f"werklijst_*{name}_uitgifte-1.xlsx"))


def filled(source: Path, target: Path, told: Mapping[int, Sequence[Told]], *, keep_others: bool = True) -> Path:
    """A worklist filled in: per house number what is told, a row an attempt, by field of OUTCOME_COLUMNS."""
    book = openpyxl.load_workbook(source)
    sheet = book["Werklijst"]
    at = columns(sheet)
    lines = [[cell.value for cell in line] for line in sheet.iter_rows(min_row=HEADER_ROW + 1)]
    sheet.delete_rows(HEADER_ROW + 1, len(lines))
    for line in lines:
        number = int(str(line[at["Adres"] - 1]).split("\n")[0])
        attempts = told.get(number, [{}] if keep_others else [])
        for attempt in attempts:
            again = list(line)
            for field, value in attempt.items():
                again[at[OUTCOME_COLUMNS[field]] - 1] = value
            sheet.append(again)
    target.parent.mkdir(parents=True, exist_ok=True)
    book.save(target)
    return target


def resaved(path: Path, scratch: Path, kind: str = "xlsx") -> Path:
    """The file as LibreOffice saves it again."""
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("LibreOffice is not installed")
    out = scratch / f"resaved_{path.stem}"
    command = [
        office, "--headless", f"-env:UserInstallation=file://{scratch}/profile", "--convert-to", kind, "--outdir", str(out),
        str(path),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    return out / f"{path.stem}.{kind.split(':')[0]}"


def hand_in(
    world: World, content: bytes | Path, *, month: str = MONTH, name: str = "lijst.xlsx", received: str = ""
) -> Path:
    """Puts a file in the inbox as a team does; received on the 25th at ten unless told otherwise."""
    path = world.home.inbox / "outcomes" / month / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.read_bytes())
    stamp = moment(received or f"{month}-25 10:00").timestamp()
    os.utime(path, (stamp, stamp))
    return path


def as_csv(rows: Sequence[Mapping[str, Any]], delimiter: str = ";") -> bytes:
    """Rows by field of OUTCOME_COLUMNS as the CSV of a system link."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(OUTCOME_COLUMNS.values())
    writer.writerows([[each.get(field, "") for field in OUTCOME_COLUMNS] for each in rows])
    return text.getvalue().encode()


def attempts(world: World, where: str = "true") -> list[tuple[Any, ...]]:
    """What the tables hold, without which file told it: house number, attempt, and what was done."""
    rows = world.table("contact_attempts", "address_key, attempt", where)
    return [
        (
            int(r["address_key"].split("_")[1]), r["attempt"], r["contact_kind"], r["reached"],
            f"{r['contacted_on']:%d-%m-%Y}", r["day_part"],
        )
        for r in rows
    ]  # fmt: skip


def results(world: World, where: str = "true") -> dict[int, str]:
    """House number to end result."""
    return {int(r["address_key"].split("_")[1]): r["end_result"] for r in world.table("case_results", where=where)}


def refusals(world: World) -> dict[str, str | None]:
    """File name to refusal."""
    return {r["file_name"]: r["refusal"] for r in world.table("outcome_files")}


def reasons(world: World) -> dict[int, list[str]]:
    """Row to why it was refused, of a world with one file."""
    return {r["row_number"]: r["reasons"] for r in world.table("refused_outcomes")}
