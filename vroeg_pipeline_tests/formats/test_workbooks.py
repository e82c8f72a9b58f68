"""Workbooks as programs other than Excel write them, and as people leave them (DOMAIN §4, §5)."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

import duckdb
import pytest

from vroeg_pipeline.domain.fields import CANONICAL_FIELDS
from vroeg_pipeline.domain.layouts import Layout
from vroeg_pipeline.formats.cells import UnreadableError
from vroeg_pipeline.formats.delivery import ReadDelivery, read_delivery
from vroeg_pipeline.formats.xlsx import xlsx_cells, xlsx_sheet
from vroeg_pipeline.formats.xlsx_parts import BrokenPartError, broken_part_told
from vroeg_pipeline.installation.home import CHECKOUT

COLUMNS = {field: field.replace("_", " ").title() for field in CANONICAL_FIELDS}
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_STYLES = (
    f'<styleSheet xmlns="{MAIN}"><cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="20"/></cellXfs>'
    "</styleSheet>"
)

Row = Mapping[str, str]


def text(value: str) -> str:
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'


def number(value: str) -> str:
    return f"<c><v>{value}</v></c>"


def day(serial: int) -> str:
    return f'<c s="1"><v>{serial}</v></c>'


HEADER = "".join(text(header) for header in COLUMNS.values())


def row(reference: str, **fields: str) -> str:
    """The cells of a row; `fields`: field to its cell."""
    given = {
        "customer_reference": text(reference), "surname": text("Proef"), "postcode": text("2021AB"),
        "house_number": number("7"), "amount_due": number("1234.56"), "arrears_since": day(44197),
        "reference_date": day(44256), **fields,
    }  # fmt: skip
    return "".join(given.get(field, "<c/>") for field in CANONICAL_FIELDS)


def sheet(*rows: str, header: str = HEADER, attributes: Mapping[int, str] | None = None, dimension: str = "") -> str:
    lines = [
        f'<row {(attributes or {}).get(at, "")} r="{at}">{cells}</row>' for at, cells in enumerate([header, *rows], 1)
    ]
    return f'<worksheet xmlns="{MAIN}">{dimension}<sheetData>{"".join(lines)}</sheetData></worksheet>'


def workbook(
    sheets: Mapping[str, str],
    *,
    states: Mapping[str, str] | None = None,
    kinds: Mapping[str, str] | None = None,
    target: str = "worksheets/sheet{}.xml",
    names: Mapping[str, str] | None = None,
    properties: str = "",
) -> bytes:
    """`sheets`: name to XML. `names`: usual name of a part to the one that it has."""
    listed = "".join(
        f'<sheet name="{name}" sheetId="{at}" {(states or {}).get(name, "")} r:id="rId{at}"/>'
        for at, name in enumerate(sheets, 1)
    )
    relations = "".join(
        f'<Relationship Id="rId{at}" Type="{OFFICE}/{(kinds or {}).get(name, "worksheet")}" Target="{target.format(at)}"/>'
        for at, name in enumerate(sheets, 1)
    )
    parts: dict[str, Any] = {
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" Type="{OFFICE}/officeDocument" '
        f'Target="{(names or {}).get("xl/workbook.xml", "xl/workbook.xml").replace("|", "/")}"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">{properties}<sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}">{relations}<Relationship Id="rId99" '
        f'Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": _STYLES,
        **{f"xl/worksheets/sheet{at}.xml": xml for at, xml in enumerate(sheets.values(), 1)},
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as container:
        for name, content in parts.items():
            container.writestr((names or {}).get(name, name), content)
    content = file.getvalue()
    # `zipfile` writes no name with a backslash.
    return content.replace(b"xl|", b"xl\\").replace(b"_rels|", b"_rels\\").replace(b"worksheets|", b"worksheets\\")


def read(folder: Path, content: bytes, sheet: str | None = None) -> tuple[ReadDelivery, list[dict[str, Any]]]:
    path = folder / "levering.xlsx"
    path.write_bytes(content)
    scratch = folder / "scratch"
    with duckdb.connect() as connection:
        layout = Layout.model_validate({"delivery": {"format": "xlsx", "sheet": sheet}, "columns": COLUMNS})
        outcome = read_delivery(connection, path, layout, "delivered", scratch)
        result = connection.execute("FROM delivered ORDER BY row_number")
        names = [column[0] for column in result.description]
        rows = [dict(zip(names, cells, strict=True)) for cells in result.fetchall()]
    assert not scratch.exists() or list(scratch.iterdir()) == []
    return outcome, rows


def references(rows: list[dict[str, Any]]) -> list[str]:
    return [row["customer_reference"] for row in rows]


def test_an_error_value_is_its_text(tmp_path: Path) -> None:
    """Case b08b: an objection that could not be looked up counted as none."""
    error = '<c t="e"><f>VLOOKUP(A2,B:B,1,0)</f><v>#N/A</v></c>'
    for cell, shown in (
        (error, "#N/A"),
        ("<c t='e'><v>#REF!</v></c>", "#REF!"),
        (error.replace("#N/A", "#BUSY!"), "#BUSY!"),
    ):
        outcome, rows = read(tmp_path, workbook({"Blad1": sheet(row("K1", objection=cell, surname=cell))}))
        assert (outcome.refusal, rows[0]["objection"], rows[0]["surname"]) == (None, shown, shown)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1234567890123456", "1234567890123456"),
        ("1.2E+15", "1200000000000000"),
        ("123456789012345678", "123456789012345680"),
        ("1E+20", "100000000000000000000"),
        ("4711.0", "4711"),
        ("-3", "-3"),
        ("0.1", "0.1"),
        ("350.00499999999994", "350.005"),
        ("1E-7", "0.0000001"),
    ],
)
def test_numbers_have_no_exponent_and_no_zero_decimals(tmp_path: Path, cell: str, value: str) -> None:
    """Case b05: references of sixteen digits came as 1234567890123456.0."""
    _, rows = read(tmp_path, workbook({"Blad1": sheet(row("", customer_reference=number(cell)))}))
    assert rows[0]["customer_reference"] == value
    assert "customer_reference" in rows[0]["typed"]


def test_what_a_cell_was_is_kept(tmp_path: Path) -> None:
    """Case b16: a house number that Excel made a date; a name that is yes; a time; a flag stays one."""
    yes = '<c t="b"><v>1</v></c>'
    time = '<c s="2"><v>0.5</v></c>'
    cells = row("K1", house_number=day(44267), surname=yes, crisis=yes, street=time)
    _, rows = read(tmp_path, workbook({"Blad1": sheet(cells)}))
    assert (rows[0]["house_number"], rows[0]["surname"], rows[0]["crisis"]) == ("2021-03-12", "true", "true")
    assert rows[0]["typed"] == [
        "surname:other", "street:other", "house_number", "amount_due", "arrears_since", "reference_date",
    ]  # fmt: skip


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_the_sheet_is_the_first_that_people_see_with_the_headers(tmp_path: Path, state: str) -> None:
    """Case b09: last month's rows stood on a hidden sheet before it."""
    content = workbook(
        {
            "Oud": sheet(row("OUD")), "Uitleg": sheet(header=text("Uitleg")), "Leeg": sheet(header=""),
            "Levering": sheet(row("K1"), row("K2")), "Meer": sheet(row("K3"), "<c/>", row("K4"), row("K5")),
            "Kop": sheet(),
        },
        states={"Oud": f'state="{state}"'},
    )  # fmt: skip
    outcome, rows = read(tmp_path, content)
    assert (outcome.refusal, references(rows)) == (None, ["K1", "K2"])
    assert outcome.detail == "3 rows with the same headers on 1 other sheet were not read"


