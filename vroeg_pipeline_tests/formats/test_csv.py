"""The front door for CSV: whatever it lets in, it lets in whole (docs/adr/0007)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.fields import header_name
from vroeg_pipeline.formats.cells import UnreadableError, WrongEncodingError, is_blank
from vroeg_pipeline.formats.csv import CsvFile, Dialect, Scan, csv_file, csv_rows
from vroeg_pipeline.formats.encodings import EXCEL
from vroeg_pipeline.formats.reference_csv import reference_csv, small_table, wanted_columns

Rows = list[list[str | None]]


class Door:
    """Writes bytes to a file and reads them by both ways; both must say the same."""

    def __init__(self, folder: Path) -> None:
        self.path, self.scratch = folder / "in.csv", folder / "scratch"
        self.connection = duckdb.connect()

    def __call__(self, content: bytes | str, dialect: Dialect = Dialect()) -> list[list[str]]:  # noqa: B008
        """The header and the rows with anything in them."""
        self.path.write_bytes(content if isinstance(content, bytes) else content.encode())
        with csv_file(self.path, self.scratch, dialect) as file:
            loaded = self._loaded(file)
        assert not self.scratch.exists() or list(self.scratch.iterdir()) == []
        plain = [cells for _, cells in csv_rows(self.path, dialect) if "".join(cells).strip()]
        width = len(plain[0]) if plain else 0
        assert [[*cells, *[""] * width][:width] for cells in plain] == loaded
        return loaded

    def _loaded(self, file: CsvFile) -> list[list[str]]:
        if file.header is None:
            return []
        places = {f"x{at}": at for at in range(len(file.header))}
        count = file.load(self.connection, "loaded", places, numbered=True)
        rows = self.connection.execute("FROM loaded ORDER BY row_number").fetchall()
        assert [row[0] for row in rows] == list(range(1, count + 1))
        queried = self.connection.execute(file.query(self.connection, places)).fetchall()
        assert [row for row in queried if "".join(cell or "" for cell in row).strip()] == [row[1:] for row in rows]
        return [file.header, *([cell or "" for cell in row[1:]] for row in rows)]


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    opened = Door(tmp_path)
    yield opened
    opened.connection.close()


PLAIN = [["id", "naam", "plaats"], ["1", "Müller", "Weesp"], ["2", "de Boer", ""], ["3", "", "Haarlem"]]


def written(rows: list[list[str]], delimiter: str = ";", end: str = "\n") -> str:
    return end.join(delimiter.join(row) for row in rows)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_the_delimiter_is_found(door: Door, delimiter: str, end: str) -> None:
    assert door(written(PLAIN, delimiter, end)) == PLAIN


@pytest.mark.parametrize("above", ["sep=;\r\n", '"sep=;"\n', "\ufeffsep=;\n", "SEP=;;;\r\n", "\ufeff", "\n \n"])
def test_what_stands_above_the_header_is_no_row(door: Door, above: str) -> None:
    for delimiter in (None, ";"):
        assert door(above + written(PLAIN), Dialect(delimiter=delimiter)) == PLAIN


def test_the_file_says_its_delimiter_itself(door: Door) -> None:
    assert door("sep=|\n" + written(PLAIN, "|"), Dialect(delimiter=";")) == PLAIN


@pytest.mark.parametrize("quote", ["", '"'])
def test_line_ends_of_several_kinds_lose_no_letter(door: Door, quote: str) -> None:
    """Case a14: behind a bare CR the next row lost the first letter of its reference."""
    lines = [f"{quote}100{n}{quote};Naam;Weesp" for n in range(9)]
    text = "id;naam;plaats" + "".join(end + line for end, line in zip(["\r\n", "\n", "\r"] * 3, lines, strict=True))
    assert [row[0] for row in door(text)] == ["id", *(f"100{n}" for n in range(9))]
    assert door("id;naam\r\n1001;x\r\n\r1002;y\r\n")[1:] == [["1001", "x"], ["1002", "y"]]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ('id;naam;plaats\n1;"Jansen;Weesp\n2;de Boer;Weesp\n3;"Müller;Weesp\n', 2),
        ('id\tnaam\tplaats\n1\t"t Hart\tWeesp\n2\t"t Hart\tWeesp\n', 2),
        ('id;naam;plaats\n1;Jansen;"s-Graveland\n2;"t Hart;Weesp\n', 2),
        ('id;naam;plaats\n1;x;y\n2;"Jansen;Weesp\n3;de Boer"\n', 3),
        ('id;naam;plaats\n1;Jansen;"s-Graveland\n2;t Hart";Weesp\n', 2),
        ('id;naam;plaats\n1;"he said\n"hi" and left";Weesp\n', 2),
        ('id;naam;"plaats\n1;x;y\n2;x;"y\n', 1),
        ('id\n"1\n2\n"3\n', 2),
        ('id;naam\n1;x\n2;"open\n3;y\n', 3),
        ('id;naam\n1;x\n2;y"\n3;"', 4),
        ('id;naam\n1;x\n"', 3),
    ],
    ids=[
        "rows between two quotes", "two neighbours", "opened further on", "closed at the end of a cell", "closed earlier on",
        "not doubled",
        "in the header", "one column", "never closed", "never closed on the last line", "a quote alone at the end",
    ],
)  # fmt: skip
def test_a_quote_swallows_no_rows(door: Door, content: str, line: int) -> None:
    """Cases a06d, d14 and f45: the rows between two stray quotes became one, or were gone."""
    with pytest.raises(UnreadableError) as error:
        door(content)
    assert error.value.line == line
    assert "Jansen" not in str(error.value)


def test_quotes_that_belong_there_stay(door: Door) -> None:
    text = 'id;naam;plaats\n1;"a;b\r\n""c""" ;Weesp\n2;12" tv;"x" y\n"3";"\n";'
    assert door(text)[1:] == [["1", 'a;b\r\n"c" ', "Weesp"], ["2", '12" tv', "x y"], ["3", "\n", ""]]


