"""What headers mean, and that no name of a person or street is taken for one."""

from __future__ import annotations

import pytest

from vroeg_pipeline.domain.fields import CANONICAL_FIELDS
from vroeg_pipeline.domain.terms import ADDRESS, PARTNER, PLACE, TERMS, is_known, meanings_of
from vroeg_pipeline.installation.home import CHECKOUT, Home

AGREED = [
    (field, header)
    for agreement in Home(CHECKOUT / "data").load_partners().agreements.values()
    for field, headers in agreement.columns.items()
    for header in headers
]
OTHERS = [
    ("customer_reference", "Kenmerk debiteur"), ("customer_reference", "klant.@id"), ("surname", "Naam huurder"),
    ("surname", "klantgegevens.naam"), ("surname", "Achternam"), ("house_number", "klant.adres.nummer"),
    ("house_number_addition", "huisnummertoevoeging"), ("postcode", "POSTCODE_BEWONER"), ("amount_due", "Bedrag (EUR)"),
    ("amount_due", "Totaal openstaand saldo"), ("arrears_since", "vervaldatumOudsteNota"),
    ("reference_date", "Signaaldatum"),
    ("birth_date", "Geb.datum"), ("email", "E-mail adres"), ("days_in_arrears", "Aantal dagen te laat"),
    ("warm_handover", "warmeOverdracht"), ("crisis", "crisissignaal"), (ADDRESS, "Straat + huisnummer"),
    (PLACE, "Postcode/woonplaats"), (PARTNER, "Signaalpartner"),
]  # fmt: skip


@pytest.mark.parametrize(("meaning", "header"), [*AGREED, *OTHERS])
def test_what_partners_write_is_known(meaning: str, header: str) -> None:
    found = meanings_of(header)
    assert found[meaning] == max(found.values())


@pytest.mark.parametrize("meaning", [*CANONICAL_FIELDS, "days_in_arrears"])
def test_each_field_has_terms_that_mean_it_first(meaning: str) -> None:
    for term in TERMS[meaning]:
        assert meanings_of(term)[meaning] == 100


@pytest.mark.parametrize(
    "text",
    [
        "Jansen", "de Vries", "Bakker", "Van den Berg", "Vries, J.P. de", "El Idrissi", "Straatman", "Plaatsman", "Kok",
        "Grutsingel", "Grutsingel 35", "Kerkstraat", "HAARLEM", "Zandvoort", "2021AA", "05-03-2021", "K0001", "220,50", "",
        "Naam Jansen", "Jansen.postcode", "signalen.Jansen.postcode", "Postcode 2021AA", "Bedrag\x1b",
        "😀", "ß" * 99, "a" * 5_000,
    ],
)  # fmt: skip
def test_who_or_what_stands_in_a_cell_is_no_header(text: str) -> None:
    assert meanings_of(text) == {}
    assert not all(map(is_known, text.split(".")))