def test_a_chart_is_no_sheet(tmp_path: Path) -> None:
    chart = f'<chartsheet xmlns="{MAIN}"/>'
    content = workbook({"Grafiek": chart, "Levering": sheet(row("K1"))}, kinds={"Grafiek": "chartsheet"})
    assert references(read(tmp_path, content)[1]) == ["K1"]


def test_the_agreed_sheet_is_compared_as_headers_are(tmp_path: Path) -> None:
    content = workbook({"Los": sheet(row("L")), "Achter  Standen ": sheet(row("K1"))})
    outcome, rows = read(tmp_path, content, "achter standen")
    assert references(rows) == ["K1"]
    assert outcome.detail.startswith("1 row with the same headers")
    assert read(tmp_path, content, "Geen")[0].detail.startswith("has no sheet 'Geen', which was agreed")


def test_nothing_to_see_is_said(tmp_path: Path) -> None:
    content = workbook({"Oud": sheet(row("K1"))}, states={"Oud": 'state="hidden"'})
    assert read(tmp_path, content)[0].detail == "has no sheet that people see; make the sheet with the rows visible"


def test_hidden_rows_are_read_and_told(tmp_path: Path) -> None:
    content = workbook(
        {"Blad1": sheet(row("K1"), row("K2"), "<c/>", row("K3"), attributes={3: 'hidden="1"', 4: "hidden='true'"})}
    )
    outcome, rows = read(tmp_path, content)
    assert references(rows) == ["K1", "K2", "K3"]
    assert outcome.detail == "1 hidden or filtered row was read too"


