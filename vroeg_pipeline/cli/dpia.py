"""`vroeg dpia`: the facts for the register of processing (article 30 GDPR) and a DPIA (article 35) as a page in Dutch.

How it is told. What is told is looked up in `cli.dpia_facts`; what nobody can look up is left to fill in, and what the law
weighs is not weighed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from rich.console import Console

from vroeg_pipeline.cli.dpia_facts import Facts, facts
from vroeg_pipeline.domain.agreements import Agreement
from vroeg_pipeline.domain.dutch import in_a_row, in_dutch
from vroeg_pipeline.domain.fields import REQUIRED_FIELDS
from vroeg_pipeline.domain.months import amsterdam_day, moment_text, month_text
from vroeg_pipeline.domain.retention import Kept
from vroeg_pipeline.domain.settings import Settings
from vroeg_pipeline.evaluation.page import page_in_dutch
from vroeg_pipeline.installation.home import Home, private_folder, replacing, replacing_elsewhere
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.schema import PERSONAL
from vroeg_pipeline.worklists.worklist_file import month_title, worklist_title

PAGE = "verwerking.html"
# What a delivery can say of a resident, as partners are asked for it.
FIELDS = {
    "customer_reference": "klantkenmerk", "surname": "achternaam", "initials": "voorletters", "prefix": "tussenvoegsel",
    "birth_date": "geboortedatum", "phone": "telefoon", "email": "e-mail", "postcode": "postcode",
    "street": "straat", "house_number": "huisnummer", "house_letter": "huisletter", "house_number_addition": "toevoeging",
    "city": "woonplaats", "amount_due": "bedrag van de achterstand", "arrears_since": "ontstaansdatum",
    "days_in_arrears": "dagen achterstand", "reference_date": "peildatum",
    "crisis": "crisis", "warm_handover": "warme overdracht", "reminder_sent": "herinnering", "objection": "bezwaar",
}  # fmt: skip
KINDS = {
    "Naam": ("surname", "initials", "prefix"),
    "Geboortedatum": ("birth_date",),
    "Bereikbaarheid": ("phone", "email"),
    "Adres": ("postcode", "house_number", "house_letter", "house_number_addition", "street", "city"),
    "Klantkenmerk": ("customer_reference",),
    "Achterstand": ("amount_due", "arrears_since", "days_in_arrears", "reference_date"),
    "Omstandigheden": ("crisis", "warm_handover", "reminder_sent", "objection"),
}
_MADE = {
    "Adres volgens de BAG": "welke woning bedoeld is, met de nummers van de BAG, en hoe dat is gevonden",
    "Eerder gemeld": "of het adres eerder is gemeld, wanneer en hoe vaak, en of er misschien een ander woont",
    "Volgorde": "prioriteit, eerste actie, termijn, bij welk team, en in één zin waarom",
    "Bekend bij": "of het adres bekend is bij schuldhulp of wijkteam, en of daar een traject is afgerond",
    "Contact": "contactpogingen, of iemand is bereikt, en het eindresultaat, zoals teams die invullen",
    "Vrije tekst": "wat teams en de adresdesk in eigen woorden invullen. Daarin kan van alles staan",
}
# The tables that hold personal data, for who does not read English.
TABLES = {
    "delivery_files": "ontvangen bestanden: hun naam, en van wie ze zijn",
    "raw.delivery_rows": "regels zoals geleverd, alleen de afgesproken kolommen",
    "validated_signals": "signalen die aan alle regels voldoen",
    "former_addresses": "waar signalen eerder bij stonden",
    "rejected_rows": "afgekeurde regels en waarom",
    "address_matches": "gemelde adressen per maand",
    "recidivism_history": "of een adres eerder is gemeld",
    "reported_history": "wat van verwijderde maanden bekend moet blijven, als versleutelde hash",
    "prioritised_worklists": "de werklijsten en hun volgorde",
    "worklist_issues": "wat aan teams is uitgegeven",
    "address_desk": "vragen aan de adresdesk",
    "reference.address_decisions": "besluiten van de adresdesk",
    "outcome_files": "teruggestuurde werklijsten: hun naam",
    "outcome_rows": "wat teams invulden, zoals zij het schreven",
    "contact_attempts": "contactpogingen",
    "case_results": "eindresultaten",
    "contacted_signals": "ingetrokken signalen van wie al was benaderd",
    "contacted_reports": "meldingen waarvan signalen zijn ingetrokken nadat er contact was",
    "moved_cases": "adressen die een andere schrijfwijze of ander nummer kregen",
    "reference.erasing": "wie gewist wordt, alleen zolang dat duurt",
}
_TERMS = {
    Kept.FILES: "bestanden en regels zoals geleverd",
    Kept.REJECTED: "afgekeurde regels en herhaalde meldingen",
    Kept.SIGNALS: "al het andere dat een persoon of adres aanwijst",
    Kept.HISTORY: "wat een latere maand moet weten, alleen als versleutelde hash",
    Kept.LOG: "het log: wie deed wat",
}
# What the decree itself names; others need another ground.
BY_DECREE = ("Huur", "Energie", "Water", "Zorg")
TEXT_STYLE = """
.text th, .text td { text-align: left } .text tbody th { font-weight: 600; min-width: 9rem } .text td { min-width: 6rem }
code { font-size: .95em; overflow-wrap: anywhere } code.name { white-space: nowrap } thead { break-after: avoid }
.fill { background: #fdf3d3; padding: 0 .3rem; white-space: nowrap }
.note { border-left: 4px solid #b3541e; padding: .1rem 0 .1rem 1rem }
@media screen and (max-width: 40rem) { .text tbody th { min-width: 6.5rem } .text td { min-width: 7rem } }
"""
_FILL = '<span class="fill">in te vullen</span>'


def write_dpia(home: Home, target: Path | None, out: Console) -> None:
    """Writes the page and prints where it is.

    Raises VroegError where agreements or settings are wrong, the warehouse cannot be opened, or it cannot be written there.
    """
    page = dpia_page(facts(Installation.load(home)))
    path = target or private_folder(home.outbox) / PAGE
    with replacing_elsewhere(path, "give another --out") if target else replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    out.print(f"Facts for the register of processing and a DPIA, in Dutch: {path}", soft_wrap=True)


def dpia_page(found: Facts) -> str:
    """The page as text."""
    title = "Vroegsignalering schulden: de verwerking van persoonsgegevens"
    head = (
        f"<h1>{title}</h1>"
        f'<p class="quiet">Gemaakt op {moment_text(found.now)} uit de instellingen, de leveringsafspraken en de mappen van '
        "deze installatie. Maak hem opnieuw na elke wijziging: <code>vroeg dpia</code>.</p><p>Dit zijn de feiten "
        "voor het verwerkingsregister (artikel 30 AVG) en voor een DPIA (artikel 35 AVG). Het is zelf geen DPIA: "
        f"noodzaak en risico’s weegt de gemeente. Wat het programma niet kan weten, staat er als {_FILL}. Er staan "
        "geen gegevens van bewoners op deze bladzijde.</p>"
    )
    sections = (
        ("Wat opvalt", _what_stands_out(found)),
        ("Wie verantwoordelijk is", _responsible()),
        ("Waarvoor en op welke grond", _purpose(found)),
        ("Van wie gegevens worden verwerkt", _people()),
        ("Welke gegevens", _data(found)),
        ("Waar ze vandaan komen", _sources(found)),
        ("Waar ze liggen en hoe lang", _places(found)),
        ("Wie ze krijgt", _receivers(found)),
        ("Hoe ze beschermd zijn", _measures(found)),
        ("Wat een bewoner kan vragen", _rights()),
        ("Bijlage: tabellen en kolommen", _annex(found)),
    )
    body = "".join(f"<section><h2>{name}</h2>{text}</section>" for name, text in sections)
    return page_in_dutch(title, head + body, TEXT_STYLE)


def _what_stands_out(found: Facts) -> str:
    """What a privacy officer would ask about first."""
    settings, others = found.settings, _of_other_types(found)
    questions = [
        (
            found.is_encrypted is False,
            "Het warehouse is <b>niet versleuteld</b>: wie bij de schijf kan, kan het lezen.",
        ),
        (
            bool(found.open_to_others),
            f"Ook anderen dan de eigenaar kunnen bij: {_codes(found.open_to_others)}.",
        ),
        (
            bool(found.over_term),
            f"{in_dutch(found.over_term or 0, 'regel of bestand is', 'regels en bestanden zijn')} over de termijn en "
            "nog niet verwijderd: <code>vroeg retention --dry-run</code> toont het.",
        ),
        (
            found.what_is_wrong_with_log is not None,
            f"Het log is niet heel: <code>{escape(found.what_is_wrong_with_log or '')}</code>.",
        ),
        (
            settings.log.user_header is None,
            "In het log staat niet wie in het beheerscherm (Dagster) iets start: er is geen inlogproxy ingesteld "
            "die dat zegt.",
        ),
        (
            bool(settings.log.otlp and settings.log.otlp.startswith("http:")),
            "Het log gaat <b>zonder versleuteling</b> (http) naar het verzamelpunt. Dat kan alleen op één machine.",
        ),
        (
            bool(others),
            f"{in_a_row(others)} {'is' if len(others) == 1 else 'zijn'} van een ander type dan huur, energie, water of "
            "zorg. Ga na op welke grond zij mogen leveren.",
        ),
        (
            any(_unused(found, a) for a in _layouts(found)),
            "Partners sturen kolommen mee waar niemand iets mee doet (zie hieronder). Vraag hun die weg te laten.",
        ),
        (
            not found.back_ups.made,
            "Er is geen back-up gemaakt met <code>vroeg backup</code>; van andere weet het programma niet.",
        ),
        (
            bool(found.back_ups.made) and found.back_ups.tested_at is None,
            "Of een back-up teruggezet kan worden, is nooit beproefd.",
        ),
        (
            any(not made.is_sealed for made in found.back_ups.made[-1:]),
            "De laatste back-up is <b>niet versleuteld</b>.",
        ),
        (settings.ddas.bsn, "Het burgerservicenummer gaat naar CBS, waar het bekend is."),
    ]
    said = [text for holds, text in questions if holds]
    if not said:
        return "<p>Niets: de maatregelen hieronder zijn ingesteld.</p>"
    return '<div class="note">' + bullets(said) + "</div>"


def _responsible() -> str:
    return text_table(
        "Wie verantwoordelijk is",
        ("wie",),
        [
            ("Verwerkingsverantwoordelijke", [_FILL]),
            ("Functionaris voor gegevensbescherming", [_FILL]),
            ("Beheerder van deze installatie", [_FILL]),
            ("Verwerkers (hosting, beheer, inlogproxy, back-up)", [_FILL]),
        ],
        is_named=False,
    )


def _purpose(found: Facts) -> str:
    return (
        "<p>Bewoners met betalingsachterstanden vroeg hulp aanbieden, voordat iemand wordt afgesloten of uit huis "
        "gezet. Sinds 2021 moet de gemeente met <b>elk</b> signaal iets doen; het programma laat er daarom geen "
        "weg, en zet ze op volgorde.</p>"
        + bullets(
            [
                "Wet gemeentelijke schuldhulpverlening, artikel 3, eerste lid, onderdeel b, en artikel 8",
                "Besluit gemeentelijke schuldhulpverlening (Stb. 2020, 240), gegevensverstrekking vroegsignalering: "
                "voor huur, energie, water en zorg",
                f"Grondslag van artikel 6 AVG, en die van andere partners dan deze vier: {_FILL}",
            ]
        )
        + "<p>De volgorde komt uit vaste regels, niet uit een voorspelling. Bij elk adres staat in één zin waarom "
        "het daar staat, en mensen mogen ervan afwijken. Het programma besluit niets over iemand: het maakt lijsten "
        "voor mensen.</p><p>Voor evaluatie en verantwoording worden aantallen gemaakt zonder personen; kleine "
        "aantallen zijn verborgen."
        f"{' Aan CBS wordt geleverd volgens DDAS-Vroegsignalering.' if found.settings.ddas.municipalities else ''}</p>"
    )


def _people() -> str:
    return bullets(
        [
            "bewoners van wie een signaalpartner een achterstand meldt, ook wie bezwaar maakte of ten onrechte is "
            "gemeld",
            "vroegere bewoners van een gemeld adres: om te zien of er nu een ander woont",
            "cliënten van schuldhulp en wijkteams, alleen als adres met de naam van de dienst",
            "medewerkers: contactpersonen van partners (in de afspraken), wie een besluit nam over een bestand of "
            "adres, en wie een opdracht gaf (in het log)",
        ]
    )


def _data(found: Facts) -> str:
    layouts = _layouts(found)
    rows = []
    for kind, fields in KINDS.items():
        given = [field for field in fields if any(_gives(a, field) for a in layouts)]
        if not given:
            rows.append((kind, ["niet geleverd", "–"]))
            continue
        by = [a.name for a in layouts if any(_gives(a, field) for field in given)]
        whom = "alle partners" if len(by) == len(layouts) else in_a_row([escape(name) for name in by])
        rows.append((kind, [", ".join(_named(field) for field in given), whom]))
    delivered = text_table("Wat partners leveren", ("gegevens", "geleverd door"), rows)
    made = text_table("Wat erbij komt", ("gegevens",), [(name, [what]) for name, what in _MADE.items()])
    bsn = (
        "Het burgerservicenummer komt uit een tabel die de gemeente zelf aanlevert, en gaat alleen naar CBS."
        if found.settings.ddas.bsn
        else "Er wordt geen burgerservicenummer verwerkt."
    )
    return (
        "<p>Wat verplicht is, staat <b>vet</b>: zonder dat wordt een regel afgekeurd. Crisis is een aangekondigde "
        "afsluiting of ontruiming, herinnering of er een is verstuurd, bezwaar of de bewoner niet wil dat het wordt "
        f"doorgegeven.</p>{delivered}{made}<p>{bsn} Er is geen veld voor bijzondere persoonsgegevens (artikel 9 "
        "AVG). Een signaal van een zorgverzekeraar gaat over de premie.</p>"
    )


def _sources(found: Facts) -> str:
    rows = []
    for a in _layouts(found):
        until = f" tot en met {month_text(a.valid_until)}" if a.valid_until else ""
        sender = found.partners.senders.get(a.delivered_by or "")
        besides = ", ".join(_named(field) for field in FIELDS if _gives(a, field) and field not in REQUIRED_FIELDS)
        unused = ", ".join(escape(header) for header in _unused(found, a))
        rows.append(
            (
                a.name,
                [
                    f"{escape(a.type)}{f', via {escape(sender.name)}' if sender else ''}",
                    f"{month_text(a.valid_from)}{until}",
                    (besides or "niets") + (f". <b>Stuurt mee, niet gebruikt</b>: {unused}" if unused else ""),
                ],
            )
        )
    columns = ("type", "vanaf", "levert naast het verplichte")
    caption = "Signaalpartners en hun leveringsafspraak"
    partners = text_table(caption, columns, rows) if rows else "<p>Er zijn geen afspraken.</p>"
    known = (
        "uit een register van de gemeente, gekoppeld door de beheerder" if found.has_known_clients else "niet gekoppeld"
    )
    return (
        f"{partners}<p>Een kolom die niet is afgesproken, komt niet in de tabellen. In het bestand zelf, in "
        "<code>inbox</code> en <code>archive</code>, staat hij nog wel.</p>"
        + bullets(
            [
                f"Adressenregister (BAG): {escape(found.register) if found.register else 'niet geladen'}",
                f"Bekende cliënten: {known}",
                "Teams en de adresdesk: wat zij op de lijst invullen en terugsturen",
            ]
        )
    )


def _places(found: Facts) -> str:
    months = _terms(found)
    terms = text_table(
        "Termijnen, in maanden na het einde van de signaalmaand",
        ("maanden", "nu bewaard vanaf"),
        [(_TERMS[kept], [str(months[kept]), month_title(found.kept_from[kept])]) for kept in Kept],
    )
    by_term = {kept: f"{months[kept]} maanden" for kept in Kept}
    settings = found.settings
    rows = [
        ("inbox", "bestanden van partners, en lijsten die teams terugsturen", by_term[Kept.FILES]),
        ("archive", "dezelfde bestanden, zoals ontvangen", by_term[Kept.FILES]),
        (_tables_lie_in(settings), "de tabellen van de bijlage", "per tabel, zie de bijlage"),
        (
            "outbox",
            "werklijsten, vragen aan de adresdesk, terugkoppeling aan partners, levering aan CBS, evaluatie",
            f"{by_term[Kept.FILES]}; wat over langere tijd gaat (zonder personen) blijft",
        ),
        ("ddas", "waaruit CBS antwoord krijgt", by_term[Kept.SIGNALS]),
        ("quality, taken_in", "aantallen, oordelen en vingerafdrukken van bestanden", "blijft"),
        ("dagster", "wanneer wat is gedraaid, zonder personen", f"{settings.keep_runs_months} maanden"),
        ("log", "wie deed wat; personen alleen als versleutelde hash", by_term[Kept.LOG]),
        ("reference", "adressenregister, indeling van teams, bekende cliënten", "beheert de gemeente zelf"),
    ]
    places = text_table(
        "Mappen en bestanden", ("wat erin ligt", "hoe lang"), [(name, [what, long]) for name, what, long in rows]
    )
    return (
        f"<p>Alles ligt in één map op één machine: <code>{escape(str(found.folder))}</code>. Het programma stuurt "
        f"niets naar zijn maker.</p>{terms}{places}<p>Elke nacht wordt aangekondigd wat over een week over de "
        "termijn is, en verwijderd wat een week geleden is aangekondigd: uit de tabellen, de mappen en de bytes van "
        "het warehouse. Een maand waarvan iets is verwijderd, is <b>gesloten</b>: die wordt niet opnieuw berekend. "
        "Daarna is alleen nog te zien of een adres eerder is gemeld, met een hash die zonder de sleutel niet te "
        f"lezen is.</p><p>Hoe lang back-ups bewaard blijven: {_FILL}. Bewaar er geen langer dan de kortste termijn.</p>"
    )


def _terms(found: Facts) -> dict[Kept, int]:
    """Months after the end of the signalling month, as they work out: the history is kept while an open month needs it."""
    today = amsterdam_day(found.now)
    return {kept: 12 * (today.year - since.year) + today.month - since.month for kept, since in found.kept_from.items()}


def _receivers(found: Facts) -> str:
    settings = found.settings
    teams = in_a_row([escape(worklist_title(name)) for name in found.worklists])
    ddas = settings.ddas
    on_behalf = in_a_row([escape(of.organisation) for of in ddas.municipalities.values()])
    what = (
        "het burgerservicenummer waar dat bekend is, anders adres en geboortedatum"
        if ddas.bsn
        else "adres en geboortedatum"
    )
    how = (
        "CBS vraagt zelf op, over een beveiligde verbinding"
        if ddas.service
        else "als bestand, dat de beheerder opstuurt"
    )
    rows = [
        (
            "Teams",
            f"de werklijst van hun adressen: {teams}",
            "naam, adres, bereikbaarheid, achterstanden, wat eerder was, en waarom het adres er staat",
        ),
        (
            "Signaalpartners",
            "een terugkoppeling over hun eigen leveringen",
            "eigen klantkenmerk met ‘herhaalde melding’, ‘onterecht’, ‘geen inwoner’, ‘overleden’ of ‘andere "
            "reden’. Nooit of iemand is bezocht of hulp kreeg",
        ),
        (
            "CBS",
            f"namens {on_behalf}; {how}" if on_behalf else "er is niemand ingesteld namens wie wordt geleverd",
            f"DDAS-Vroegsignalering {ddas.version}: signalen, contact en resultaat, met {what}"
            if on_behalf
            else "niets",
        ),
        (
            "Berichten (alerts)",
            in_a_row([escape(name) for name in settings.alerts.channels]) or "er zijn geen kanalen ingesteld",
            "aantallen, partners en maanden; geen bewoners",
        ),
        (
            "Contactpersonen van partners",
            "krijgen vanzelf bericht" if settings.alerts.partners else "krijgen vanzelf geen bericht",
            "wat er aan de levering mankeert; geen bewoners",
        ),
        (
            "Verzamelpunt van logregels",
            f"<code>{escape(settings.log.otlp)}</code>" if settings.log.otlp else "niet ingesteld",
            "wie wat deed; personen alleen als versleutelde hash",
        ),
    ]
    return (
        text_table(
            "Ontvangers", ("wie of hoe", "wat"), [(name, [who, what]) for name, who, what in rows], is_named=False
        )
        + "<p>Werklijsten en terugkoppeling zet het programma klaar in <code>outbox</code>. Het verstuurt ze niet: "
        f"wie welk bestand krijgt en hoe, is {_FILL}. Doorgifte naar landen buiten de Europese Economische Ruimte: "
        f"{_FILL}.</p>"
    )


def _tables_lie_in(settings: Settings) -> str:
    where = settings.warehouse
    return f"{where.data} (bestanden) en PostgreSQL (catalogus, zonder waarden)" if where else "warehouse.duckdb"


def _measures(found: Facts) -> str:
    settings = found.settings
    encrypted = {
        True: (
            "aan: de sleutels staan in de catalogus (PostgreSQL), niet bij de bestanden"
            if settings.warehouse
            else "aan: de sleutel staat in de omgeving van de dienst, niet bij de gegevens"
        ),
        False: "<b>uit</b>",
        None: "er is nog geen warehouse",
    }[found.is_encrypted]
    rights = (
        f"ook te lezen door anderen: {_codes(found.open_to_others)}"
        if found.open_to_others
        else "alles wat personen aanwijst, is alleen van de eigenaar"
    )
    user = (
        f"de gebruiker die de inlogproxy noemt in <code>{escape(settings.log.user_header)}</code>"
        if settings.log.user_header
        else "<b>onbekend</b>"
    )
    log = found.what_is_wrong_with_log
    rows = [
        ("Versleuteling van het warehouse", encrypted),
        ("Versleuteling van de schijf (bestanden, log)", _FILL),
        ("Rechten op mappen en bestanden", rights),
        (
            "Sleutel van de hashes",
            "in de omgeving van de dienst" if found.hash_key_in_environment else "<code>hash.key</code> in de map",
        ),
        (
            "Logboek",
            "opdrachten, runs, uitgifte van bestanden, vragen en berichten; elke regel is aan de vorige geketend"
            + (f". <b>Niet heel</b>: <code>{escape(log)}</code>" if log else ". Gecontroleerd: heel"),
        ),
        ("Wie iets start op de opdrachtregel", "het account van de machine"),
        ("Wie iets start in het beheerscherm", user),
        (
            "Vragen aan de tabellen",
            "<code>vroeg sql</code>: alleen lezen, zonder personen tenzij daarom gevraagd wordt, en gelogd",
        ),
        ("Logs, controles, berichten en bestandsnamen", "noemen geen bewoner; dat wordt bij elke versie getest"),
        ("Back-up", _back_up(found)),
        (
            "Laatste proef met terugzetten",
            moment_text(found.back_ups.tested_at) if found.back_ups.tested_at else "geen bekend",
        ),
    ]
    return text_table("Maatregelen", ("zoals nu gevonden",), [(name, [text]) for name, text in rows], is_named=False)


def _back_up(found: Facts) -> str:
    if not found.back_ups.made:
        return f"niet gemaakt met <code>vroeg backup</code>. Een andere: {_FILL}"
    last = found.back_ups.made[-1]
    sealed = "versleuteld" if last.is_sealed else "<b>niet versleuteld</b>"
    return f"laatste van {moment_text(last.made_at)}, in <code>{escape(str(Path(last.path).parent))}</code>; {sealed}"


def _rights() -> str:
    return (
        "<p>Een bewoner kan vragen welke gegevens er zijn (artikel 15 AVG), ze laten wissen (17) of het gebruik laten "
        "beperken (18), en bezwaar maken (21). De beheerder voert dat uit met <code>vroeg subject</code>: tellen wat er is "
        "(<code>find</code>), een afschrift maken (<code>export</code>), beperken (<code>restrict</code>), latere "
        "meldingen weigeren (<code>object</code>) en wissen (<code>erase</code>). Elk verzoek heeft een nummer, met wie het "
        "afhandelde, wanneer en waarom, en zonder naam (<code>list</code>). Wat niet klopt verbetert de partner die het "
        f"aanleverde (16). Wie een verzoek aanneemt en binnen welke termijn: {_FILL}.</p>"
    )


def _annex(found: Facts) -> str:
    months = _terms(found)
    rows = []
    for table in found.tables:
        named = [f"<code>{column.name}</code>{_meaning(column.meaning)}" for column in table.columns]
        shown = ", ".join(named) if named else "vrije tekst van teams en de adresdesk"
        term = f"{months[table.kept]} maanden" if table.kept else "blijft"
        rows.append((TABLES.get(table.name, ""), [f'<code class="name">{table.name}</code><br>{term}', shown]))
    return (
        "<p>De technische lijst. Namen en betekenis van kolommen zijn in het Engels, zoals in de documentatie voor "
        "ontwikkelaars; hier staan alleen de kolommen die een persoon of adres aanwijzen. Van bestanden gaat na de "
        "termijn de naam weg; wat ervan geteld is, blijft.</p>"
        + text_table("Tabellen met persoonsgegevens", ("tabel en termijn", "kolommen"), rows, is_named=False)
    )


def _meaning(text: str) -> str:
    said = text.removesuffix(PERSONAL).strip().rstrip(".")
    return f' <span class="quiet" lang="en">({escape(said)})</span>' if said else ""


def _layouts(found: Facts) -> Sequence[Agreement]:
    return list(found.partners.agreements.values())


def _unused(found: Facts, agreement: Agreement) -> Sequence[str]:
    """The columns that its files may have besides, or those of its sender."""
    sender = found.partners.senders.get(agreement.delivered_by or "")
    return [*dict.fromkeys([*agreement.ignored_columns, *(sender.ignored_columns if sender else ())])]


def _gives(agreement: Agreement, field: str) -> bool:
    return field in agreement.headers or field in agreement.constants


def _named(field: str) -> str:
    # A word is not broken at its hyphen.
    name = FIELDS[field].replace("-", "&#8209;")
    return f"<b>{name}</b>" if field in REQUIRED_FIELDS else name


def _of_other_types(found: Facts) -> list[str]:
    return [f"{escape(a.name)} ({escape(a.type)})" for a in _layouts(found) if a.type not in BY_DECREE]


def _codes(of: Iterable[str]) -> str:
    return ", ".join(f"<code>{escape(each)}</code>" for each in of)


def bullets(items: Iterable[str]) -> str:
    """A list of items that are HTML already."""
    return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"


def text_table(
    caption: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]], *, is_named: bool = True
) -> str:
    """A table of cells that are HTML already; the names of the rows are text. `is_named`: the caption is shown, as the
    heading above it says something else.
    """
    head = "".join(f'<th scope="col">{column}</th>' for column in columns)
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
        for name, cells in rows
    )
    shown = f"<caption>{caption}</caption>" if is_named else ""
    return (
        f'<div class="scroll long" tabindex="0" role="group" aria-label="{caption}"><table class="text">'
        f"{shown}<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
