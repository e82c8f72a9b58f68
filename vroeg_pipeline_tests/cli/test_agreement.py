"""`vroeg agreement`: a new partner from a sample file, in numbers, without a word of anybody in it."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from vroeg_pipeline.cli.agreement import Asked, NewPartner, new_agreement, try_agreement
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline_tests.kit.command import vroeg
from vroeg_pipeline_tests.kit.samples import (
    HEADERS,
    LAYOUTS,
    PEOPLE,
    as_xml,
    in_cells,
    objects,
    workbook,
    written,
)  # fmt: skip
from vroeg_pipeline_tests.kit.world import World

# Nothing of these may be told, whatever becomes of the file. Spaces and case hide nothing.
CANARIES = [
    {
        "customer_reference": f"REFKANARIE{at}", "surname": surname, "postcode": f"203{at}XQ", "house_number": f"8765{at}",
        "amount_due": f"731{at},29", "arrears_since": f"1{at}-11-2020", "reference_date": "05-03-2021",
    }
    for at, surname in enumerate(("Kanarievogel", "Pimpelmeesje", "Roodborst"), start=1)
]  # fmt: skip
SECRETS = [value for row in CANARIES for field, value in row.items() if field != "reference_date"]
SECRETS += ["Geheimhof", "73129", "2031 XQ"]


def put(folder: Path, content: bytes | str, name: str = "levering.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def tried(file: Path, home: Path = Path("/nonexistent"), agreement: Path | None = None, **asked: Any) -> str:
    """What `vroeg agreement try` prints; an error of it is its last line."""
    said = io.StringIO()
    out = Console(file=said, width=80)
    try:
        try_agreement(Home(home), Asked(file, **asked), agreement, out)
    except VroegError as error:
        said.write(f"Error: {error}\n")
    return said.getvalue()


def new_of(**changes: Any) -> NewPartner:
    usual: dict[str, Any] = {
        "partner": "nieuw", "sender": None, "name": "Nieuw", "kind": "Huur", "valid_from": None,
        "municipalities": ("0392",), "members": (), "overwrite": False,
    }  # fmt: skip
    return NewPartner(**{**usual, **changes})


def made(home: Path, file: Path, asked: Mapping[str, Any] | None = None, **changes: Any) -> tuple[str, str]:
    """What `vroeg agreement new` prints, and the agreement that it writes."""
    said = io.StringIO()
    new = new_of(**changes)
    new_agreement(Home(home), Asked(file, **(asked or {})), new, Console(file=said, width=80))
    return said.getvalue(), (home / "agreements" / f"{new.partner or new.sender}.yaml").read_text(encoding="utf-8")


def lines_of(text: str) -> set[str]:
    return {" ".join(line.split()) for line in text.splitlines()}


def test_a_file_is_shown_in_numbers(tmp_path: Path) -> None:
    rows = [*PEOPLE, {**PEOPLE[0], "amount_due": "veel"}, {**PEOPLE[1], "postcode": "", "arrears_since": "onbekend"}]
    rows.append({**PEOPLE[2], "customer_reference": "K9", "amount_due": "20,00"})
    file = put(tmp_path, written(rows, {**HEADERS, "arrears_since": "Vervaldatum"}).encode("cp1252"))
    said = tried(file)
    assert {
        "Found: CSV, encoding cp1252, ';' between columns",
        "Values: decimal ',', dates %d-%m-%Y, amounts in euro",
        "customer_reference Klantnummer 6 0 0",
        "postcode Postcode 5 1 0 row 5: empty",
        "amount_due Openstaand bedrag 6 0 1 row 4: unreadable",
        "arrears_since Vervaldatum 6 0 1 row 5: unreadable",
        "2021-03: 6 rows, 3 accepted, 3 rejected",
        "below_threshold 1",
        "duplicate_in_delivery 1",
        "invalid_amount 1",
        "invalid_date 1",
        "missing_postcode 1",
    } <= lines_of(said)
    assert "What a file lacks of the one that it replaces is seen only when it is delivered." in said
    assert "vroeg agreement new" in said
    assert max(map(len, said.splitlines())) <= 100 + len(str(file))


def test_a_given_agreement_is_what_it_is_read_by(world: World, tmp_path: Path) -> None:
    headers = {field: field.title() for field in HEADERS}
    file = put(tmp_path, written(PEOPLE, headers))
    world.agree("huur", delivery={"min_amount": 200}, valid_from="2022-01")
    by = world.home.agreements / "huur.yaml"
    assert "2021-03: 3 rows, 2 accepted, 1 rejected" in lines_of(tried(file, agreement=by))
    assert "2021-06: 3 rows, 0 accepted, 3 rejected" in lines_of(tried(file, agreement=by, month=date(2021, 6, 1)))
    world.settings(thresholds={"Huur": {"min_amount": 1}})
    assert "2021-03: 3 rows, 3 accepted, 0 rejected" in lines_of(tried(file, world.root, agreement=by))
    said = tried(put(tmp_path, written(PEOPLE)), agreement=by)
    assert said.splitlines()[-1].startswith("Error: levering.csv: would be refused as missing_columns")


def test_of_a_senders_file_each_partner_is_counted(world: World, tmp_path: Path) -> None:
    names = ("PWN", "Ymere", "Onbekend BV")
    rows = [{**row, "partner": name} for row, name in zip(PEOPLE, names, strict=True)]
    file = put(tmp_path, written(rows, {"partner": "Signaalpartner", **HEADERS}))
    said = tried(file)
    assert {"partner_1: 1 row", "partner_2: 1 row", "partner_3: 1 row"} <= lines_of(said)
    assert "3 rows, 3 accepted" in said
    assert not any(name in said for name in names)
    world.agree("pwn", name="PWN")
    printed, text = made(world.root, file, partner=None, sender="portaal", members=("Ymere=ymere",))
    assert yaml.safe_load(text)["partners"] == {"Ymere": "ymere", "PWN": "pwn"}
    assert "add the 1 name of others" in printed
    assert "delivered_by: portaal" in printed
    assert not any("Onbekend BV" in where for where in (printed, text))
    # Both ways of reading by it; the partners have to name the sender first.
    world.agree_delivered("pwn", "portaal")
    world.agree_delivered("ymere", "portaal")
    said = tried(file, agreement=world.home.agreements / "portaal.yaml")
    assert {"pwn: 1 row", "ymere: 1 row", "unknown_partner_in_file 1"} <= lines_of(said)
    assert tried(file, agreement=world.home.agreements / "pwn.yaml") == said.replace("portaal.yaml", "pwn.yaml", 1)


@pytest.mark.parametrize(
    "layout", ["cp1252", "utf-16 with titles", "second sheet with titles", "wrapped", "xml", "zip"]
)
def test_the_agreement_that_is_written_is_taken_by_a_month(world: World, tmp_path: Path, layout: str) -> None:
    """As many rows are accepted as the trial said, and all is there that was in the sample."""
    content, form = LAYOUTS[layout]
    file = put(tmp_path, content, f"levering.{form.get('packed') or form.get('format', 'csv')}")
    printed, text = made(world.root, file)
    assert "The sample gives 3 rows, 3 accepted, 0 rejected." in printed
    assert "inbox/nieuw/2021-03/" in printed
    written_down = yaml.safe_load(text)
    assert (written_down["type"], written_down["valid_from"]) == ("Huur", "2021-03")
    world.deliver("nieuw", "2021-03", content, name=file.name, received="2021-03-05 10:00")
    world.run("2021-03", upto="validated_signals")
    found = world.table("validated_signals")
    rejected = [row["reasons"] for row in world.table("rejected_rows")]
    # The trial knows no municipalities: one of the three lives elsewhere.
    assert (len(found), rejected) == (2, [["outside_area"]])
    assert {str(signal["amount_due"]) for signal in found} == {"220.50", "1234.56"}


def test_an_agreement_is_not_written_over(world: World, tmp_path: Path) -> None:
    file = put(tmp_path, written(PEOPLE))
    world.agree("nieuw")
    before = (world.home.agreements / "nieuw.yaml").read_bytes()
    with pytest.raises(VroegError, match="there is an agreement already; give --overwrite"):
        made(world.root, file)
    assert (world.home.agreements / "nieuw.yaml").read_bytes() == before
    _, text = made(world.root, file, overwrite=True, municipalities=())
    assert yaml.safe_load(text)["municipalities"] == ["0392", "0473"]
    assert [path.name for path in world.home.agreements.iterdir()] == ["nieuw.yaml"]


def test_what_has_to_be_checked_stands_in_the_agreement(world: World, tmp_path: Path) -> None:
    file = put(tmp_path, written([{**row, "amount_due": "22050"} for row in PEOPLE]))
    printed, text = made(world.root, file, name='Van "A": & Zn')
    assert yaml.safe_load(text)["name"] == 'Van "A": & Zn'
    assert yaml.safe_load(text)["delivery"]["unit"] == "cents"
    for said in (printed, text):
        assert "taken for cents" in said


def test_headers_as_they_are_seen_and_none_as_they_are_named(world: World, tmp_path: Path) -> None:
    """A line end or a mark in a header breaks no line of the agreement; columns without one can be named by position."""
    headers = {**HEADERS, "amount_due": "Openstaand\nbedrag in  cent", "surname": "\u200bAchternaam\ufeff"}
    _, text = made(world.root, put(tmp_path, written([{**row, "amount_due": "9900"} for row in PEOPLE], headers)))
    assert yaml.safe_load(text)["columns"]["amount_due"] == "Openstaand bedrag in cent"
    assert "\n# Check: amounts are taken for cents" in text
    bare = put(tmp_path, "".join(f"{row['customer_reference']};{row['surname']};2021AA;7;9,50\n" for row in PEOPLE))
    assert "name its column: --column arrears_since=POSITION" in tried(bare)
    told = tried(bare, columns=("surname=1", "customer_reference=2"))
    assert {"surname 1", "customer_reference 2", "house_number 4"} <= lines_of(told)


MISTAKES: list[tuple[bytes | str, dict[str, Any], str]] = [
    (written(PEOPLE), {"partner": "Nieuw!"}, "cannot be the id of a partner"),
    (written(PEOPLE), {"kind": "Huren"}, "field 'type'"),
    (written(PEOPLE), {"kind": None}, "which type of partner?"),
    (written(PEOPLE), {"municipalities": ()}, "which municipalities?"),
    (written(PEOPLE), {"municipalities": ("392",)}, "field 'municipalities"),
    (written(PEOPLE), {"sender": "portaal"}, "who delivers?"),
    (written(PEOPLE), {"partner": None, "sender": "portaal"}, "no column of the file"),
    ("Naam;Postcode;Bedrag\nX;2021AA;10,00\n", {}, "no column was recognised as customer_reference, house_number"),
    (json.dumps({"Kanarievogel": {"rijen": objects(PEOPLE)}}), {}, "--records-at"),
    (b"%PDF-1.4 \n", {}, "is a PDF"),
    (b"", {}, "is empty"),
]


@pytest.mark.parametrize(("content", "changes", "said"), MISTAKES)
def test_a_mistake_is_one_line_and_nothing_is_written(
    tmp_path: Path, content: bytes | str, changes: dict[str, Any], said: str
) -> None:
    home = tmp_path / "home"
    with pytest.raises(VroegError) as error:
        made(home, put(tmp_path, content), **changes)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert "Kanarievogel" not in str(error.value)
    assert not home.exists()


def test_as_people_type_it(tmp_path: Path) -> None:
    """One partner, from a sample file to an agreement; and mistakes in one line."""
    home, file = tmp_path / "home", put(tmp_path, written(PEOPLE), "een levering.csv")
    shown = vroeg(home, "agreement", "try", file, width=80)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert f"vroeg agreement new '{file}' --partner ID" in shown.stdout
    assert not home.exists()
    words = ("--partner", "pwn", "--name", "PWN", "--type", "Water", "--municipality", "0392")
    done = vroeg(home, "agreement", "new", file, *words, width=80)
    assert (done.returncode, done.stderr) == (0, "")
    assert yaml.safe_load((home / "agreements" / "pwn.yaml").read_text("utf-8"))["partner"] == "pwn"
    for wrong in (
        ("try", tmp_path / "er_niet.csv"),
        ("try", tmp_path),
        ("try", file, "--month", "maart"),
        ("try", file, "--column", "surnaam=X"),
        ("try", file, "--agreement", tmp_path / "er_niet.yaml"),
        ("new", file, *words),
    ):
        failed = vroeg(home, "agreement", *wrong)
        assert failed.returncode == 1
        assert failed.stderr.startswith("Error:")
        assert len(failed.stderr.strip().splitlines()) == 1


# Files of the same people, in every form in which something could be said of them.
ROWS = [{**row, "more": "Geheimhof 12"} for row in CANARIES]
WITH_MORE = {**HEADERS, "more": "Kanarievogel"}
CANARY_FILES: dict[str, Callable[[], bytes]] = {
    "csv": lambda: written(ROWS, WITH_MORE).encode(),
    "no header": lambda: written(ROWS, {}).encode(),
    "no header, terms in cells": lambda: "".join(
        f"Straat;{';'.join(row.values())};Naam\n" for row in CANARIES
    ).encode(),
    "one without a header": lambda: written(CANARIES[:1], {}).encode(),
    "unknown headers": lambda: written(ROWS, CANARIES[0] | {"more": "x"}).encode(),
    "twice a header": lambda: written(ROWS, {**WITH_MORE, "more": "Achternaam"}).encode(),
    "too few headers": lambda: written(ROWS, {"surname": "Naam", "postcode": "Postcode", "more": "Kanarievogel"}).encode(),
    "a quote": lambda: (written(ROWS, WITH_MORE) + 'REFKANARIE9;"Kanarievogel;2031XQ\n').encode(),
    "another encoding within": lambda: written(ROWS, WITH_MORE).encode() + "é;".encode() + "Kanarië;".encode("cp1252"),
    "whole lines in quotes": lambda: "".join(f'"{line}"\n' for line in written(ROWS, WITH_MORE).splitlines()).encode(),
    "workbook": lambda: workbook({"Kanarievogel": [[*HEADERS.values()], *in_cells(CANARIES)]}),
    "workbook without a header": lambda: workbook({"Blad1": [["Kanarievogel"], *in_cells(CANARIES)]}),
    "objects": lambda: json.dumps({"Kanarievogel": {"Geheimhof": objects(CANARIES)}}).encode(),
    "object by name": lambda: json.dumps([{"Kanarievogel": each} for each in objects(CANARIES)]).encode(),
    "broken objects": lambda: json.dumps(objects(CANARIES)).encode()[:-9],
    "lines": lambda: "\n".join(map(json.dumps, objects(CANARIES))).encode() + b"\nKanarievogel",
    "xml": lambda: as_xml(CANARIES).replace(b"signalen>", b"Kanarievogel>"),
    "broken xml": lambda: as_xml(CANARIES).replace(b"</klant>", b"</Geheimhof>"),
    "packed": lambda: gzip.compress(written(ROWS, {}).encode(), mtime=0),
    "fixed": lambda: "".join("  ".join(f"{v:<14}" for v in row.values()) + "\n" for row in CANARIES).encode(),
    "a column of partners": lambda: written(
        [{**row, "more": row["surname"]} for row in CANARIES], {**HEADERS, "more": "Instantie"}
    ).encode(),
}  # fmt: skip


@pytest.mark.parametrize("kind", CANARY_FILES)
def test_nothing_of_anybody_is_told_or_written(
    world: World, tmp_path: Path, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    file = put(tmp_path, CANARY_FILES[kind](), "levering")
    world.agree("huur", columns=HEADERS)
    told = [tried(file), tried(file, agreement=world.home.agreements / "huur.yaml")]
    who: dict[str, Any] = {"partner": None, "sender": "portaal", "members": ("X=huur",)} if "partners" in kind else {}
    try:
        told += made(world.root, file, **who)
    except VroegError as error:
        told.append(str(error))
    told += [*capfd.readouterr()]
    folded = "".join(told).casefold().replace(" ", "").replace("\n", "")
    assert len(folded) > 50
    for secret in SECRETS:
        assert secret.casefold().replace(" ", "") not in folded