@pytest.mark.parametrize(
    "layout",
    [
        {"target": "./worksheets/sheet{}.xml"},
        {"target": "../xl/worksheets/sheet{}.xml"},
        {"target": "/xl/worksheets/sheet{}.xml"},
        {"target": "worksheets\\sheet{}.xml"},
        {"names": {"xl/workbook.xml": "xl/Workbook.xml", "xl/worksheets/sheet1.xml": "xl/Worksheets/Sheet1.XML"}},
        {"names": {"xl/workbook.xml": "xl/workbook1.xml", "xl/_rels/workbook.xml.rels": "xl/_rels/workbook1.xml.rels"}},
        {
            "names": {
                "_rels/.rels": "_rels|.rels", "xl/workbook.xml": "xl|workbook.xml",
                "xl/_rels/workbook.xml.rels": "xl|_rels|workbook.xml.rels",
                "xl/worksheets/sheet1.xml": "xl|worksheets|sheet1.xml", "xl/styles.xml": "xl|styles.xml",
            }
        },
        {"target": "lijsten/een.xml", "names": {"xl/worksheets/sheet1.xml": "xl/lijsten/een.xml"}},
    ],
    ids=["dot", "up", "absolute", "slash", "case", "another name", "backslashes", "another folder"],
)  # fmt: skip
def test_parts_are_found_as_excel_finds_them(tmp_path: Path, layout: dict[str, Any]) -> None:
    """Case b20c and those beside it."""
    outcome, rows = read(tmp_path, workbook({"Blad1": sheet(row("K1"))}, **layout))
    assert (outcome.refusal, outcome.detail, references(rows)) == (None, "", ["K1"])
    assert rows[0]["reference_date"] == "2021-03-01"


@pytest.mark.parametrize("extent", ["1:4", "A:C", "", "A1", "A1:XFD1048576", "B7:C9"])
def test_the_extent_that_a_sheet_claims_counts_for_nothing(tmp_path: Path, extent: str) -> None:
    """Case b41: LibreOffice writes 1:4 where whole rows are formatted."""
    for dimension in (f'<dimension ref="{extent}"/>', f'<dimension ref="{extent}"></dimension>'):
        _, rows = read(tmp_path, workbook({"Blad1": sheet(row("K1"), row("K2"), dimension=dimension)}))
        assert references(rows) == ["K1", "K2"]


@pytest.mark.parametrize("value", ["", "<v/>", "<v></v>"])
def test_a_formula_without_an_outcome_asks_for_excel(tmp_path: Path, value: str) -> None:
    formula = f'<c r="{{}}"><f>A2*2</f>{value}</c>'
    outcome, rows = read(tmp_path, workbook({"Blad1": sheet(row("K1"), row("K2", amount_due=formula.format("N3")))}))
    assert (outcome.refusal, rows) == ("unreadable", [])
    assert outcome.detail == (
        "has a formula without an outcome in row 2 below the headers; open it in Excel, save it and send it again"
    )
    # One in a column that nobody agreed is no reason.
    content = workbook({"Blad1": sheet(row("K1") + formula.format("U2"), header=HEADER + text("Extra"))})
    assert references(read(tmp_path, content)[1]) == ["K1"]


