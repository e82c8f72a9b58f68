"""`vroeg addresses` as people type it: files in and out, an explanation, and mistakes told in one line."""

from __future__ import annotations

import csv
import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from vroeg_pipeline.addresses.address_text import fields_of
from vroeg_pipeline_tests.kit.command import vroeg
from vroeg_pipeline_tests.kit.world import REGISTER_HEADER


@pytest.fixture
def register(tmp_path: Path) -> Path:
    path = tmp_path / "register.csv"
    lines = ["1,Kerkstraat,12,,,2024AB,Haarlem,0392", "2,Kerkstraat,12,,RD,2024AB,Haarlem,0392",
             "3,C.J.van Houtenlaan,10,A,,2031XY,Haarlem,0392"]  # fmt: skip
    path.write_text("\n".join([REGISTER_HEADER, *lines, ""]), encoding="utf-8")
    return path


def addresses(*words: object) -> subprocess.CompletedProcess[str]:
    """Runs the command without an installation."""
    return vroeg(Path("/nonexistent"), "addresses", *words, width=80)


def resolve(register: Path, content: str | bytes, folder: Path) -> list[dict[str, str]]:
    """The lines that come out for a CSV."""
    source, target = folder / "in.csv", folder / "out.csv"
    source.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = addresses("resolve", "--register", register, "--input", source, "--output", target)
    assert done.returncode == 0, done.stderr
    with target.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_file_comes_out_line_by_line_for_its_owner_alone(register: Path, tmp_path: Path) -> None:
    found = resolve(
        register,
        "id,postcode,street,house_number,house_letter,house_number_addition,city\n"
        "b,2024 ab,Kerkstr.,12,,rood,Haarlem\n"
        'a,,"Houtenlaan, C.J. van",10,a,,\n'
        "a,2024AB,Dorpsweg,12,,,\n",
        tmp_path,
    )
    assert list(found[0]) == ["id", "address_key", "nummeraanduiding_id", "address_status", "stage", "evidence"]
    assert [tuple(line.values())[:5] for line in found] == [
        ("b", "2024AB_12__RD", "2", "normalised", "A"),
        ("a", "2031XY_10_A_", "3", "repaired", "B"),
        ("a", "2024AB_12_?_", "", "ambiguous", "D"),
    ]
    evidence = [json.loads(line["evidence"]) for line in found]
    assert evidence[1]["postcode"] == "missing"
    assert [c["address_key"] for c in evidence[2]["candidates"]] == ["2024AB_12__", "2024AB_12__RD"]
    assert stat.S_IMODE((tmp_path / "out.csv").stat().st_mode) == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"in.csv", "out.csv", "register.csv"}


def test_order_is_kept_over_many_lines(register: Path, tmp_path: Path) -> None:
    lines = "".join(f"{n},2024AB,{12 if n % 3 else n % 50 + 1}\n" for n in range(20_000))
    found = resolve(register, f"id,postcode,house_number\n{lines}", tmp_path)
    assert [line["id"] for line in found] == [str(n) for n in range(20_000)]


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffID;Postcode;House_Number\n1;2024AB;12\n",
        "house_number,extra,id,postcode\n12,x,1,2024AB\n",
        'id,postcode,house_number,city\n1,2024AB,12\n"2",2024AB,13,"Haar\nlem"\n',
        "id,street\n1,Kerkstraat 12 Haarlem\n",
    ],
)
def test_columns_may_stand_in_any_order_and_be_absent(register: Path, tmp_path: Path, content: str) -> None:
    found = resolve(register, content, tmp_path)
    assert (found[0]["id"], found[0]["address_key"]) == ("1", "" if "Kerkstraat" in content else "2024AB_12__")


def test_a_file_without_lines_gives_a_header(register: Path, tmp_path: Path) -> None:
    assert resolve(register, "id,postcode\n", tmp_path) == []


