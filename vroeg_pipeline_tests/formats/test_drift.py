"""Columns that are not as agreed: what is named, and what must not be."""

from __future__ import annotations

import pytest

from vroeg_pipeline.formats.drift import drift_of, named_or_numbered
from vroeg_pipeline.installation.notes import Finding

AGREED = {
    "customer_reference": ("Huurdernummer",),
    "surname": ("Achternaam", "Naam"),
    "amount_due": ("Bedrag",),
    "phone": ("Telefoon",),
}


def test_renamed_gone_and_added_are_told_apart() -> None:
    drift = drift_of(AGREED, ["customer_reference", "phone"], ["Huurder-nummer", "Wijk"], one_header=True)
    assert drift.renamed == {"Huurdernummer": "Huurder-nummer"}
    assert (drift.gone, drift.added) == (["Telefoon"], ["Wijk"])
    assert str(drift) == "'Huurdernummer' seems to be called 'Huurder-nummer' now; 'Telefoon' is gone; 'Wijk' is new"
    assert [finding.measure for finding in drift.findings] == ["renamed", "gone", "added"]


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("Wijk", "Wijk"),
        ("Datum betaling", "Datum betaling"),
        ("Huurdernumer", "Huurdernumer"),
        ("HuurdernummerK1", "nr. 7"),
        ("Haan", "nr. 7"),
        ("HuurdernummerBos", "nr. 7"),
        ("t.n.v. Zebranaam", "nr. 7"),
        ("zebra@x.example", "nr. 7"),
        ("2021AB", "nr. 7"),
    ],
)
def test_of_a_header_that_nobody_agreed_no_word_is_told_that_could_be_a_person(header: str, told: str) -> None:
    assert named_or_numbered(header, 7, [header for headers in AGREED.values() for header in headers]) == told


def test_of_a_first_line_that_is_no_header_no_word_is_repeated() -> None:
    """A file without a header: its first line is a person."""
    drift = drift_of(AGREED, list(AGREED), ["K1", "Achternaamzebra", "100,00", "0600"], one_header=True)
    assert "zebra" not in str(drift)
    assert drift.findings == tuple(Finding("gone", "", header) for header, *_ in AGREED.values())
    assert "4 headers are not in the agreement" in str(drift)


def test_keys_of_json_objects_are_only_named_where_they_look_like_a_column() -> None:
    drift = drift_of(AGREED, ["amount_due"], ["Bedragen", "Jansen"], one_header=False)
    assert str(drift) == "'Bedrag' seems to be called 'Bedragen' now; 1 headers are not in the agreement"


def test_two_columns_are_never_one() -> None:
    drift = drift_of(AGREED, ["surname", "phone"], ["Achternamen", "Achternaam 2"], one_header=True)
    assert len(drift.renamed) == 1
    assert len(drift.added or ()) == 1
