"""What partners call the fields of a delivery: a header, or a path of names, as the field that it probably means.

The terms are those of the DDAS standard, of the partners' agreements and of the systems they deliver from, in Dutch and
English. Only words that stand here are ever repeated of a file that nobody agreed on: in a file without a header a
person stands where the header would.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

from rapidfuzz import fuzz, process

from vroeg_pipeline.domain.fields import DELIVERED_FIELDS, header_name

# Cells that hold several fields, and the column of who a row is of.
ADDRESS, PLACE, PARTNER = "address", "place", "partner"

# Each meaning with its terms, a comma between them.
_TERMS = {
    "customer_reference": (
        "klantnummer, klantnr, klant id, klantkenmerk, klantcode, klant, huurdernummer, huurdernr, huurder, "
        "debiteurnummer, debiteurennummer, debiteurnr, debiteur, relatienummer, relatienr, relatie, "
        "contractnummer, contractnr, contract, overeenkomstnummer, polisnummer, verzekerdennummer, "
        "verzekerdenummer, dossiernummer, dossiernr, dossier, kenmerk, referentie, referentienummer, "
        "aansluitnummer, rekeningnummer klant, zaaknummer, signaalnummer, signaal id, vorderingnummer, id, "
        "nummer, customer id, customer number, customer reference, client id, client number, account number, "
        "account, contract number, debtor number, tenant number, reference, case number"
    ),
    "surname": (
        "achternaam, naam, geslachtsnaam, familienaam, naam huurder, naam klant, klantnaam, naam debiteur, "
        "hoofdhuurder, naam contractant, contractant, naam verzekerde, naam bewoner, naam inwoner, naw naam, "
        "volledige naam, surname, last name, family name, name, customer name, full name"
    ),
    "initials": "voorletters, voorletter, voorl, vrl, initialen, initials",
    "prefix": (
        "tussenvoegsel, tussenvoegsels, tussenv, voorvoegsel, voorvoegsels, voorvoegsel geslachtsnaam, prefix, "
        "name prefix, infix"
    ),
    "birth_date": "geboortedatum, geb datum, gebdatum, geboren, birth date, date of birth, dob",
    "phone": (
        "telefoon, telefoonnummer, telefoonnr, tel, telnr, tel nr, mobiel, mobiel nummer, mobiele telefoon, 06 "
        "nummer, phone, phone number, telephone, mobile, mobile phone"
    ),
    "email": "email, e mail, emailadres, e mailadres, mail, mailadres, email address",
    "postcode": "postcode, postc, pc, pc6, postkode, postal code, zip code, zip, postcode bewoner",
    "street": "straat, straatnaam, openbare ruimte, street, street name",
    "house_number": (
        "huisnummer, huisnr, hnr, nr, huis nr, huis nummer, adres nummer, "
        "house number, house no, street number, address number"
    ),
    "house_letter": "huisletter, letter, huis letter, house letter",
    "house_number_addition": (
        "toevoeging, toev, huisnummertoevoeging, huisnummer toevoeging, huisnr toevoeging, huisnr toev, "
        "toevoegsel, huisnummer toevoegsel, addition, house number addition, house number suffix, suffix"
    ),
    "city": "plaats, woonplaats, plaatsnaam, stad, city, town, place",
    "amount_due": (
        "bedrag, openstaand bedrag, bedrag openstaand, openstaand, openstaand saldo, saldo, achterstand, "
        "betalingsachterstand, huurachterstand, premieachterstand, achterstand bedrag, achterstandsbedrag, bedrag "
        "achterstand, hoogte achterstand, hoogte bedrag, totaal openstaand, totaalbedrag, totaal bedrag, totale "
        "achterstand, schuld, schuldbedrag, hoofdsom, vordering, te betalen, signaalbedrag, amount, amount due, "
        "amount outstanding, outstanding amount, balance, outstanding balance, arrears, debt, total due"
    ),
    "arrears_since": (
        "ontstaansdatum, datum ontstaan, ontstaan, ontstaan op, achterstand sinds, sinds, vanaf, datum vanaf, "
        "datum oudste, oudste nota, datum oudste nota, vervaldatum oudste nota, vervaldatum, oudste vervaldatum, "
        "oudste vordering, oudste openstaande post, oudste factuur, datum oudste factuur, vervaldatum oudste "
        "factuur, begindatum achterstand, startdatum achterstand, datum achterstand, ingangsdatum achterstand, "
        "arrears since, overdue since, due date, oldest due date, oldest invoice date, start date"
    ),
    "reference_date": (
        "peildatum, signaaldatum, datum signaal, meldingsdatum, datum melding, meetdatum, datum levering, "
        "leverdatum, aanleverdatum, datum aanlevering, stand per, standdatum, datum stand, rapportagedatum, "
        "exportdatum, extractiedatum, datum selectie, selectiedatum, reference date, signal date, report date, as "
        "of date, as of"
    ),
    "crisis": (
        "crisis, crisissignaal, crisismelding, ontruiming, ontruiming aangezegd, afsluiting, dreigende "
        "afsluiting, dreigende ontruiming, afsluiting aangezegd, vonnis, urgent, spoed, crisis signal, "
        "disconnection announced, eviction announced, urgency, eviction"
    ),
    "warm_handover": "warme overdracht, overdracht, warm handover, warm transfer",
    "reminder_sent": (
        "aanmaning, aanmaning verstuurd, aangemaand, herinnering, herinnering verstuurd, reminder, reminder sent"
    ),
    "objection": (
        "bezwaar, bezwaar klant, bezwaar tegen doorgeven, bezwaar gegevensdeling, geen toestemming, opt out, "
        "objection, objected"
    ),
    "days_in_arrears": (
        "dagen, aantal dagen, dagen achterstand, aantal dagen achterstand, achterstand in dagen, dagen te laat, "
        "dagen openstaand, aantal dagen openstaand, ouderdom, ouderdom in dagen, days, days in arrears, days "
        "overdue, overdue days"
    ),
    ADDRESS: (
        "adres, straat en huisnummer, straat huisnummer, straat huisnr, straat nr, adresregel, adresregel 1, "
        "woonadres, bezoekadres, volledig adres, address, address line, address line 1, street address, full "
        "address"
    ),
    PLACE: (
        "postcode plaats, postcode en plaats, postcode woonplaats, postcode en woonplaats, pc plaats, pc "
        "woonplaats, postcode city, adresregel 2, address line 2"
    ),
    PARTNER: (
        "signaalpartner, signaal partner, instantie, leverancier, organisatie, aanleveraar, aanleverende "
        "organisatie, melder, melder organisatie, corporatie, schuldeiser, crediteur, vastelastenpartner, vaste "
        "lasten partner, naam instantie, naam organisatie, naam signaalpartner, bron, creditor, organisation, "
        "organization, supplier, signal partner"
    ),
}
TERMS: dict[str, tuple[str, ...]] = {meaning: tuple(terms.split(", ")) for meaning, terms in _TERMS.items()}

# What else stands in headers, and in the names of what holds the records, beside the words of the terms.
_OTHER_WORDS = """
    j n ja nee y yes no vast vaste
    aan aangesloten aanlevering aantal actueel actuele address adres afdeling algemeen arrear bericht bestand
    betaalregeling betaling betalingsregeling bewoner bij body brp btw buurt cent centen cents client clienten
    contact contactgegevens content contractant correspondentie customer customers data dataset datum de debiteuren
    debtor debtors dee deel den der details document dossiers een einde en envelope eur euro excl exclusief export
    extra factuur fase feed file filiaal for gegevens gemeente gemelde geslacht het hoofd huidig huidige huishouden
    huur huurders identificatie import in incasso incl inclusief info informatie inhoud inwoner inwoners item items
    jaar klanten laatste land levering leveringen lijst list maand mail melding meldingen memo metadata naam naw
    nota notas notitie object of omschrijving ontvangen op open openstaande opmerking opmerkingen output overzicht
    partij per periode person personalia personen persons persoon posten rapport record records regel regels regio
    report response result resultaat resultaten results root row rows schulden schuldenaar set signaal signal
    signalen signalering signals soort stand status system tabel table team tenant tenants toelichting tot totaal
    type uit uitwisselmodel value values van vaste verblijfplaats verzekerde verzekerden vestiging vordering
    vorderingen vroeg vroegsignaal vroegsignalen vroegsignalering vroegsignaleringen waarde wijk woning xml