def test_an_address_is_explained(register: Path) -> None:
    done = addresses("explain", "2024 ab, Kerkstr. 12 rood", "--register", register)
    assert done.returncode == 0
    for part in ("Kerkstraat (variant)", "2024AB_12__RD  normalised", "A: ", "suffix ROOD", "nummeraanduiding 2"):
        assert part in done.stdout


MISTAKES = [
    (("explain", "2024AB 12"), "there is no address register", "--register FILE"),
    (("explain", "2024AB 12", "--register", "{}/nee.csv"), "there is no such register", "CSV"),
    (("explain", " ", "--register", "{}/register.csv"), "no address is given", "2024AB"),
    (("explain", "2024AB 12", "--register", "{}/empty.csv"), "has no address", "another register"),
    (
        ("resolve", "--register", "{}/register.csv", "--input", "{}/nee.csv", "--output", "{}/o.csv"),
        "cannot be read",
        "",
    ),
    (
        ("resolve", "--register", "{}/register.csv", "--input", "{}/empty.csv", "--output", "{}/o.csv"),
        "column id",
        "id",
    ),
    (("resolve", "--register", "{}/register.csv", "--input", "{}/long.csv", "--output", "{}/o.csv"), "line 2", "mend"),
    # Case d14: the lines from an open quote on were gone without a word.
    (("resolve", "--register", "{}/register.csv", "--input", "{}/open.csv", "--output", "{}/o.csv"), "line 3", "mend"),
    (("resolve", "--register", "{}/register.csv", "--input", "{}/latin.csv", "--output", "{}/o.csv"), "UTF-8", "save"),
    (
        ("resolve", "--register", "{}/register.csv", "--input", "{}/good.csv", "--output", "{}/no/o.csv"),
        "written",
        "--output",
    ),
]


@pytest.mark.parametrize(("words", "what", "do"), MISTAKES)
def test_a_mistake_is_one_line(register: Path, words: tuple[str, ...], what: str, do: str) -> None:
    folder = register.parent
    (folder / "empty.csv").write_text(f"{REGISTER_HEADER}\n", encoding="utf-8")
    (folder / "long.csv").write_text("id,postcode\n1,2024AB,Kerkstraat,12\n", encoding="utf-8")
    (folder / "latin.csv").write_bytes("id,city\n1,Curaçao\n".encode("latin-1"))
    (folder / "open.csv").write_text('id,street\n1,x\n2,"Kerkstraat\n3,x\n', encoding="utf-8")
    (folder / "good.csv").write_text("id\n1\n", encoding="utf-8")
    done = addresses(*(word.format(folder) for word in words))
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert what in done.stderr
    assert do.replace("2024AB", "1382 KD") in done.stderr
    assert "Kerkstraat" not in done.stderr
    assert not list(folder.glob("o.csv"))


def test_dagster_is_not_imported(register: Path) -> None:
    code = (
        "import sys\nfrom vroeg_pipeline.cli.app import app\n"
        f"app(['addresses', 'explain', '2024AB 12', '--register', {str(register)!r}], standalone_mode=False)\n"
        "sys.exit(bool({'dagster', 'pandas'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False).returncode == 0


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("1382 kd, Achtergracht 12 hs", {"postcode": "1382 kd", "street": "Achtergracht 12 hs"}),
        ("Achtergracht 12 hs, 1382KD Weesp", {"postcode": "1382KD", "street": "Achtergracht 12 hs", "city": "Weesp"}),
        ("1382KD 12-A", {"postcode": "1382KD", "house_number": "12-A"}),
        ("Houtenlaan, C.J. van 10", {"street": "Houtenlaan, C.J. van 10"}),
        ("Plein 1945 27, Haarlem", {"street": "Plein 1945 27", "city": "Haarlem"}),
        ("I382KD, Kerkstraat 5", {"postcode": "I382KD", "street": "Kerkstraat 5"}),
        ("Kerkstraat, 5, Weesp", {"street": "Kerkstraat", "house_number": "5", "city": "Weesp"}),
        ("", {}),
    ],
)
def test_a_line_is_taken_apart(line: str, fields: dict[str, str]) -> None:
    assert fields_of(line) == fields
