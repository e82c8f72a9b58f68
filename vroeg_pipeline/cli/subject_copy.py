"""What a resident gets who asks what is held of them (AVG art. 15): the same as JSON and as a page in Dutch.

How it is told, to somebody who knows nothing of this work. What is shown is looked up in `residents.shown`. The page is made
of the JSON alone, so that both say the same; its keys stand in docs/requests.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from html import escape
from typing import Any

from vroeg_pipeline.cli.dpia import BY_DECREE, FIELDS, TEXT_STYLE, bullets, text_table
from vroeg_pipeline.domain.agreements import Contact
from vroeg_pipeline.domain.dutch import euro_text, in_a_row, in_dutch
from vroeg_pipeline.domain.months import amsterdam_day, month_text, parse_month
from vroeg_pipeline.domain.partners import Partners
from vroeg_pipeline.domain.reasons import REASONS_IN_DUTCH, REFUSALS_IN_DUTCH
from vroeg_pipeline.domain.retention import Kept
from vroeg_pipeline.domain.tiers import TIERS
from vroeg_pipeline.evaluation.page import page_in_dutch
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.requests import Asked
from vroeg_pipeline.residents.shown import Shown, ShownDoor, ShownRow
from vroeg_pipeline.worklists.worklist_file import ACTIONS, MONTHS, month_title, worklist_title

Copy = Mapping[str, Any]

# Of the JSON; it changes when a key does.
VERSION = 1
TITLE = "Uw gegevens bij vroegsignalering"
# What was made of a row, beside its fields.
_MADE = {
    "surnames": "namen om te vergelijken", "address_status": "hoe het adres is gevonden", "municipality": "gemeentecode",
    "nummeraanduiding_id": "BAG-nummer van het adres", "adresseerbaar_object_id": "BAG-nummer van de woning",
    "buurtcode": "CBS-buurt",
}  # fmt: skip
_ADDRESS = {
    "exact": "staat zo in de BAG",
    "normalised": "staat in de BAG, iets anders geschreven",
    "repaired": "een schrijffout is verbeterd",
    "ambiguous": "niet zeker: er passen meer woningen",
    "unknown": "staat niet in de BAG",
    "unchecked": "niet nagekeken",
}
# As partners read them, but for what speaks to a partner.
_REASONS = {
    **REASONS_IN_DUTCH,
    "damaged_value": "klantkenmerk of achternaam is beschadigd aangeleverd",
    "objection": "er is bezwaar gemaakt tegen het doorgeven van deze gegevens",
}
_HELD = {
    "restricted": "Deze melding staat stil, omdat daarom is gevraagd.",
    "withdrawn": "Het bedrijf heeft deze melding ingetrokken.",
    "not_confirmed": "Deze melding staat stil, tot het bedrijf haar bevestigt.",
}
_REJECTED = "Deze regel is afgekeurd. Er is niets mee gedaan."
_FILE = {
    "superseded": "Deze regel is niet gebruikt: het bedrijf stuurde een nieuw bestand.",
    "questioned": "Deze regel is niet gebruikt: wij vragen het bedrijf of het bestand wel klopt.",
}
_KEPT = {
    Kept.FILES: "de regel zoals die binnenkwam",
    Kept.REJECTED: "de afgekeurde regel",
    Kept.SIGNALS: "de melding zoals wij die lezen",
}
_TERMS = {
    Kept.FILES: "bestanden, en regels zoals die binnenkwamen",
    Kept.REJECTED: "afgekeurde regels",
    Kept.SIGNALS: "meldingen, lijsten, contact en resultaat",
    Kept.HISTORY: "een code waarmee te zien is dat iemand eerder is gemeld, zonder naam of adres",
    Kept.LOG: "het logboek: wie deed wat. Daarin staat u alleen als code",
}
_ASKED = {
    Asked.EXPORT: "inzage in de gegevens",
    Asked.RESTRICT: "gegevens stilzetten",
    Asked.OBJECT: "bezwaar",
    Asked.ERASE: "gegevens wissen",
}
_FILES = {
    "deliveries": "bestanden van bedrijven (elk ook in ons archief)",
    "worklists": "lijsten voor teams",
    "returned": "lijsten die teams terugstuurden",
    "feedback": "mappen met terugkoppeling aan bedrijven",
    "desk": "vragenlijsten over adressen",
    "cbs": "leveringen aan CBS",
}
_TIERS = {tier.name: f"{tier.title}: {tier.meaning}" for tier in TIERS}
_RIGHTS = {
    "Verbeteren": "Klopt een gegeven niet? Vraag het bedrijf dat het stuurde om het te verbeteren. Lukt dat niet, "
    "zeg het dan "
    "ook tegen ons (artikel 16 AVG).",
    "Stilzetten": "U kunt ons vragen uw gegevens stil te zetten. U staat dan op geen enkele lijst (artikel 18 AVG).",
    "Bezwaar maken": "Wilt u niet dat bedrijven u bij ons melden? Dan kunt u bezwaar maken. Wij nemen nieuwe "
    "meldingen over u "
    "dan niet meer in behandeling (artikel 21 AVG).",
    "Wissen": "U kunt ons vragen uw gegevens te wissen. Soms mag dat nog niet, bijvoorbeeld als een team nog met u "
    "bezig is. "
    "Wij leggen dan uit waarom (artikel 17 AVG).",
    "Een klacht indienen": "Bent u het niet met ons eens? U kunt een klacht indienen bij de Autoriteit "
    "Persoonsgegevens: "
    "autoriteitpersoonsgegevens.nl.",
}
_WORDS = {
    "regel": "wat een bedrijf over één achterstand stuurde. Een bestand heeft veel regels",
    "melding (of signaal)": "een regel die aan de afspraken voldoet",
    "partner": "een bedrijf dat achterstanden meldt",
    "klantkenmerk": "uw nummer bij het bedrijf",
    "ontstaansdatum": "de dag waarop de achterstand begon",
    "peildatum": "de dag waarop het bedrijf het nakeek",
    "crisis": "een afsluiting of ontruiming is aangekondigd",
    "warme overdracht": "het bedrijf wil u zelf aan de gemeente voorstellen",
    "BAG": "de officiële lijst van alle adressen in Nederland",
    "namen om te vergelijken": "uw achternaam, zo geschreven dat wij zien of bedrijven dezelfde persoon bedoelen",
    "uitgifte": "het nummer van de lijst. Verandert er iets, dan komt er een nieuwe",
    "lichte opvolging": "een brief of een telefoontje, geen huisbezoek",
}
_OF_OTHERS = (
    "Een adres bekijken wij als geheel, met alle meldingen van dat adres samen. Bij dit adres kan dat ook over een "
    "ander gaan. "
    "Daarom staan hier alleen uw eigen gegevens, en niet de plaats op de lijst of hoe het afliep."
)
_STYLE = """
h3 { font-size: 1.05rem; margin: 1.6rem 0 .2rem } h4 { font-size: 1rem; margin: 1.3rem 0 .2rem }
h3, h4 { break-after: avoid }
td { overflow-wrap: anywhere }
@media print { body { font-size: 10.5pt } .scroll.long { break-inside: avoid } section > p { break-after: auto }
  h4 + p, section > p:has(+ .scroll), section > p:has(+ ul) { break-after: avoid } }