"""
_LINKS = ("", "s", "en", "n", "e")
_SHORTEST_IN_COMPOUND = 3
# Below this likeness a header is another word; in it a typing error or a plural has room.
_ALIKE = 88
_SHORTEST_ALIKE = 6
_LONGEST = 60


@lru_cache(maxsize=4_096)
def meanings_of(header: str) -> dict[str, int]:
    """What a header can mean, by DELIVERED_FIELDS, ADDRESS, PLACE and PARTNER, each with how surely from 1 to 100.

    Of a path the last names count most. Empty where any word of it is none of ours: it is then not to be repeated.
    """
    *path, last = header.split(".")
    if not all(is_known(name) for name in path):
        return {}
    own = _meanings(last.removeprefix("@"))
    if path and (whole := _meanings(" ".join([path[-1], last]))):
        # adres.nummer is a house number, whatever a number is elsewhere.
        most = 100 if max(whole.values()) < 100 else 75
        own = {m: max(min(own.get(m, 0), most), whole.get(m, 0) - 1) for m in {*own, *whole}}
    return own


def is_known(name: str) -> bool:
    """Whether a name holds nothing but words of ours, so that it is no person's."""
    words = _words_of(name)
    return bool(words) and header_name(name).isprintable() and all(_split(word) for word in words)