def test_a_title_above_a_header_of_two_lines(door: Door) -> None:
    rows = csv_rows_of(door, 'Lijst\n"Nr\nvan";"Naam";Plaats\n1;"a\nb";c\n')
    assert rows == [(1, ["Lijst"]), (3, ["Nr\nvan", "Naam", "Plaats"]), (5, ["1", "a\nb", "c"])]


def csv_rows_of(door: Door, text: str, dialect: Dialect = Dialect(delimiter=";")) -> list[tuple[int, list[str]]]:  # noqa: B008
    door.path.write_text(text, encoding="utf-8", newline="")
    return list(csv_rows(door.path, dialect))


def test_the_header_word_shows_where_the_delimiter_is(door: Door) -> None:
    rows = csv_rows_of(door, "Lijst, van, wat, moet\n\nNr;Kenmerk\n1;x\n", Dialect(header_word="kenmerk"))
    assert rows[2:] == [(3, ["Nr", "Kenmerk"]), (4, ["1", "x"])]


def test_a_long_memo_is_no_reason_to_refuse(door: Door) -> None:
    """Case a18b, of 300 kB in quotes and of 3 MB without."""
    memo = "x" * 3_000_000
    for text in (f'id;memo\n1;"{memo}"\n2;y\n', f"id;memo\n1;{memo}\n2;y\n"):
        assert [row[0] for row in door(text)] == ["id", "1", "2"]


def test_encodings(door: Door) -> None:
    text = written(PLAIN)
    for encoding in ("utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16", "utf-16-le"):
        assert door(text.encode(encoding), Dialect(encoding)) == PLAIN
    for encoding in ("utf-8", "cp1252"):
        assert door(text.encode(encoding), Dialect(EXCEL)) == PLAIN
    for encoding, agreed in (("cp1252", "utf-8"), ("utf-8", "ascii"), ("utf-16", "utf-8")):
        with pytest.raises(WrongEncodingError):
            door(text.encode(encoding), Dialect(agreed))
        with pytest.raises(WrongEncodingError):
            list(csv_rows(door.path, Dialect(agreed)))


NAMES = "id;naam;plaats\n1;Jansen;Weesp\n2;Müller;Weesp\n3;André;\n"
TITLE = "id;naam;bedrag\n1;d’Été;€ 5\n"