@media screen and (max-width: 40rem) { .text tbody th { min-width: 5.5rem } .text td { min-width: 5.5rem } }
"""


def copy_of(shown: Shown, installation: Installation, number: int) -> Copy:
    """What is shown, by keys in Dutch: texts, dates, amounts and yes or no. `number`: of the request."""
    partners = installation.partners
    others = sorted(
        {_named(partners, row.partner) for row in shown.rows if _type(partners, row.partner) not in BY_DECREE}
    )
    return {
        "versie": VERSION,
        "gemaakt_op": amsterdam_day(shown.now),
        "verzoek": number,
        "meldingen": [_row(row, partners) for row in shown.rows],
        "adressen": [_door(door) for door in shown.doors],
        "bedrijven": _partners(shown, partners),
        "op_andere_grond": others,
        "cbs_krijgt_bsn": installation.settings.ddas.bsn,
        "eerder_gemeld": [{"maand": month_text(month), "bewaard_tot": until} for month, until in shown.history],
        "bestanden": [{"soort": _FILES[kind], "aantal": count} for kind, count in shown.files.items() if count],
        "bewaartermijnen": [{"wat": _TERMS[kept], "maanden": shown.terms[kept]} for kept in Kept],
        "verzoeken": [
            {
                "nummer": request.number,
                "gevraagd": _ASKED[request.kind],
                "op": amsterdam_day(request.at),
                "beëindigd_op": amsterdam_day(request.lifted_at) if request.lifted_at else None,
            }
            for request in shown.requests
        ],
        "rechten": [{"wat": right, "hoe": how} for right, how in _RIGHTS.items()],
    }


def json_of(copy: Copy) -> str:
    """The copy as JSON: dates as YYYY-MM-DD, amounts as text with a point."""
    return json.dumps(copy, ensure_ascii=False, indent=1, default=_plain) + "\n"


def _plain(value: date | Decimal) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _row(row: ShownRow, partners: Partners) -> Copy:
    names = {**FIELDS, **_MADE}
    told = [field for field in names if field in row.delivered or field in row.understood]
    return {
        "maand": month_text(row.month),
        "bedrijf": _named(partners, row.partner),
        "ontvangen_op": amsterdam_day(row.received_at) if row.received_at else None,
        "regel": row.row_number,
        "ook_op_naam_van_een_ander": row.is_joint,
        "gegevens": [
            {
                "gegeven": names[field],
                "binnengekomen": row.delivered.get(field),
                "gelezen": _read(field, row.understood.get(field)),
            }
            for field in told
        ],
        "uitkomst": _came_of(row),
        "redenen": [_REASONS[reason] for reason in row.reasons or ()],
        "teruggemeld_aan_bedrijf": row.partner_told,
        "naar_cbs": row.told_to_cbs,
        "aan_adresdesk_gevraagd": row.asked_at_desk,
        "adresdesk_besloot_op": row.decided_at_desk,
        "bewaard_tot": [{"wat": _KEPT[kept], "tot": until} for kept, until in row.gone.items()],
    }


def _read(field: str, value: Any) -> Any:
    if field == "address_status":
        return _ADDRESS[value]
    return ", ".join(value) if isinstance(value, list) else value


def _came_of(row: ShownRow) -> str:
    if row.was_contacted and not row.is_signal:
        return "Deze melding is vervallen. Wij bewaren haar, omdat er toen al contact was."
    if row.reasons is not None:
        return _REJECTED
    if row.is_signal and row.held_reason:
        return _HELD[row.held_reason]
    if row.is_repeat:
        return "Deze melding was al eerder opgepakt. Zij is niet opnieuw opgepakt."
    if row.is_signal and row.is_light:
        return "Deze melding is in behandeling genomen. Het bedrag is klein, dus voor lichte opvolging."
    if row.is_signal:
        return "Deze melding is in behandeling genomen."
    if row.file_status == "refused":
        return f"Deze regel is niet gebruikt: {REFUSALS_IN_DUTCH[str(row.refusal)]}."
    return _FILE.get(str(row.file_status), "Deze regel is nog niet beoordeeld.")


def _door(door: ShownDoor) -> Copy:
    entry = door.entry
    return {
        "maand": month_text(door.month),
        "adres": _address(door.address_key),
        "ook_van_anderen": door.is_shared,
        "op_een_lijst": door.is_listed,
        "plaats_op_de_lijst": None
        if entry is None
        else {
            "lijst": worklist_title(entry["worklist"]),
            "nummer": entry["rank"],
            "voorrang": _TIERS[entry["tier_name"]],
            "eerst_doen": ACTIONS[entry["action"]] if entry["action"] else None,
            "uiterlijk": entry["deadline"],
            "waarom": entry["explanation"],
            "bekend_bij": entry["known_to"],
        },
        "bekend_nagekeken": door.checked_if_known,
        "verteld_aan_teams": [
            {
                "team": worklist_title(worklist),
                "uitgifte": issue,
                "op": amsterdam_day(moment),
                "wat": "op de lijst gezet" if change == "added" else "van de lijst gehaald",
            }
            for worklist, issue, moment, change in door.issues
        ],
        "contact": [
            {"op": day, "soort": kind, "bereikt": reached, "dagdeel": part}
            for day, kind, reached, part in door.contacts
        ],
        "resultaat": door.result and {"resultaat": door.result[0], "gemeld_op": amsterdam_day(door.result[1])},
        "bewaard_tot": door.gone,
    }


def _address(key: str) -> str:
    """An address key as people write it; of one that is not certain without what is not."""
    postcode, number, *rest = key.split("_")
    return (
        f"{postcode[:4]} {postcode[4:]}, nummer {' '.join([number, *(part for part in rest if part not in ('', '?'))])}"
    )


def _partners(shown: Shown, partners: Partners) -> list[Copy]:
    found = {}
    for row in shown.rows:
        agreement = partners.agreements.get(row.partner)
        sender = partners.senders.get(row.delivered_by or "")
        name = _named(partners, row.partner)
        found[name, row.delivered_by] = {
            "naam": name,
            "soort": agreement.type if agreement else None,
            "contact": _contact(agreement.contact) if agreement else None,
            "via": sender.name if sender else None,
            "contact_via": _contact(sender.contact) if sender else None,
        }
    return [found[key] for key in sorted(found, key=str)]


def _contact(contact: Contact) -> str | None:
    return ", ".join(filter(None, (contact.name, contact.email, contact.phone))) or None


def _named(partners: Partners, partner: str) -> str:
    of = partners.agreements.get(partner) or partners.senders.get(partner)
    return of.name if of else partner


def _type(partners: Partners, partner: str) -> str | None:
    agreement = partners.agreements.get(partner)
    return agreement.type if agreement else None


def page_of(copy: Copy) -> str:
    """The copy as a page."""
    is_held = bool(copy["meldingen"])
    head = (
        f'<h1>{TITLE}</h1><p class="quiet">Gemaakt op {_said(copy["gemaakt_op"])}. Verzoek {copy["verzoek"]}.</p>'
        "<p>U vroeg welke gegevens de gemeente van u heeft voor vroegsignalering. Vroegsignalering betekent: "
        "bedrijven melden "
        "aan de gemeente dat iemand een rekening niet betaalt. De gemeente biedt dan hulp aan, voordat de schuld "
        "groter "
        "wordt.</p><p>Dit gaat alleen over u. Bewaar deze bladzijde goed: er staan persoonlijke gegevens op. "
        "Begrijpt u "
        "iets niet? Vraag het aan wie u deze bladzijde gaf.</p>"
    )
    sections = (
        ("In het kort", _summary(copy)),
        ("Welke gegevens hebben wij van u?", _signals(copy)),
        ("Wat is er met uw adres gedaan?", _addresses(copy)),
        ("Van wie kregen wij uw gegevens?", _origins(copy)),
        ("Wie heeft uw gegevens gekregen?", _receivers(copy)),
        ("Waarom mogen wij dit?", _ground(copy) if is_held else ""),
        ("Hoe bepalen wij wie eerst komt?", _order() if is_held else ""),
        ("Hoe lang bewaren wij uw gegevens?", _terms(copy)),
        ("Waar staan uw gegevens nog meer?", _places(copy)),
        ("Wat vroeg u eerder?", _requests(copy)),
        ("Wat kunt u doen?", _rights(copy)),
        ("Wat betekenen de woorden?", _words() if is_held else ""),
    )
    body = "".join(f"<section><h2>{name}</h2>{text}</section>" for name, text in sections if text)
    return page_in_dutch(TITLE, head + body, TEXT_STYLE + _STYLE)


def _summary(copy: Copy) -> str:
    rows, doors = copy["meldingen"], copy["adressen"]
    if not rows:
        return (
            "<p><b>Wij vonden nu geen gegevens van u in onze tabellen.</b> Een bestand dat wij niet konden lezen, is "
            "niet "
            "doorzocht.</p>"
        )
    names = in_a_row([escape(name) for name in dict.fromkeys(row["bedrijf"] for row in rows)])
    rejected = sum(row["uitkomst"] == _REJECTED for row in rows)
    teams = in_a_row([escape(name) for name in dict.fromkeys(t["team"] for d in doors for t in d["verteld_aan_teams"])])
    attempts = sum(len(door["contact"]) for door in doors)
    told = [f"Wij kregen {in_dutch(len(rows), 'regel', 'regels')} over u, van {names}."]
    if rejected:
        told.append(f"Afgekeurd: {in_dutch(rejected, 'regel', 'regels')}. Daar is niets mee gedaan.")
    told.append(f"Uw adres stond op een lijst van: {teams}." if teams else "Uw adres stond op geen lijst van een team.")
    if attempts:
        told.append(f"Een team noteerde {in_dutch(attempts, 'keer', 'keer')} contact.")
    return bullets(told) + "<p>Klopt er iets niet? Onderaan staat wat u kunt doen.</p>"


def _signals(copy: Copy) -> str:
    parts = []
    for month, rows in _by_month(copy["meldingen"]).items():
        parts.append(f"<h3>{_month(month)}</h3>")
        parts += [_signal(row) for row in rows]
    if copy["eerder_gemeld"]:
        months = bullets(
            f"{_month(each['maand'])} (deze code bewaren wij tot {_said(each['bewaard_tot'])})"
            for each in copy["eerder_gemeld"]
        )
        parts.append(
            "<h3>Eerder gemeld</h3><p>Van deze maanden zijn uw gegevens al verwijderd. Wij hebben alleen nog een code. "
            f"Daarmee kunnen wij zien dat u toen op dit adres bent gemeld. Uw naam staat er niet in.</p>{months}"
        )
    return "".join(parts)


def _signal(row: Copy) -> str:
    name = escape(row["bedrijf"])
    fields = [(each["gegeven"], [_said(each["binnengekomen"]), _said(each["gelezen"])]) for each in row["gegevens"]]
    joint = (
        "<p>Deze regel staat ook op naam van een ander. Naam, geboortedatum, telefoon en e-mail staan hier niet: die "
        "kunnen "
        "van de ander zijn.</p>"
        if row["ook_op_naam_van_een_ander"]
        else ""
    )
    reasons = "<p>Reden:</p>" + bullets(map(escape, row["redenen"])) if row["redenen"] else ""
    desk = ""
    if row["adresdesk_besloot_op"]:
        desk = f"<p>Op {_said(row['adresdesk_besloot_op'])} besloot een medewerker welk adres is bedoeld.</p>"
    elif row["aan_adresdesk_gevraagd"]:
        desk = "<p>Een medewerker is gevraagd uit te zoeken welk adres is bedoeld.</p>"
    kept = ", ".join(f"{each['wat']} tot {_said(each['tot'])}" for each in row["bewaard_tot"])
    came = f"Ontvangen op {_said(row['ontvangen_op'])}, regel {row['regel']}. " if row["ontvangen_op"] else ""
    return (
        f"<h4>{name}</h4><p>{came}<b>{escape(row['uitkomst'])}</b></p>{reasons}{joint}"
        + text_table(
            f"Gegevens van {name}, {_month(row['maand'])}, regel {row['regel']}",
            ("zo kwam het binnen", "zo lezen wij het"), fields, is_named=False,
        )
        + desk
        + (f"<p class=\"quiet\">Wij bewaren {kept}.</p>" if kept else "")
    )  # fmt: skip


def _addresses(copy: Copy) -> str:
    parts = []
    for month, doors in _by_month(copy["adressen"]).items():
        parts += [f"<h3>{_month(month)}: {escape(door['adres'])}</h3>{_address_said(door)}" for door in doors]
    return "".join(parts)


def _address_said(door: Copy) -> str:
    said = []
    if place := door["plaats_op_de_lijst"]:
        rows = [
            ("Lijst", place["lijst"]), ("Plaats op de lijst", place["nummer"]), ("Voorrang", place["voorrang"]),
            ("Eerst doen", place["eerst_doen"]), ("Eerste contact uiterlijk", place["uiterlijk"]),
            ("Waarom", place["waarom"]), ("Adres bekend bij", place["bekend_bij"]),
        ]  # fmt: skip
        told = [(name, [_said(value)]) for name, value in rows if value is not None]
        said.append(text_table("De plaats van uw adres", ("zo stond het er",), told, is_named=False))
    elif door["ook_van_anderen"]:
        said.append(f"<p>{_OF_OTHERS}</p>")
    elif not door["op_een_lijst"]:
        said.append("<p>Dit adres staat over deze maand niet (meer) op een lijst.</p>")
    else:
        said.append(
            "<p>Wat er van eerdere maanden bij dit adres staat, kan over een ander gaan. Dat laten wij hier weg.</p>"
        )
    if door["bekend_nagekeken"]:
        said.append("<p>Wij keken of schuldhulp of een wijkteam dit adres kent.</p>")
    if contacts := door["contact"]:
        noted = []
        for each in contacts:
            reached = {True: "iemand gesproken", False: "niemand gesproken", None: ""}[each["bereikt"]]
            noted.append(
                escape(", ".join(filter(None, (in_words(each["op"]), each["soort"], each["dagdeel"], reached))))
            )
        said.append("<p>Contact, zoals een team het noteerde:</p>" + bullets(noted))
    if result := door["resultaat"]:
        said.append(
            f"<p>Hoe het afliep: <b>{escape(result['resultaat'])}</b> (gemeld op {_said(result['gemeld_op'])}).</p>"
        )
    return "".join(said) + f'<p class="quiet">Wij bewaren dit tot {_said(door["bewaard_tot"])}.</p>'


def _origins(copy: Copy) -> str:
    rows = []
    for each in copy["bedrijven"]:
        via = (
            f"via {each['via']}" + (f" ({each['contact_via']})" if each["contact_via"] else "")
            if each["via"]
            else "zelf"
        )
        rows.append((each["naam"], [_said(each["soort"]), _said(each["contact"]), _said(via)]))
    if not rows:
        return ""
    return text_table("Bedrijven", ("soort", "contact", "stuurde het"), rows, is_named=False)


def _receivers(copy: Copy) -> str:
    if not copy["meldingen"]:
        return ""
    teams = [
        f"{_month(door['maand'])}: {escape(told['team'])}, uitgifte {told['uitgifte']}, op {_said(told['op'])} "
        f"({escape(told['wat'])})"
        for door in copy["adressen"]
        for told in door["verteld_aan_teams"]
    ]
    partners = [
        f"{_month(row['maand'])}: {escape(row['bedrijf'])}, regel {row['regel']}: "
        + escape(row["teruggemeld_aan_bedrijf"] or "afgekeurd, en waarom")
        for row in copy["meldingen"]
        if row["teruggemeld_aan_bedrijf"] or row["redenen"]
    ]
    cbs = [
        f"{_month(row['maand'])}: {escape(row['bedrijf'])}, regel {row['regel']}"
        for row in copy["meldingen"]
        if row["naar_cbs"]
    ]
    number = "uw burgerservicenummer als dat bekend is, en anders uw adres en geboortedatum"
    whom = number if copy["cbs_krijgt_bsn"] else "uw adres en geboortedatum"
    parts = [
        (
            "Teams van de gemeente",
            "Zij kregen uw naam, adres, telefoon, e-mail en achterstand, om u hulp aan te bieden.",
            teams,
        ),
        (
            "De bedrijven zelf",
            "Zij horen alleen iets over wat zij zelf stuurden. Zij horen nooit of u bent bezocht of hulp kreeg.",
            partners,
        ),
        (
            "CBS",
            f"Voor landelijke cijfers, onder een nummer dat alleen wij kennen, met {whom}. Uw naam staat er niet bij.",
            cbs,
        ),
    ]
    return "".join(
        f"<h3>{name}</h3>" + (f"<p>{what}</p>{bullets(told)}" if told else "<p>Niets over u.</p>")
        for name, what, told in parts
    )


def _ground(copy: Copy) -> str:
    others = in_a_row([escape(name) for name in copy["op_andere_grond"]])
    return (
        "<p>Dit staat in de <b>Wet gemeentelijke schuldhulpverlening, artikel 3</b>. Verhuurders, zorgverzekeraars en "
        "bedrijven voor energie en water melden achterstanden. De gemeente moet dan hulp aanbieden. Zij mag een "
        "melding niet "
        "weglaten.</p>" + (f"<p>{others}: op welke grond zij melden, kunt u ons vragen.</p>" if others else "")
    )


def _order() -> str:
    return (
        "<p>De lijst komt uit vaste regels, niet uit een voorspelling. Eerst komt wie dreigt te worden afgesloten of "
        "het huis "
        "uit moet. Dan wie een achterstand in de huur heeft. Daarna tellen hoeveel bedrijven een adres melden, hoe "
        "lang de "
        "achterstand duurt en hoe hoog die is. Geen computer beslist over u: mensen kiezen wat zij doen, en mogen "
        "van de lijst "
        "afwijken.</p>"
    )


def _terms(copy: Copy) -> str:
    rows = [(each["wat"], [_said(each["maanden"])]) for each in copy["bewaartermijnen"]]
    return "<p>Bij elk gegeven hierboven staat tot wanneer wij het bewaren. Dit zijn de regels:</p>" + text_table(
        "Bewaartermijnen", ("maanden na de maand van de melding",), rows, is_named=False
    )


def _places(copy: Copy) -> str:
    if not copy["bestanden"]:
        return ""
    counted = bullets(f"{each['aantal']} × {escape(each['soort'])}" for each in copy["bestanden"])
    return (
        "<p>Uw gegevens staan ook in bestanden. Daarin staan ook anderen. Daarom krijgt u ze niet, en tellen wij ze "
        "alleen:</p>"
        f"{counted}<p>Wat een team in eigen woorden opschreef, staat hier niet: dat kan over een ander gaan. Vraag "
        "ernaar als u "
        "het wilt weten. Er kunnen ook reservekopieën zijn. Die bewaren wij niet langer dan nodig.</p>"
    )


def _requests(copy: Copy) -> str:
    told = []
    for each in copy["verzoeken"]:
        ended = f", beëindigd op {_said(each['beëindigd_op'])}" if each["beëindigd_op"] else ""
        told.append(f"Verzoek {each['nummer']}, op {_said(each['op'])}: {escape(each['gevraagd'])}{ended}")
    return bullets(told) if told else ""


def _rights(copy: Copy) -> str:
    told = [f"<b>{escape(each['wat'])}.</b> {escape(each['hoe'])}" for each in copy["rechten"]]
    return bullets(told) + "<p>U krijgt binnen een maand antwoord.</p>"


def _words() -> str:
    return bullets(f"<b>{word}</b>: {meaning}" for word, meaning in _WORDS.items())


def _by_month(told: Iterable[Copy]) -> dict[str, list[Copy]]:
    found: dict[str, list[Copy]] = {}
    for each in told:
        found.setdefault(each["maand"], []).append(each)
    return dict(sorted(found.items(), reverse=True))


def _month(text: str) -> str:
    return month_title(parse_month(text))


def in_words(value: Any) -> str:
    """A value as a Dutch reader has it; nothing is a dash."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "ja" if value else "nee"
    if isinstance(value, Decimal):
        return euro_text(value)
    if isinstance(value, datetime):
        value = amsterdam_day(value)
    if isinstance(value, date):
        return f"{value.day} {MONTHS[value.month - 1]} {value.year}"
    return str(value)


def _said(value: Any) -> str:
    return escape(in_words(value))
