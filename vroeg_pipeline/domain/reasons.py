"""Why files are refused (DOMAIN §4) and rows rejected (DOMAIN §5), as partners and teams read it: in Dutch."""

from __future__ import annotations

REFUSALS_IN_DUTCH = {
    "unreadable": "het bestand kan niet worden gelezen (ander formaat, andere tekenset of beschadigd)",
    "refused_by_person": "het bestand wordt niet gebruikt; dat is door een medewerker besloten",
    "missing_columns": "een verplichte kolom ontbreekt, of het bestand is leeg",
    "not_active": "voor deze maand is geen levering afgesproken",
    "unknown_partner": "er is geen leveringsafspraak",
    "stale_copy": "het bestand is gelijk aan dat van een eerdere maand",
    "too_large": "het bestand is te groot",
}

REASONS_IN_DUTCH = {
    "missing_reference": "klantkenmerk ontbreekt",
    "missing_surname": "achternaam ontbreekt",
    "missing_postcode": "postcode ontbreekt",
    "missing_house_number": "huisnummer ontbreekt",
    "missing_amount": "bedrag ontbreekt",
    "missing_arrears_since": "ontstaansdatum ontbreekt",
    "missing_reference_date": "peildatum ontbreekt",
    "damaged_value": (
        "klantkenmerk of achternaam is door een spreadsheet beschadigd (een datum, #N/B of 1,2E+14): lever het aan als tekst"
    ),
    "invalid_postcode": "postcode klopt niet (verwacht: vier cijfers en twee letters, zoals 2021 AB)",
    "invalid_house_number": "huisnummer is niet te lezen (verwacht: een getal, zoals 12 of 12 A)",
    "invalid_amount": "bedrag is niet te lezen in de afgesproken notatie, of niet hoger dan nul",
    "invalid_date": "datum is niet te lezen in de afgesproken notatie, of de ontstaansdatum ligt na de peildatum",
    "invalid_flag": "in een ja/nee-kolom staat iets anders dan ja, nee of niets",
    "future_date": "peildatum ligt na de dag van ontvangst",
    "outdated": "peildatum is te oud",
    "below_threshold": "bedrag ligt onder het minimum",
    "too_few_days": "achterstand bestaat korter dan het minimum",
    "too_many_days": "achterstand bestaat langer dan is afgesproken",
    "outside_area": "adres ligt niet in de afgesproken gemeenten",
    "legal_person": "naam van een rechtspersoon (zoals B.V., stichting, vereniging of VvE), geen inwoner",
    "objection": "bezwaar van de klant tegen doorgeven, volgens uw bestand",
    "duplicate_in_delivery": "staat al eerder in hetzelfde bestand",
    "replaced_by_later_file": "staat ook in een later bestand van deze maand; die regel telt",
}