@pytest.mark.parametrize(
    ("content", "agreed", "said"),
    [
        (NAMES.encode(), "cp1252", "is UTF-8, cp1252 was agreed"),
        (NAMES.encode(), "latin-1", "is UTF-8, latin-1 was agreed"),
        (TITLE.encode("utf-8-sig"), "cp1252", "is UTF-8, cp1252 was agreed"),
        (NAMES.encode(), "cp850", "is UTF-8, cp850 was agreed"),
        (NAMES.encode(), "utf-16", "is UTF-8, utf-16 was agreed"),
        (NAMES.encode("cp1252"), "utf-8", "is cp1252 or latin-1, utf-8 was agreed"),
        (
            NAMES.encode("cp1252"),
            "utf-16-le",
            "is cp1252 or latin-1, utf-16-le was agreed",
        ),
        (
            NAMES.encode("utf-16"),
            "utf-8",
            "is UTF-16 (Excel: 'Unicode text'), utf-8 was agreed",
        ),
        (
            NAMES.encode("utf-16-be"),
            "cp1252",
            "is UTF-16 (Excel: 'Unicode text'), cp1252 was agreed",
        ),
        (
            NAMES.encode("utf-16-be"),
            "utf-16-le",
            "is UTF-16 (Excel: 'Unicode text'), utf-16-le was agreed",
        ),
        (NAMES.encode("utf-32"), "utf-8", "is UTF-32-LE, utf-8 was agreed"),
        (
            NAMES.encode("cp850"),
            "cp1252",
            "is in a code page of DOS or an old Mac, cp1252 was agreed",
        ),
        (
            NAMES.encode("cp850"),
            "utf-8",
            "is in a code page of DOS or an old Mac, utf-8 was agreed",
        ),
        (
            NAMES.encode() + NAMES.encode("cp1252"),
            "cp1252",
            "is partly UTF-8 (line 3) and partly cp1252",
        ),
        (
            NAMES.encode() + NAMES.encode("cp1252"),
            "utf-8",
            "is partly utf-8 and partly in another encoding, from line 7",
        ),
        (
            "naam;bedrag\nNguyễn;1\n".encode(),
            "cp1252",
            "is UTF-8, cp1252 was agreed",
        ),
        (
            NAMES.encode("cp850"),
            "auto",
            "is in a code page of DOS or an old Mac, auto was agreed",
        ),
    ],
)
def test_what_is_in_another_encoding_says_in_which(door: Door, content: bytes, agreed: str, said: str) -> None:
    """Case a03e: UTF-8 where cp1252 was agreed came to a team as MÃ¼ller."""
    with pytest.raises(WrongEncodingError) as error:
        door(content, Dialect(agreed))
    assert str(error.value).startswith(f"{said}; ")
    with pytest.raises(WrongEncodingError, match=re.escape(said)):
        list(csv_rows(door.path, Dialect(agreed)))


@pytest.mark.parametrize("text", [NAMES, TITLE, "id;naam\n1;CAFÉ’S\n2;JOÃO\n3;,\n4;Jansen†\n"])
def test_encodings_that_are_certain_are_read(door: Door, text: str) -> None:
    rows = [line.split(";") for line in text.splitlines()]
    for encoding in ("utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le"):
        assert door(text.encode(encoding), Dialect("auto")) == rows
    # Who says Latin-1 and has a euro sign means cp1252.
    assert [row[1] for row in door(text.encode("cp1252"), Dialect("latin-1"))] == [row[1] for row in rows]
    assert door(text.encode("utf-16-be"), Dialect("utf-16"))[0] == rows[0]
    for encoding in ("utf-8", "cp1252", "utf-16"):
        assert door(text.encode(encoding), Dialect(EXCEL))[1][1] == rows[1][1]


@pytest.mark.parametrize("content", ["id;naam\n1;\0x\n2;y\n", 'id;naam\n1;"\0x"\n2;y\n'])
def test_nul_spoils_its_cell_and_our_own_files(door: Door, content: str) -> None:
    assert door(content)[1:] == [["1", "\0x"], ["2", "y"]]
    with pytest.raises(UnreadableError, match="NUL"):
        csv_rows_of(door, content, Dialect(strict=True))
    with pytest.raises(UnreadableError, match="NUL"), csv_file(door.path, door.scratch, Dialect(strict=True)):
        pass


def test_behind_a_mark_in_the_middle_a_quote_is_a_quote(door: Door) -> None:
    """Files that were put behind each other."""
    rows = door('\ufeff"id";"naam"\n"1";"x;y"\n\ufeff"2";"z"\n')
    assert rows == [["id", "naam"], ["1", "x;y"], ["2", "z"]]


@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("end", ["\n\x1a", "\x1a", "\r\n\x1a"])
def test_the_mark_at_the_end_of_a_file_of_dos_is_no_row(door: Door, end: str, quote: str) -> None:
    assert door(f"id;naam\n1;{quote}Jansen{quote}{end}") == [["id", "naam"], ["1", "Jansen"]]
    assert [cells for _, cells in csv_rows(door.path, Dialect(delimiter=";"))][-1] == ["1", "Jansen"]
    assert door("id;naam\n1\x1a;Jansen\n")[1:] == [["1\x1a", "Jansen"]]


@pytest.mark.parametrize(("lines", "copies"), [(3, 0), (4, 1)])
def test_what_duckdb_finds_is_compared_with_a_count_of_our_own(door: Door, lines: int, copies: int) -> None:
    """Where they differ Python reads the file, by way of a copy."""
    door.path.write_text("id;naam\n1;x\n2;y\n", encoding="utf-8")
    with ExitStack() as around:
        file = CsvFile(door.path, Scan(is_plain=True, filled_lines=lines), Dialect(), door.scratch, around)
        assert file.load(door.connection, "loaded", {"id": 0}, numbered=True) == 2
        assert (len(list(door.scratch.iterdir())) if door.scratch.exists() else 0) == copies