def is_field(meaning: str) -> bool:
    """Whether it is a field, and no cell of several fields."""
    return meaning in DELIVERED_FIELDS


def _meanings(name: str) -> dict[str, int]:
    words = _words_of(name)
    folded = " ".join(words)
    if not folded or len(folded) > _LONGEST or not header_name(name).isprintable():
        return {}
    found: dict[str, int] = {}
    joined = folded.replace(" ", "")
    for meaning in _by_joined().get(joined, ()):
        found[meaning] = 100
    if not found and len(joined) >= _SHORTEST_ALIKE:
        likely = process.extract(joined, list(_by_joined()), scorer=fuzz.ratio, score_cutoff=_ALIKE, limit=5)
        for term, score, _ in likely:
            for meaning in _by_joined()[term] if len(term) >= _SHORTEST_ALIKE else ():
                found[meaning] = max(found.get(meaning, 0), round(score) - 2)
    parts = [_split(word) for word in words]
    if all(parts):
        held = {piece for part in parts for piece in part}
        for meaning, terms in _term_words().items():
            best = max((len(term) / max(len(held), 1) for term in terms if term <= held), default=0.0)
            if best:
                found[meaning] = max(found.get(meaning, 0), 60 + round(30 * min(best, 1)))
    return found


def _words_of(name: str) -> list[str]:
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    plain = unicodedata.normalize("NFKD", header_name(apart))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return re.findall(r"[^\W_]+", re.sub(r"['’]", "", plain))


def _split(word: str) -> list[str]:
    """A word as the words of ours it is made of; empty when there is anything else in it. One digit counts nowhere."""
    if word in _words() or re.fullmatch("[0-9]", word):
        return [word]
    found = _compound(word)
    return list(found) if found else []


@lru_cache(maxsize=4_096)
def _compound(word: str) -> tuple[str, ...] | None:
    if not word:
        return ()
    for length in range(len(word), _SHORTEST_IN_COMPOUND - 1, -1):
        if word[:length] not in _words():
            continue
        for link in _LINKS:
            behind = word[length:]
            if behind.startswith(link) and (rest := _compound(behind[len(link) :])) is not None:
                return (word[:length], *rest)
    return None


@cache
def _words() -> frozenset[str]:
    return frozenset(_OTHER_WORDS.split()) | {
        word for terms in TERMS.values() for term in terms for word in term.split()
    }


@cache
def _by_joined() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for meaning, terms in TERMS.items():
        for term in terms:
            found[term.replace(" ", "")] = (*found.get(term.replace(" ", ""), ()), meaning)
    return found


@cache
def _term_words() -> dict[str, list[frozenset[str]]]:
    return {
        meaning: [frozenset(piece for word in term.split() for piece in (_compound(word) or (word,))) for term in terms]
        for meaning, terms in TERMS.items()
    }