def test_formulas_with_an_outcome_are_their_outcome(tmp_path: Path) -> None:
    cells = row(
        "K1", amount_due="<c><f>2*5</f><v>10</v></c>", surname='<c t="str"><f>"x"</f><v>x</v></c>',
        crisis='<c t="str"><f>""</f><v></v></c>',
    )  # fmt: skip
    _, rows = read(tmp_path, workbook({"Blad1": sheet(cells)}))
    assert (rows[0]["amount_due"], rows[0]["surname"], rows[0]["crisis"]) == ("10", "x", None)


def test_prefixes_strict_and_wide_text_are_read(tmp_path: Path) -> None:
    plain = sheet(row("K1", objection='<c t="e"><v>#N/A</v></c>'))
    prefixed = plain.replace("<", "<x:").replace("<x:/", "</x:").replace("xmlns=", "xmlns:x=")
    wide = '<?xml version="1.0" encoding="UTF-16"?>' + plain
    for xml in (plain.replace(MAIN, STRICT), prefixed, wide.encode("utf-16")):
        _, rows = read(tmp_path, workbook({"Blad1": xml}))  # type: ignore[dict-item]
        assert [(row["customer_reference"], row["objection"]) for row in rows] == [("K1", "#N/A")]


def test_days_since_1904(tmp_path: Path) -> None:
    content = workbook({"Blad1": sheet(row("K1", reference_date=day(42794)))}, properties='<workbookPr date1904="1"/>')
    assert read(tmp_path, content)[1][0]["reference_date"] == "2021-03-01"


def test_many_rows_are_mended_across_chunks(tmp_path: Path) -> None:
    error = '<c t="e"><v>#N/A</v></c>'
    content = workbook({"Blad1": sheet(*(row(f"K{n}", objection=error) for n in range(6_000)))})
    outcome, rows = read(tmp_path, content)
    assert (outcome.row_count, {row["objection"] for row in rows}) == (6_000, {"#N/A"})
    assert references(rows) == [f"K{n}" for n in range(6_000)]


# Whose mistake it is ----------------------------------------------------------------------------------------------------


def first_sheet(path: Path, scratch: Path) -> object:
    with xlsx_sheet(path, None, scratch, {}) as found:
        return list(found.rows)


def all_sheets(path: Path, scratch: Path) -> object:
    return list(xlsx_cells(path, scratch))


BROKEN_PARTS = {
    "xl/workbook.xml": [
        "<workbook",
        '<?xml version="1.0" encoding="klingon"?><workbook/>',
        "<workbook>\x00</workbook>",
    ],
    "xl/_rels/workbook.xml.rels": ["", '<?xml version="1.0" encoding="utf-7"?><a/>', "<Relationships>&geheim;"],
    "xl/worksheets/sheet1.xml": [
        f'<worksheet xmlns="{MAIN}"><sheetData><row r="1"><c r="A1"><v>Zebra</c></row>',
        f'<worksheet xmlns="{MAIN}"><sheetData><row r="geen"><c r="A1"><f>1</f><v>1</v></c></row></sheetData></worksheet>',
        f'<worksheet xmlns="{MAIN}"><sheetData><row r="1"><c r="Zebra"><f>1</f><v>1</v></c></row></sheetData></worksheet>',
        f'<worksheet xmlns="{MAIN}"><sheetData><row r="1"><c r="A1" t="s"><v>9</v></c></row></sheetData></worksheet>',
        b"\xff\xfe<\x00w\x00o",
    ],
}


@pytest.mark.parametrize(
    ("part", "content"), [(part, content) for part, contents in BROKEN_PARTS.items() for content in contents]
)
@pytest.mark.parametrize("read_cells", [first_sheet, all_sheets])
def test_what_cannot_be_read_of_a_part_is_the_senders(
    tmp_path: Path, part: str, content: str | bytes, read_cells: Callable[[Path, Path], object]
) -> None:
    parts = io.BytesIO(workbook({"Blad1": sheet(row("K1"))}))
    path = tmp_path / "levering.xlsx"
    with zipfile.ZipFile(parts) as whole, zipfile.ZipFile(path, "w") as broken:
        for name in whole.namelist():
            broken.writestr(name, content if name == part else whole.read(name))
    with pytest.raises(UnreadableError, match=r"^is a broken workbook; open it in Excel, save it and send it again$"):
        read_cells(path, tmp_path / "scratch")


