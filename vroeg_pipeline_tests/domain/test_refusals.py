"""What is said of a file that is refused helps who has to send another, and docs/refusals.md has all of it."""

from __future__ import annotations

import re

import pytest

from vroeg_pipeline.domain.reasons import REASONS_IN_DUTCH, REFUSALS_IN_DUTCH
from vroeg_pipeline.domain.refusals import (
    Fault,
    Said,
    delimiter_said,
    encoding_said,
    encoding_wanted,
    format_said,
)
from vroeg_pipeline_tests.refusals import PAGE, refusals, with_names

# Words of programmers, in either language.
_JARGON = re.compile(
    r"\b(decode\w*|delimiter|parse\w*|schema|codec|byte order mark|BOM|null|exception|regex|payload|container|token|"
    r"string|array|surrogate|stack|traceback|parser|scheidingsteken|entiteit\w*)\b",
    re.IGNORECASE,
)
# Of who sends JSON more is known. In English, which engineers read, a word may stand with what it means.
_FOR_ENGINEERS = {"OTHER_DELIMITER", "HALF_A_CHARACTER", "NO_JSON_NUMBER"}


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == refusals(), (
        "docs/refusals.md is not what the words say: make it anew, `make way`"
    )


def test_each_refusal_of_domain_has_its_words() -> None:
    assert {fault.refusal for fault in Fault} - {""} == {*REFUSALS_IN_DUTCH}


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name)
def test_the_words_are_a_partners_words(fault: Fault) -> None:
    said = with_names(fault)
    for text in (said.english, said.dutch):
        assert not text.endswith(".")
        assert "{" not in text.replace("{…}", "")
    assert said.dutch[0].islower()
    allowed = {"null"} if "JSON" in fault.name else set()
    assert {word.lower() for word in _JARGON.findall(said.dutch)} <= allowed
    if fault.name not in _FOR_ENGINEERS and "JSON" not in said.english and "array" not in said.english:
        assert not _JARGON.findall(said.english)
    # The same places in both.
    assert set(re.findall("‹(?:line|row|first|last|count|month)›", said.english)) == set(
        re.findall("‹(?:line|row|first|last|count|month)›", said.dutch)
    )


# Where nothing can be done but by us, or what is wrong says it.
_NOTHING_TO_DO = {
    "LONG_ROW", "ARRAY_NOT_OBJECT", "ARRAY_NOT_LINES", "NOTHING_AT_PATH", "NO_ARRAY_AT_PATH", "OBJECT_A_LINE", "ONE_OBJECT",
    "NO_ARRAY", "ARRAY_WITHIN", "NO_OBJECT_IN_LINE", "HEADERS_ELSEWHERE", "NO_DELIMITER", "REFUSED_BY_PERSON", "NOT_ACTIVE",
}  # fmt: skip


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault.refusal], ids=lambda fault: fault.name)
def test_who_sent_the_file_is_told_what_to_do(fault: Fault) -> None:
    said = with_names(fault).dutch
    told = re.search(r"\b(stuur|sla|haal|maak|geef|zet|laat|schrijf|exporteer|pak|open|noem|lever|neem)\b", said)
    assert (told is None) is (fault.name in _NOTHING_TO_DO)


def test_a_detail_is_told_in_the_language_of_the_rest() -> None:
    said = Fault.OTHER_ENCODING.said(
        found=Said("UTF-8", "UTF-8"), agreed=encoding_said("cp1252"), wanted=encoding_wanted("cp1252")
    )
    assert said.english == "is UTF-8, cp1252 was agreed; save it as cp1252 and send it again"
    assert said.dutch == (
        "het bestand is opgeslagen als UTF-8, afgesproken is cp1252; sla het op als cp1252 (in Excel: 'CSV') en stuur het "
        "opnieuw"
    )
    assert str(encoding_wanted("auto")) == "utf-8"
    told = Fault.OTHER_KIND.said(found=Said("a CSV", "CSV"), agreed=format_said("xlsx"))
    assert told.dutch == (
        "het bestand is CSV, afgesproken is een Excel-werkmap (.xlsx); exporteer het als een Excel-werkmap (.xlsx)"
    )
    assert delimiter_said("~") == Said("'~'", "'~'")


def test_reasons_say_what_is_expected() -> None:
    for code in ("invalid_postcode", "invalid_house_number"):
        assert "(verwacht: " in REASONS_IN_DUTCH[code]
    # Those of a row stand behind each other with a semicolon between them.
    assert [code for code, said in REASONS_IN_DUTCH.items() if ";" in said] == ["replaced_by_later_file"]
