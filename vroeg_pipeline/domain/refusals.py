"""What can be wrong with a file, in words: English for who runs the pipeline, Dutch for the partner that sent it.

Each says what is wrong, where, and what to do, to somebody who is no programmer. No cell is repeated, and of headers only
those that were agreed or that look like one. All of them stand in docs/refusals.md, made from this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

_AGAIN = "en stuur het opnieuw"
_QUOTES = "write a quote within a text twice, or leave it out"
_QUOTES_NL = "schrijf een aanhalingsteken binnen een tekst dubbel, of laat het weg"
_IN_EXCEL = "open it in Excel, save it and send it again"
_IN_EXCEL_NL = f"open het in Excel, sla het op {_AGAIN}"


@dataclass(frozen=True)
class Said:
    """The same thing in both languages, without a capital and without a full stop."""

    english: str
    dutch: str

    def __str__(self) -> str:
        return self.english


class Fault(Enum):
    """Everything that a file is refused for, by refusal (DOMAIN §4): (refusal, English, Dutch)."""

    # Encodings.
    OTHER_ENCODING = (
        "unreadable",
        "is {found}, {agreed} was agreed; save it as {wanted} and send it again",
        "het bestand is opgeslagen als {found}, afgesproken is {agreed}; sla het op als {wanted} " + _AGAIN,
    )
    NO_SUCH_TEXT = (
        "unreadable",
        "is not {agreed} text; save it as {wanted} and send it again",
        "het bestand is geen tekst in {agreed}, zoals is afgesproken; sla het op als {wanted} " + _AGAIN,
    )
    TWO_ENCODINGS = (
        "unreadable",
        "is partly {agreed} and partly in another encoding, from line {line}; export it again as a whole",
        "het bestand is deels {agreed} en vanaf regel {line} anders opgeslagen, alsof twee bestanden zijn samengevoegd; "
        "exporteer het opnieuw als één bestand",
    )
    PARTLY_UTF8 = (
        "unreadable",
        "is partly UTF-8 (line {line}) and partly {agreed}; export it again as a whole",
        "het bestand is deels UTF-8 (regel {line}) en deels {agreed}, alsof twee bestanden zijn samengevoegd; exporteer "
        "het opnieuw als één bestand",
    )
    HALF_A_CHARACTER = (
        "unreadable",
        "holds half a character (a lone surrogate), so its text was cut in the wrong place; export it again",
        "het bestand bevat een half teken: een tekst is op de verkeerde plaats afgekapt; exporteer het opnieuw",
    )
    NUL_BYTES = (
        "unreadable",
        "holds NUL bytes, which no text has; export it again",
        "het bestand bevat tekens die in geen tekst horen (NUL); exporteer het opnieuw",
    )
    # Another kind of file.
    OTHER_KIND = (
        "unreadable",
        "is {found}, {agreed} was agreed; export it as {agreed}",
        "het bestand is {found}, afgesproken is {agreed}; exporteer het als {agreed}",
    )
    SAVE_AS = (
        "unreadable",
        "is {found}; save it as {ending} and send that",
        "het bestand is {found}; sla het op als {ending} en stuur dat",
    )
    IS_PACKED = (
        "unreadable",
        "is packed ({ending}); unpack it and send the file that is in it",
        "het bestand is ingepakt ({ending}); pak het uit en stuur het bestand dat erin zit",
    )
    IS_PACKED_AS = (
        "unreadable",
        "is packed (.{packed}); unpack it and send the file that is in it, or agree 'packed: {packed}'",
        "het bestand is ingepakt (.{packed}); pak het uit en stuur het bestand dat erin zit",
    )
    HAS_PASSWORD = (
        "unreadable",
        "is protected by a password; take the password off and send it again",
        "het bestand is met een wachtwoord beveiligd; haal het wachtwoord eraf " + _AGAIN,
    )
    # Quotes and lines.
    QUOTE_NEVER_CLOSED = (
        "unreadable",
        "has a quote in line {line} that is never closed; " + _QUOTES,
        'een aanhalingsteken (") in regel {line} wordt nergens gesloten; ' + _QUOTES_NL,
    )
    QUOTE_SWALLOWS = (
        "unreadable",
        "has a quote in line {first} that swallows the rows down to line {last}; " + _QUOTES,
        'een aanhalingsteken (") in regel {first} loopt door tot in regel {last}, zodat de regels daartussen niet te '
        "onderscheiden zijn; " + _QUOTES_NL,
    )
    NO_CSV = (
        "unreadable",
        "is no valid CSV in line {line} ({how})",
        "regel {line} is niet als CSV te lezen; exporteer het bestand opnieuw",
    )
    MARK_IN_LINE = (
        "unreadable",
        "has a line of control characters alone, line {line}; take it out",
        "regel {line} bestaat uit besturingstekens; haal die regel weg",
    )
    LONG_ROW = (
        "unreadable",
        "has a row that is longer than the header, in line {line}",
        "regel {line} heeft meer kolommen dan de regel met koppen",
    )
    FIXED_BYTES = (
        "unreadable",
        "has its fields at fixed bytes, not characters, so that a letter like é shifts what is behind it; send it in "
        "cp1252 and agree that",
        "de velden staan op vaste bytes en niet op vaste tekens, zodat een letter als é alles erachter verschuift; lever "
        "het aan als cp1252 (wij passen de afspraak aan)",
    )
    ROWS_BEHIND_EACH_OTHER = (
        "unreadable",
        "has several rows in line {line}, behind each other; end each row with a line end",
        "in regel {line} staan meer rijen achter elkaar; zet elke rij op een eigen regel",
    )
    ROW_BEHIND_HEADERS = (
        "unreadable",
        "has a row behind the headers, in the same line; end the headers with a line end",
        "achter de kolomkoppen staat in dezelfde regel een rij; zet elke rij op een eigen regel",
    )
    HEADERS_AGAIN = (
        "unreadable",
        "has its headers again in row {row} below the headers, in another order; send the files one by one",
        "in rij {row} onder de kolomkoppen staan die nog een keer, in een andere volgorde; stuur de bestanden los van "
        "elkaar",
    )
    COLUMN_TWICE = (
        "unreadable",
        "the column '{header}' is there twice; which one is meant is not guessed, so leave one out",
        "de kolom '{header}' staat er twee keer in; laat er één weg, want wij raden niet welke bedoeld is",
    )
    # Packed files.
    NOT_PACKED = (
        "unreadable",
        "is not packed as .{packed}, which was agreed; pack it so and send it again",
        "het bestand is niet ingepakt als .{packed}, zoals is afgesproken; pak het zo in " + _AGAIN,
    )
    BROKEN_PACK = (
        "unreadable",
        "is a broken .{packed} file; pack it and send it again",
        "het ingepakte bestand (.{packed}) is beschadigd; pak het opnieuw in " + _AGAIN,
    )
    HOLDS_TAR = (
        "unreadable",
        "holds a .tar; pack the one file alone",
        "in het ingepakte bestand zit een .tar; pak alleen het ene bestand in",
    )
    SEVERAL_IN_PACK = (
        "unreadable",
        "holds {count} files; pack the one file alone",
        "er zitten {count} bestanden in; pak alleen het ene bestand in",
    )
    NO_FILE_IN_PACK = (
        "unreadable",
        "holds a link and no file; pack the file itself",
        "er zit een verwijzing in en geen bestand; pak het bestand zelf in",
    )
    TOO_LARGE_UNPACKED = (
        "unreadable",
        "is more than {limit} MB when it is unpacked; send fewer columns or rows, or agree on more",
        "het uitgepakte bestand is groter dan {limit} MB; neem contact met ons op als dat klopt",
    )
    # Workbooks.
    NO_SHEET = (
        "unreadable",
        "has no sheet {sheet}, which was agreed; name the sheet so, or agree on another",
        "het afgesproken werkblad {sheet} zit er niet in; geef het werkblad die naam",
    )
    NO_SHEET_AT = (
        "unreadable",
        "has no sheet {sheet} that people see, which was agreed; put it in that place, or agree on another",
        "er is geen zichtbaar werkblad op plaats {sheet}, zoals is afgesproken; zet het werkblad met de regels daar",
    )
    NO_VISIBLE_SHEET = (
        "unreadable",
        "has no sheet that people see; make the sheet with the rows visible",
        "er is geen zichtbaar werkblad; maak het werkblad met de regels zichtbaar",
    )
    NO_WORKBOOK = (
        "unreadable",
        "is no XLSX workbook; " + _IN_EXCEL,
        "het bestand is geen Excel-werkmap; " + _IN_EXCEL_NL,
    )
    BROKEN_WORKBOOK = (
        "unreadable",
        "is a broken workbook; " + _IN_EXCEL,
        "de Excel-werkmap is beschadigd; " + _IN_EXCEL_NL,
    )
    HALF_A_WORKBOOK = (
        "unreadable",
        "is no whole workbook, as if it was cut off on the way; send it again",
        "de Excel-werkmap is niet compleet, alsof het verzenden is afgebroken; stuur het opnieuw",
    )
    WORKBOOK_TOO_HEAVY = (
        "unreadable",
        "is a workbook that takes more memory or time than is allowed; send the columns and rows that were agreed alone",
        "de Excel-werkmap is te zwaar om te lezen; stuur alleen de afgesproken kolommen en regels",
    )
    UNSAFE_WORKBOOK = (
        "unreadable",
        "is no workbook that Excel makes ({how}); " + _IN_EXCEL,
        "de Excel-werkmap is niet door Excel gemaakt zoals het hoort; " + _IN_EXCEL_NL,
    )
    UNSAVED_FORMULA = (
        "unreadable",
        "has a formula without an outcome in row {row} below the headers; " + _IN_EXCEL,
        "in rij {row} onder de kolomkoppen staat een formule zonder uitkomst; " + _IN_EXCEL_NL,
    )
    # JSON.
    NO_JSON = (
        "unreadable",
        "is no valid JSON at line {line}, character {column}; export it again",
        "het bestand is geen geldige JSON: het gaat mis in regel {line}, teken {column}; exporteer het opnieuw",
    )
    JSON_CUT_OFF = (
        "unreadable",
        "stops in the middle of the JSON, in line {line}, as if it was cut off on the way; send it again",
        "het bestand houdt midden in de JSON op (regel {line}), alsof het verzenden is afgebroken; stuur het opnieuw",
    )
    SEVERAL_JSON = (
        "unreadable",
        "holds several JSON texts behind each other; send one array of all objects: [{{…}}, {{…}}]",
        "het bestand bevat meer stukken JSON achter elkaar; stuur één lijst met alle objecten: [{{…}}, {{…}}]",
    )
    OBJECT_A_LINE = (
        "unreadable",
        "is one object a line; an array of objects was agreed: [{{…}}, {{…}}] (format jsonl can be agreed)",
        "het bestand heeft één object per regel; afgesproken is één lijst van objecten: [{{…}}, {{…}}]",
    )
    ARRAY_NOT_LINES = (
        "unreadable",
        "is an array; one object a line was agreed (format json can be agreed)",
        "het bestand is één lijst van objecten; afgesproken is één object per regel",
    )
    NO_OBJECT_IN_LINE = (
        "unreadable",
        "has no JSON object in line {line}; one object a line was agreed: {{…}}, without a comma behind it",
        "in regel {line} staat geen JSON-object; afgesproken is één object per regel: {{…}}, zonder komma erachter",
    )
    ARRAY_NOT_OBJECT = (
        "unreadable",
        "is an array; an object with an array at '{path}' was agreed",
        "het bestand is een lijst; afgesproken is een object met de lijst onder '{path}'",
    )
    NOTHING_AT_PATH = (
        "unreadable",
        "has nothing at '{path}', where an array of objects was agreed",
        "onder '{path}' staat niets; afgesproken is dat daar de lijst van objecten staat",
    )
    NO_ARRAY_AT_PATH = (
        "unreadable",
        "has no array of objects at '{path}', which was agreed",
        "onder '{path}' staat geen lijst van objecten, zoals is afgesproken",
    )
    NO_ARRAY = (
        "unreadable",
        "is no array of objects; that was agreed: [{{…}}, {{…}}]",
        "het bestand is geen lijst van objecten; dat is wel afgesproken: [{{…}}, {{…}}]",
    )
    ONE_OBJECT = (
        "unreadable",
        "is one object; an array of objects was agreed: [{{…}}, {{…}}]",
        "het bestand is één object; afgesproken is een lijst van objecten: [{{…}}, {{…}}]",
    )
    ARRAY_WITHIN = (
        "unreadable",
        "is an object with an array in {where}; the array alone was agreed: [{{…}}, {{…}}] (records_at can be agreed)",
        "het bestand is een object met de lijst in {where}; afgesproken is de lijst alleen: [{{…}}, {{…}}]",
    )
    TOO_DEEP = (
        "unreadable",
        "is nested too deeply, objects or elements in each other",
        "het bestand heeft te veel niveaus in elkaar; lever de gegevens aan zoals is afgesproken",
    )
    NO_JSON_NUMBER = (
        "unreadable",
        "holds {name}, which is no JSON; write null where there is no value",
        "het bestand bevat {name}, en dat is geen JSON; schrijf null waar geen waarde is",
    )
    FIELD_TWICE = (
        "unreadable",
        "an object has a field that was agreed twice; which one is meant is not guessed, so leave one out",
        "een object heeft een afgesproken veld twee keer; laat er één weg, want wij raden niet welk bedoeld is",
    )
    # XML.
    NO_XML = (
        "unreadable",
        "is no valid XML at line {line}, character {column}; export it again",
        "het bestand is geen geldige XML: het gaat mis in regel {line}, teken {column}; exporteer het opnieuw",
    )
    AMPERSAND = (
        "unreadable",
        "is no valid XML at line {line}: write & as &amp; there, and no names like &nbsp;",
        "het bestand is geen geldige XML: schrijf in regel {line} het teken & als &amp;, en geen namen als &nbsp;",
    )
    OTHER_XML_ENCODING = (
        "unreadable",
        "says in its first line that it is {agreed}, but is {found}; let it say what it is",
        "het bestand zegt in de eerste regel dat het {agreed} is, maar het is {found}; laat het zeggen wat het is",
    )
    UNKNOWN_XML_ENCODING = (
        "unreadable",
        "is in an encoding that XML is not read in; save it as UTF-8 and send it again",
        "het bestand is opgeslagen in een codering die wij voor XML niet lezen; sla het op als UTF-8 " + _AGAIN,
    )
    DOCUMENT_TYPE = (
        "unreadable",
        "declares a document type or entities (<!DOCTYPE …>), which is not read; leave that out",
        "het bestand begint met een documenttype (<!DOCTYPE …>), en dat lezen wij niet; laat het weg",
    )
    NO_ELEMENT = (
        "unreadable",
        "has no element '{path}', which was agreed; name the elements so, or agree on others",
        "het afgesproken element '{path}' zit er niet in; noem de elementen zoals is afgesproken",
    )
    # Headers.
    EMPTY = (
        "missing_columns",
        "the file is empty, so there is no header; where there are no rows, the headers are still sent",
        "het bestand is leeg; als er geen achterstanden zijn, stuur dan alleen de regel met kolomkoppen",
    )
    NO_HEADER = (
        "missing_columns",
        "there is no header; where there are no rows, the headers are still sent",
        "de regel met kolomkoppen ontbreekt; als er geen achterstanden zijn, stuur dan alleen die regel",
    )
    LACKS = (
        "missing_columns",
        "lacks {fields}{renamed}",
        "deze kolommen ontbreken: {headers}{renamed}; geef elke kolom de afgesproken kop",
    )
    HEADERS_BELOW = (
        "missing_columns",
        "the headers stand on line {line}; they have to stand above all else, unless header_row: {line} is agreed",
        "de kolomkoppen staan op regel {line}; haal weg wat erboven staat",
    )
    HEADERS_ELSEWHERE = (
        "missing_columns",
        "the headers stand on line {line}; header_row: {agreed} was agreed",
        "de kolomkoppen staan op regel {line}; afgesproken is regel {agreed}",
    )
    VALUES_NOT_HEADERS = (
        "missing_columns",
        "there are no headers: the first row holds values; put the agreed headers above it",
        "de kolomkoppen ontbreken: in de eerste regel staan al gegevens; zet de afgesproken koppen erboven",
    )
    OTHER_DELIMITER = (
        "missing_columns",
        "the delimiter is {found}, {agreed} was agreed; with {found} the headers are there{where}; write {agreed} between "
        "the cells",
        "tussen de kolommen staat {found}, afgesproken is {agreed}; exporteer het met {agreed} tussen de kolommen",
    )
    NO_DELIMITER = (
        "missing_columns",
        "has one column alone: no {agreed} stands between cells, which was agreed",
        "het bestand heeft maar één kolom: het afgesproken teken tussen de kolommen, {agreed}, staat er niet in",
    )
    QUOTED_LINES = (
        "missing_columns",
        "each line stands in quotes as a whole; write quotes around cells alone, with {sign} between them",
        "om elke regel als geheel staan aanhalingstekens; zet ze hoogstens om losse cellen, met {sign} ertussen",
    )
    NO_DATE_IN_NAME = (
        "missing_columns",
        "lacks in its name a date for {fields}; call it so, for example {example}",
        "in de naam van het bestand ontbreekt de datum; noem het bijvoorbeeld {example}",
    )
    TWO_DATES_IN_NAME = (
        "missing_columns",
        "has two dates in its name for {fields}; leave one out",
        "in de naam van het bestand staan twee datums; laat er één weg",
    )
    # What is known besides the file.
    NO_AGREEMENT = (
        "unknown_partner",
        "its folder in the inbox has no agreement; add one or remove the folder",
        "er is geen leveringsafspraak met u; neem contact met ons op",
    )
    BY_SENDER = (
        "not_active",
        "by the agreement it stands in the files of {sender}, in the inbox folder of that name",
        "afgesproken is dat uw gegevens in de bestanden van {sender} staan; stuur ze niet apart",
    )
    NOT_ACTIVE = (
        "not_active",
        "the agreement holds for {since} to {until}; was it put in the folder of the wrong month?",
        "voor deze maand is geen levering afgesproken; misschien staat het in de map van een verkeerde maand",
    )
    REFUSED_BY_PERSON = (
        "refused_by_person",
        "somebody decided so: vroeg deliveries list",
        "het bestand wordt niet gebruikt; dat heeft een medewerker besloten",
    )
    TOO_LARGE = (
        "too_large",
        "{size} MB, the limit is {limit}; ask why it is so large, or raise max_file_mb",
        "het bestand is {size} MB groot, en dat mag hoogstens {limit} MB zijn; neem contact met ons op als dat klopt",
    )
    BYTES_GONE = (
        "unreadable",
        "its bytes are no longer in the inbox nor in the archive; ask for it once more",
        "wij hebben het bestand niet meer; stuur het opnieuw",
    )
    SAME_AS_BEFORE = (
        "stale_copy",
        "the same bytes were delivered for {month}; ask for the file of this month",
        "het bestand is gelijk aan dat van {month}; stuur het bestand van deze maand",
    )

    # Of a sample that nothing can be proposed of (`vroeg agreement try`).
    NO_TABLE = ("", "is {found}; a table is expected", "het bestand is {found}; verwacht wordt een tabel")
    NO_COLUMNS = (
        "",
        "is text with no columns: there is no ';', ',', tab or '|' between them",
        "het bestand is tekst zonder kolommen: er staat geen ';', ',', tab of '|' tussen",
    )
    NO_ROWS_IN_SHEETS = (
        "",
        "has no sheet with rows that people see",
        "er is geen zichtbaar werkblad met regels",
    )
    EMPTY_ARRAY = (
        "",
        "is an empty array, so nothing can be proposed",
        "het bestand is een lege lijst, zodat er niets is voor te stellen",
    )
    EMPTY_ELEMENTS = (
        "",
        "has no elements with anything in them",
        "het bestand heeft geen elementen met iets erin",
    )

    @property
    def refusal(self) -> str:
        """What `delivery_files.refusal` says; empty where it is no refusal of a delivery."""
        return str(self.value[0])

    def said(self, **details: object) -> Said:
        """It with its details, of which a Said is told in the language of the rest."""
        return Said(
            self.value[1].format(**{name: of.english if isinstance(of, Said) else of for name, of in details.items()}),
            self.value[2].format(**{name: of.dutch if isinstance(of, Said) else of for name, of in details.items()}),
        )


_IN_EXCEL_CALLED = {"utf-8": "CSV UTF-8", "cp1252": "CSV"}
_ENCODINGS_IN_DUTCH = {"utf-8": "UTF-8", "auto": "UTF-8, UTF-16 of cp1252", "utf-8 or cp1252": "UTF-8 of cp1252"}


def encoding_said(agreed: str) -> Said:
    """An agreed encoding."""
    return Said(agreed, _ENCODINGS_IN_DUTCH.get(agreed, agreed))


def encoding_wanted(agreed: str) -> Said:
    """The encoding in which a file is to be saved where this was agreed, with what Excel calls it."""
    wanted = agreed if agreed not in ("auto", "utf-8 or cp1252") else "utf-8"
    called = f" (in Excel: '{_IN_EXCEL_CALLED[wanted]}')" if wanted in _IN_EXCEL_CALLED else ""
    return Said(wanted, f"{_ENCODINGS_IN_DUTCH.get(wanted, wanted)}{called}")


_FORMATS = {
    "xlsx": Said("xlsx", "een Excel-werkmap (.xlsx)"),
    "json": Said("json", "JSON"),
    "csv": Said("csv", "CSV"),
    "xml": Said("xml", "XML"),
    "fixed": Said("fixed", "tekst met vaste posities"),
}


def format_said(agreed: str) -> Said:
    """An agreed format."""
    return _FORMATS[agreed]


_DELIMITERS = {
    "\t": Said("a tab", "een tab"),
    ";": Said("';'", "een puntkomma (;)"),
    ",": Said("','", "een komma (,)"),
    "|": Said("'|'", "een verticale streep (|)"),
}


def delimiter_said(delimiter: str) -> Said:
    """What stands between cells."""
    return _DELIMITERS.get(delimiter, Said(f"'{delimiter}'", f"'{delimiter}'"))