@pytest.mark.parametrize("error", ["KeyError", "ValueError", "IndexError", "UnicodeError", "TypeError"])
def test_a_mistake_of_ours_is_not_called_the_senders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    """Any of these within the process was once a broken workbook."""
    (tmp_path / "sitecustomize.py").write_text(
        "from vroeg_pipeline.domain import fields\n"
        "def header_name(header):\n"
        f"    raise {error}('Zebra\\nZebra')\n"
        "fields.header_name = header_name\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{CHECKOUT}")
    content = workbook({"Een": sheet(row("K1")), "Twee": sheet(row("K2"))})
    with pytest.raises(RuntimeError, match=f"{error} in header_name") as raised:
        read(tmp_path, content)
    assert "Zebra" not in str(raised.value)


def test_a_process_that_cannot_start_is_a_mistake_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "python_calamine.py").write_text("raise ValueError('Zebra')\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{CHECKOUT}")
    with pytest.raises(RuntimeError, match=r"ended with status 1$"):
        read(tmp_path, workbook({"Een": sheet(row("K1"))}))


def test_a_machine_that_was_too_busy_is_asked_once_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    def run(*program: Any, **more: Any) -> Any:
        started.append(program)
        if len(started) == 1 or busy:
            raise subprocess.TimeoutExpired("python", 300)
        return really(*program, **more)

    really, busy = subprocess.run, False
    monkeypatch.setattr("subprocess.run", run)
    content = workbook({"Een": sheet(row("K1"))})
    assert references(read(tmp_path, content)[1]) == ["K1"]
    busy, before = True, len(started)
    assert read(tmp_path, content)[0].refusal == "unreadable"
    assert len(started) == before + 2


def test_what_takes_too_much_memory_is_the_senders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vroeg_pipeline.formats.xlsx._MEMORY_BYTES", 40 << 20)
    content = workbook({"Blad1": sheet(*(row("K" * 500) for _ in range(20_000)))})
    outcome, _ = read(tmp_path, content)
    assert outcome.detail.startswith("is a workbook that takes more memory or time than is allowed")


def test_a_panic_of_the_library_is_the_senders_and_ending_is_ending() -> None:
    panic = type("PanicException", (BaseException,), {"__module__": "pyo3_runtime"})
    with pytest.raises(BrokenPartError, match="PanicException"), broken_part_told():
        raise panic("Zebra")
    for error in (KeyboardInterrupt, MemoryError, OSError):
        with pytest.raises(error), broken_part_told():
            raise error


def test_reading_a_file_takes_no_table_library(tmp_path: Path) -> None:
    """DuckDB imports pandas for a parameter of a statement, which takes longer than reading a small file."""
    path = tmp_path / "levering.xlsx"
    path.write_bytes(workbook({"Blad1": sheet(row("K1"))}))
    said = subprocess.run(
        [
            sys.executable, "-c",
            "import sys; import duckdb; from pathlib import Path\n"
            "from vroeg_pipeline.formats.delivery import read_delivery\n"
            "from vroeg_pipeline_tests.formats.test_workbooks import COLUMNS, Layout\n"
            "layout = Layout.model_validate({'delivery': {'format': 'xlsx'}, 'columns': COLUMNS})\n"
            "before = 'pandas' in sys.modules\n"
            "print(read_delivery(duckdb.connect(), Path(sys.argv[1]), layout, 'delivered', Path(sys.argv[2])).row_count)\n"
            "print(before, 'pandas' in sys.modules)",
            str(path), str(tmp_path / "scratch"),
        ],
        capture_output=True, text=True, check=True, cwd=CHECKOUT, timeout=100,
    )  # fmt: skip
    assert said.stdout.split() == ["1", "False", "False"]
