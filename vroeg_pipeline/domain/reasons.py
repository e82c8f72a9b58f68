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
    "damaged_value": "klantkenmerk of achternaam is door een spreadsheet beschadigd; lever het aan als tekst",
    "invalid_postcode": "postcode bestaat niet in deze vorm",
    "invalid_house_number": "huisnummer is niet te lezen",
    "invalid_amount": "bedrag is niet te lezen, of niet hoger dan nul",
    "invalid_date": "datum is niet te lezen, of de ontstaansdatum ligt na de peildatum",
    "invalid_flag": "ja/nee-veld is niet te lezen",
    "future_date": "peildatum ligt na de dag van ontvangst",
    "outdated": "peildatum is te oud",
    "below_threshold": "bedrag ligt onder het afgesproken minimum",
    "too_few_days": "achterstand is korter dan afgesproken",
    "too_many_days": "achterstand is langer dan afgesproken",
    "outside_area": "adres ligt niet in de afgesproken gemeenten",
    "legal_person": "naam van een rechtspersoon (zoals B.V., stichting, vereniging of VvE), geen inwoner",
    "objection": "bezwaar van de klant tegen doorgeven, volgens uw bestand",
    "duplicate_in_delivery": "staat al eerder in hetzelfde bestand",
    "replaced_by_later_file": "staat ook in een later bestand van deze maand; die regel telt",
}
