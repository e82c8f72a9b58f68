"""Extracts that are broken, cut off or made to do harm: one line, nothing left behind (docs/adr/0012)."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from vroeg_pipeline.addresses.bag_extract import LIMITS, TABLES, Limits, read_extract
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline_tests.kit.bag import PARTS, extract, zipped

SECRET = "Geheimelaan"


def refusal(tmp_path: Path, content: bytes, limits: Limits = LIMITS) -> str:
    """What reading says; the scratch folder must be empty after it."""
    path = tmp_path / "BAGGEM0392L-15102021.zip"
    path.write_bytes(content)
    with pytest.raises(VroegError) as error:
        list(read_extract(path, tmp_path / "scratch", limits))
    scratch = tmp_path / "scratch"
    assert not scratch.exists() or list(scratch.iterdir()) == []
    said = str(error.value)
    assert said.startswith(path.name)
    assert "\n" not in said
    assert SECRET not in said
    return said


def of_numbers(xml: str | bytes) -> bytes:
    """An extract with other bytes for its number designations."""
    return extract().number("n1", "2021AB", 12).content(NUM=xml if isinstance(xml, bytes) else xml.encode())


def test_the_rows_of_an_extract(tmp_path: Path) -> None:
    made = (
        extract()
        .number("n1", "2021AB", 12, letter="a", addition="2", city="c9")
        .relation("c1", "0392", since="2010-01-01")
    )
    path = made.dwelling("v1", "n1", side=["n2"], until="2020-01-01").write(tmp_path)
    found = {table: [row for of, row in read_extract(path, tmp_path / "scratch") if of == table] for table in TABLES}
    assert found == {
        "bag_numbers": [
            (
                "n1",
                "1",
                "2010-01-01",
                None,
                "Naamgeving uitgegeven",
                "2021AB",
                "12",
                "a",
                "2",
                "Verblijfsobject",
                "s1",
                "c9",
            )
        ],
        "bag_streets": [("s1", "1", "2010-01-01", None, "Teststraat", "c1")],
        "bag_cities": [("c1", "1", "2010-01-01", None, "Haarlem", "0392")],
        "bag_municipalities": [("c1", "2010-01-01", None, "definitief", "0392")],
        "bag_objects": [
            ("v1", "1", "2010-01-01", "2020-01-01", "Verblijfsobject in gebruik", "Verblijfsobject", "n1", "true"),
            ("v1", "1", "2010-01-01", "2020-01-01", "Verblijfsobject in gebruik", "Verblijfsobject", "n2", "false"),
        ],
    }
    assert all(len(row) == len(TABLES[table]) for table, of_table in found.items() for row in of_table)


def test_names_of_all_kinds_come_through(tmp_path: Path) -> None:
    name = 'Wat, "een"\n straat &amp; é'
    made = extract().number("n1", "2021AB", 12)
    made.objects["OPR"] = []
    path = made.street(name=name).write(tmp_path)
    names = [row[4] for table, row in read_extract(path, tmp_path / "scratch") if table == "bag_streets"]
    assert names == ['Wat, "een"\n straat & é']


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"geen zip", b"\x00" * 100_000])
def test_no_zip(tmp_path: Path, content: bytes) -> None:
    assert "is no whole ZIP file; fetch the extract again" in refusal(tmp_path, content)


def test_cut_off_anywhere(tmp_path: Path) -> None:
    content = extract().number("n1", "2021AB", 12).content()
    for part in (0.1, 0.5, 0.9, 0.99):
        assert "is no whole ZIP file" in refusal(tmp_path, content[: int(len(content) * part)])


def test_a_zip_within_that_is_cut_off(tmp_path: Path) -> None:
    whole = zipped(**{"0392NUM15102021-000001__xml": extract().xml("NUM")})
    assert "is no whole ZIP file" in refusal(tmp_path, zipped(**{"0392NUM15102021__zip": whole[:-30]}))


def test_flipped_bytes_are_noticed(tmp_path: Path) -> None:
    content = bytearray(zipped(**{"0392NUM15102021-000001__xml": extract().number("n1", "2021AB", 12).xml("NUM")}))
    content[120] ^= 0xFF
    refusal(tmp_path, bytes(content))


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damaged_bytes_are_noticed_wherever_they_are(tmp_path: Path, method: int) -> None:
    name, data = "0392NUM15102021-000001.xml", io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        archive.writestr(name, extract().number("n1", "2021AB", 12).xml("NUM"))
    for at in range(30 + len(name), 54 + len(name)):
        damaged = bytearray(data.getvalue())
        damaged[at] ^= 0x55
        refusal(tmp_path, bytes(damaged))


def test_a_password(tmp_path: Path) -> None:
    content = bytearray(zipped(**{"0392NUM15102021-000001__xml": b"<x/>"}))
    content[6] |= 1  # encrypted, says the header
    content[content.index(b"PK\x01\x02") + 8] |= 1
    assert "is no whole ZIP file" in refusal(tmp_path, bytes(content))


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_is_missing_is_named(tmp_path: Path, part: str) -> None:
    assert f"lacks {part} (" in refusal(tmp_path, extract().number("n1", "2021AB", 12).content(without=[part]))


def test_a_zip_of_something_else_lacks_everything(tmp_path: Path) -> None:
    assert "lacks NUM (numbers), OPR" in refusal(tmp_path, zipped(foto__jpg=b"x"))


BOMB = """<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "{secret}aaaaaaaaaa">{more}]>
<x>&j;</x>"""


@pytest.mark.parametrize(
    ("xml", "said"),
    [
        (
            BOMB.format(
                secret=SECRET,
                more="".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True)),
            ),
            "a document type",
        ),
        ('<!DOCTYPE x SYSTEM "http://kwaad.example/x.dtd"><x/>', "a document type"),
        ('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>', "a document type"),
        ("<x>&e;</x>", "undefined entity"),
        (f"<x><naam>{SECRET}</x>", "mismatched tag: line 1"),
        (f"<x><naam>{SECRET}", "no element found"),
        ("", "no element found"),
        (b"<x>\xff\xfe</x>", "not well-formed"),
        (b'<?xml version="1.0" encoding="klingon"?><x/>', "an encoding that nobody knows"),
        ("<x>" * 1_000, "elements in elements without end"),
        ("<x>" + "".join(f"<n{number}/>" for number in range(2_000)) + "</x>", "too many different elements"),
    ],
)
def test_hostile_xml(tmp_path: Path, xml: str | bytes, said: str) -> None:
    assert said in refusal(tmp_path, of_numbers(xml))


def test_elements_without_end(tmp_path: Path) -> None:
    limits = Limits(unpacked=100_000, element=1_000_000)
    for xml in (
        f'<x a="{"a" * 3_000_000}"/>',
        f"<x><!--{'a' * 3_000_000}--></x>",
        f"<x><naam>{'a' * 10_000_000}</naam></x>",
    ):
        assert "an element without end" in refusal(tmp_path, of_numbers(xml), limits)
    references = "<R:NummeraanduidingRef>n1</R:NummeraanduidingRef>" * 2_000
    berth = f"<O:Ligplaats><O:heeftAlsNevenadres>{references}</O:heeftAlsNevenadres></O:Ligplaats>"
    xml = f'<x xmlns:O="o" xmlns:R="r">{berth}</x>'
    assert "an object without end" in refusal(tmp_path, of_numbers(xml), limits)


def test_text_that_is_not_wanted_may_be_long(tmp_path: Path) -> None:
    """A coastline is: the shape of a town or berth is one text."""
    shape = "<O:posList>" + "131009.0 482405.0 " * 400_000 + "</O:posList>"
    made = extract().number("n1", "2021AB", 12)
    city = made.xml("WPL").replace(b"</O:Woonplaats>", shape.encode() + b"</O:Woonplaats>")
    path = tmp_path / "BAGGEM0392L-15102021.zip"
    path.write_bytes(made.content(WPL=city))
    assert sum(1 for table, _ in read_extract(path, tmp_path) if table == "bag_cities") == 1


def test_a_bomb_of_zeros(tmp_path: Path) -> None:
    xml = b"<x>" + b" " * (200 * 1024**2) + b"</x>"
    assert "unpacks to more than 250 times its size" in refusal(tmp_path, of_numbers(xml))


def test_zips_in_zips_end(tmp_path: Path) -> None:
    content = zipped(**{"0392NUM15102021-000001__xml": extract().xml("NUM")})
    for _ in range(5):
        content = zipped(**{"0392NUM15102021__zip": content})
    assert "lacks NUM" in refusal(tmp_path, content)


def test_names_in_the_zip_lead_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "BAGGEM0392L-15102021.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for part in PARTS:
            archive.writestr(f"../../0392{part}15102021-000001.xml", extract().number("n1", "2021AB", 12).xml(part))
    assert len(list(read_extract(path, tmp_path / "scratch"))) == 3
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