def test_many_blocks_are_one_file(door: Door) -> None:
    rows = [["id", "naam"], *([str(n), "é" * 60] for n in range(60_000))]
    assert door(written(rows, end="\r\n")) == rows
    mixed = written(rows[:30_000], end="\r\n") + "\r" + written(rows[30_000:])
    assert door(mixed) == rows
    assert door(mixed.encode("utf-16"), Dialect("utf-16")) == rows


cell = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x1e"), max_size=8)
table = st.integers(2, 12).flatmap(
    lambda width: st.lists(st.lists(cell, min_size=width, max_size=width), min_size=1, max_size=6)
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=table,
    delimiter=st.sampled_from(list(";,\t|")),
    may_be_bare=st.booleans(),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_the_same_rows_come_back(
    door: Door, rows: list[list[str]], delimiter: str, may_be_bare: bool, end: str, encoding: str
) -> None:
    """Or a refusal, where a cell with a line end holds as many delimiters as the header."""
    rows = [[f"kop{n}" for n in range(len(rows[0]))], *rows]
    text = io.StringIO(newline="")
    # Python's writer leaves a line end that is not its own without quotes.
    quoted = csv.QUOTE_MINIMAL if may_be_bare and end == "\r\n" else csv.QUOTE_ALL
    csv.writer(text, delimiter=delimiter, quoting=quoted, lineterminator=end).writerows(rows)
    swallowing = any(
        ("\n" in cell or "\r" in cell) and cell.count(delimiter) >= len(row) - 1 for row in rows for cell in row
    )
    content = text.getvalue().encode(encoding)
    dialect = Dialect(encoding, delimiter)
    if swallowing:
        with pytest.raises(UnreadableError):
            door(content, dialect)
    else:
        assert door(content, dialect) == [row for row in rows if not all(map(is_blank, row))]


@pytest.mark.parametrize(
    ("header", "same"),
    [
        ("Peil\ndatum ", "peil datum"),
        ("Datum\xa0\xa0sinds", "datum sinds"),
        ("\ufeffPre\u0301", "Pré"),
        ("A\u200bB", "ab"),
    ],
)
def test_headers_are_the_same_to_people(header: str, same: str) -> None:
    """Cases a17 and b31: composed in another way, or with a line break or hard space in it."""
    assert header_name(header) == header_name(same)


OURS = (
    ("id,naam\n1,x,y\n", "in.csv line 2: cannot be read as CSV: has a row that is longer"),
    ('id,naam\n1,"x"y\n', "in.csv line 2: cannot be read as CSV"),
    ('id,naam\n1,"x\n2,y\n', "in.csv line 2: cannot be read as CSV: has a quote in line 2 that is never closed"),
    ("id,Naam ,naam\n1,x,y\n", "in.csv: cannot be read as CSV: the column 'naam' is there twice"),
    ("id\n1\n", "in.csv: lacks the column naam; add it to the file"),
    (b"id,naam\n1,\xe9\n", "in.csv: is not UTF-8 text; save it as UTF-8"),
)


@pytest.mark.parametrize(("content", "said"), OURS)
def test_mistakes_in_our_own_files_stop_and_say_where(door: Door, content: bytes | str, said: str) -> None:
    door.path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(VroegError) as error, reference_csv(door.path, door.scratch) as file:
        file.load(door.connection, "ours", wanted_columns(file, door.path, ["id", "naam"]))
    assert str(error.value).startswith(said)
    if "longer" not in said and '"x"y' not in str(content):  # nobody is hurt by these in a small file
        with pytest.raises(VroegError) as error:
            small_table(door.path, ["id", "naam"])
        assert str(error.value).startswith(said)


def test_our_own_files(door: Door) -> None:
    door.path.write_text('\ufeffNaam ; ID\n"x ";1\n\ny;2;\n', encoding="utf-8")
    assert small_table(door.path, ["id", "naam"], ["lacking"]) == [
        (2, {"id": "1", "naam": "x", "lacking": ""}), (4, {"id": "2", "naam": "y", "lacking": ""}),
    ]  # fmt: skip
    with reference_csv(door.path, door.scratch) as file:
        columns = wanted_columns(file, door.path, ["id", "naam"], ["lacking"])
        assert file.load(door.connection, "ours", columns) == 2
    assert door.connection.execute("FROM ours").fetchall() == [("1", "x ", None), ("2", "y", None)]
    assert small_table(door.path.with_name("nee.csv"), ["id"]) == []
