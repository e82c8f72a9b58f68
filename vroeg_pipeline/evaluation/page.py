"""The evaluation as one HTML file in Dutch that needs nothing else, for the screen and for paper.

How it looks. What is counted stands in `evaluation`; no person is in it, and small numbers are hidden (DOMAIN §12).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from html import escape
from pathlib import Path

from vroeg_pipeline.domain.agreements import ADDRESS_DESK
from vroeg_pipeline.domain.months import moment_text, month_text
from vroeg_pipeline.domain.tiers import CRISIS_WORKING_DAYS, FIRST_CONTACT_DAYS
from vroeg_pipeline.evaluation.charts import Value, bars, stacked_months
from vroeg_pipeline.evaluation.figures import ALL, DAYS, OUTCOMES, TEAMS, TIMELY, Evaluation, Key
from vroeg_pipeline.evaluation.national import NationalFigures, national_figures
from vroeg_pipeline.evaluation.small_cells import SMALLEST_SHOWN
from vroeg_pipeline.installation.home import private_folder, replacing
from vroeg_pipeline.worklists.worklist_file import TIER_TITLES, month_title, worklist_title

# The pilot in Haarlem and Zandvoort, to read one's own figures by; those of the country have a file of their own.
PILOT = {"addresses": "106", "recidivist": "30%", "unknown": "93%"}

_MONTHS_A_TABLE = 12
# On paper a table is not parted, unless it is longer.
_ROWS_ON_ONE_PAGE = 18
_HIDDEN = f'<abbr title="verborgen: minder dan {SMALLEST_SHOWN}, of daaruit te berekenen">•</abbr>'
# What is told apart from 0, which is a count of none.
_NOTHING_CAME_BACK = '<abbr title="niets teruggekomen">–</abbr>'
_NOT_TOLD = '<abbr title="niet ingevuld">–</abbr>'
_NOTHING_RECEIVED = '<abbr title="niets ontvangen">–</abbr>'
_NOT_RUN = '<abbr title="niet gedraaid">–</abbr>'
_STILL_RUNS = '<abbr title="alle termijnen lopen nog">–</abbr>'
_NOT_OWED = '<abbr title="niets verschuldigd">n.v.t.</abbr>'
_STATES = {
    "on time": ("✓", "op tijd"), "late": ("◷", "te laat"), "missing": ("✗", "ontbreekt"), "refused": ("⊘", "geweigerd"),
    "outdated": ("↺", "verouderd"), "expected": ("…", "nog verwacht"), "not owed": ("n.v.t.", "niets verschuldigd"),
}  # fmt: skip
_OUTCOME_COLUMNS = ("meldingen", "contact geprobeerd", "bereikt", "hulp aanvaard", "% bereikt", "% hulp")
_STYLE = """
:root { color-scheme: light }
body { font: 15px/1.5 "Segoe UI", "Helvetica Neue", Arial, "Liberation Sans", sans-serif; margin: 2.5rem auto 4rem;
  max-width: 50rem; padding: 0 1.5rem; color: #22313d; background: #fff }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 0 0 .3rem } h2 { font-size: 1.25rem; margin: 2.8rem 0 .4rem }
p { margin: .4rem 0; max-width: 42rem } .quiet, caption small { color: #5a6873; font-weight: 400 }
dl.key { display: grid; grid-template-columns: repeat(3, 1fr); gap: 1px; margin: 1.5rem 0; background: #d9dfe4;
  border: 1px solid #d9dfe4 }
dl.key div { background: #fff; padding: .8rem 1rem; display: flex; flex-direction: column }
dl.key dd { margin: 0; font-size: 1.7rem; line-height: 1.2; order: -1; font-variant-numeric: tabular-nums }
dl.key dt b { font-weight: 600; display: block } dl.key dt { font-size: .87rem; color: #5a6873 }
dl.key dt b { color: #22313d }
.scroll { overflow-x: auto } .scroll:focus-visible { outline: 2px solid #12395b; outline-offset: 2px }
figure { margin: 1.2rem 0 .4rem } svg { display: block; width: 100%; height: auto; font-family: inherit }
svg * { stroke-linejoin: round; stroke-linecap: butt } svg text { font-family: inherit }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; font-size: .9rem; font-variant-numeric: tabular-nums }
caption { text-align: left; font-weight: 600; padding-bottom: .35rem } caption small { display: block; font-size: .87rem }
th, td { padding: .28rem .5rem; text-align: right; vertical-align: top; border-bottom: 1px solid #e5e9ec }
th:first-child { text-align: left } tbody th { font-weight: 400 }
thead th, thead td { border-bottom: 1.5px solid #22313d; vertical-align: bottom }
tr.total th, tr.total td { font-weight: 600; border-top: 1.5px solid #22313d; border-bottom: 0 }
abbr { text-decoration: none; cursor: help }
.wide { font-size: .8rem } .wide th, .wide td { padding: .28rem .3rem } .wide small { display: block; color: #5a6873 }
tbody th { min-width: 8.5rem } ul { padding-left: 1.1rem; margin: .4rem 0; max-width: 42rem } li { padding-left: .2rem }
ul, li::marker { list-style: "–"; color: inherit }
@media screen and (max-width: 40rem) { body { margin-top: 1.2rem; padding: 0 .9rem } figure svg { min-width: 32rem }
  dl.key { grid-template-columns: repeat(2, 1fr) } dl.key div { padding: .6rem .7rem } tbody th { min-width: 7.5rem }
  .wide tbody th { position: sticky; left: 0; background: #fff } }
@media print { @page { size: A4; margin: 13mm 16mm } body { margin: 0; padding: 0; max-width: none; font-size: 9.5pt }
  p { max-width: none } h2 { margin-top: 1.3rem } figure { width: 80%; margin: .6rem 0 } table { margin: .6rem 0 }
  th, td, .wide th, .wide td { padding-top: .12rem; padding-bottom: .12rem } .scroll { overflow: visible }
  h2, caption, section > p { break-after: avoid } .scroll, dl, p, tr, li { break-inside: avoid }
  .scroll.long { break-inside: auto } .quiet { break-before: avoid }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact } }
"""


def write_evaluation(path: Path, evaluation: Evaluation) -> None:
    """Writes the page, owner-only, in place of an older one."""
    private_folder(path.parent)
    with replacing(path) as temporary:
        temporary.write_text(evaluation_page(evaluation), encoding="utf-8")


def evaluation_page(evaluation: Evaluation) -> str:
    """The page as text."""
    page = _Page(evaluation)
    title = f"Evaluatie vroegsignalering, {page.period}"
    body = "".join(
        [
            page.head(), page.beside_others(), page.deliveries(), page.signals(), page.reports(),
            *(
                (page.outcomes(), page.contacts(), page.time_to_contact(), page.results())
                if evaluation.has_outcomes
                else [_section("Contact en resultaten", "<p>Van deze meldingen is nog niets teruggekomen.</p>")]
            ),
            page.account(),
        ]
    )  # fmt: skip
    return page_in_dutch(title, body)


def page_in_dutch(title: str, body: str, style: str = "") -> str:
    """A page for the screen and for paper that needs nothing else, of HTML; `style`: besides what all of them have."""
    return (
        '<!doctype html>\n<html lang="nl"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, '
        f'initial-scale=1"><title>{escape(title)}</title><style>{_STYLE}{style}</style></head><body><main>{body}</main>'
        "</body></html>\n"
    )


def page_name(months: Sequence[date], municipality: str | None = None) -> str:
    """The name of the page of a period; of one municipality, where they are separate."""
    period = dict.fromkeys(month_text(month) for month in (months[0], months[-1]))
    return "_".join(filter(None, ("evaluatie", *period, municipality))) + ".html"


def period_title(months: Sequence[date]) -> str:
    """A period in Dutch: maart 2021, or januari 2021 t/m maart 2021."""
    first, last = month_title(months[0]), month_title(months[-1])
    return first if len(months) == 1 else f"{first} t/m {last}"


def _national(figures: NationalFigures, name: str) -> str:
    average = figures.averages.get(name)
    if average is None:
        return "–"
    return _number(average, 1) if name == "signals_per_1000" else f"{average:.0%}"


def _national_totals(figures: NationalFigures) -> str:
    words = {"signals": "signalen", "reached": "inwoners bereikt", "help": "inwoners die hulp aanvaardden"}
    counted = [
        f"{'meer dan ' if name in figures.more_than else ''}{number:,} {words[name]}".replace(",", ".")
        for name, number in figures.totals.items()
    ]
    return f"<p>Het hele land in {figures.year}: {', '.join(counted)} ({escape(figures.source)}).</p>"


def _number(value: float | None, decimals: int = 0) -> str:
    return _HIDDEN if value is None else f"{value:,.{decimals}f}".translate(str.maketrans(",.", ".,"))


def _short(month: date) -> str:
    name = month_title(month)[:3]
    return f"{'mrt' if name == 'maa' else name} {month:%y}"


class _Page:
    def __init__(self, evaluation: Evaluation) -> None:
        self._of = evaluation
        self.period = period_title(evaluation.months)
        if evaluation.municipality:
            self.period += f", gemeente {evaluation.municipality}"
        self._texts = [month_text(month) for month in evaluation.months]

    # What stands in a cell -----------------------------------------------------------------------------------------

    def _count(self, *key: str) -> str:
        return _number(self._of.shown(*key))

    def _silent(self, *group: str) -> bool:
        """Whether nothing came back of the group, so that its zeros mean nothing."""
        return group in self._of.silent

    def _percent(self, part: Key, whole: Key) -> str:
        if not self._of.counts.get(whole):
            return "–"
        share = self._of.share(part, whole)
        if share is None:
            return _HIDDEN
        return "&lt;1%" if 0 < share < 0.005 else f"{round(share * 100)}%"

    def _of_reports(self, measure: str, *group: str) -> str:
        group = group or (ALL,)
        if measure in OUTCOMES[1:] and self._silent(*group):
            return _NOTHING_CAME_BACK
        return self._percent((*group, measure), (*group, "reports"))

    def _bar(self, measure: str, *group: str) -> Value:
        """The share of the reports of a group as a chart shows it."""
        share = self._of.share((*group, measure), (*group, "reports"))
        if self._silent(*group) or not self._of.counts[*group, "reports"]:
            return "–"
        return "•" if share is None else round(share * 100)

    def _drawn(self, *key: str) -> Value:
        """A count as a chart shows it."""
        count = self._of.shown(*key)
        return "•" if count is None else count

    def _outcomes(self, *group: str) -> list[str]:
        reports = self._count(*group, "reports")
        if self._silent(*group):
            return [reports, *[_NOTHING_CAME_BACK] * 5]
        shares = [self._of_reports(measure, *group) for measure in ("reached", "help")]
        return [reports, *(self._count(*group, measure) for measure in OUTCOMES[1:]), *shares]

    # The sections ---------------------------------------------------------------------------------------------------

    def head(self) -> str:
        figures = [
            (self._count("signals", ALL, ALL), "signalen", "van partners, in de hele periode"),
            (self._count(ALL, "reports"), "meldingen", "een adres in een maand, op een werklijst"),
            (self._count(ALL, "addresses"), "adressen", "verschillende, over de hele periode"),
            (self._of_reports("recidivist"), "eerder gemeld", "van de meldingen"),
            (self._of_reports("reached"), "bereikt", "van de meldingen"),
            (self._of_reports("help"), "hulp aanvaard", "van de meldingen"),
        ]
        shown = "".join(f"<div><dt><b>{name}</b>{of}</dt><dd>{number}</dd></div>" for number, name, of in figures)
        missing = ", ".join(month_title(month) for month in self._of.missing_months)
        warning = f"<p><b>Niet in deze cijfers:</b> {missing}; niet gedraaid.</p>" if missing else ""
        return (
            f"<h1>Evaluatie vroegsignalering</h1><p>{self.period[0].upper()}{self.period[1:]}</p>"
            f'<p class="quiet">Stand van {moment_text(self._of.made_at)}. Een stip (•) is een aantal onder de '
            f"{SMALLEST_SHOWN}, of een aantal waaruit dat te berekenen is. Een streepje (–): er was niets om te tellen; een "
            f'0 is geteld.</p>{warning}<dl class="key">{shown}</dl>'
        )

    def beside_others(self) -> str:
        inhabitants, signals = self._of.settings.inhabitants, self._of.shown("signals", ALL, ALL)
        rate = "–"
        if inhabitants:
            per_month = None if signals is None else signals / inhabitants * 1000 / len(self._of.months)
            rate = _number(per_month, 1)
        of_signals = self._percent((ALL, "in_report"), ("signals", ALL, ALL))
        unknown = self._percent((ALL, "unknown"), (ALL, "checked"))
        national = [figures for figures in national_figures() if figures.averages]

        def line(name: str, own: str, of_country: str = "", pilot: str = "") -> tuple[str, list[str]]:
            return name, [own, *(_national(figures, of_country) for figures in national), pilot or "–"]

        rows = [
            line("Signalen per 1.000 inwoners per maand", rate, "signals_per_1000"),
            line("Signalen die in een melding kwamen, van alle signalen", of_signals, "in_report"),
            line("Bereikt, van de meldingen", self._of_reports("reached"), "reached"),
            line("Hulp aanvaard, van de meldingen", self._of_reports("help"), "help"),
            line("Gemelde adressen", self._count(ALL, "addresses"), pilot=PILOT["addresses"]),
            line(
                "Eerder gemeld (recidive), van de meldingen", self._of_reports("recidivist"), pilot=PILOT["recidivist"]
            ),
            line("Vorige maand ook gemeld (opeenvolgend), van de meldingen", self._of_reports("consecutive")),
            line(
                "Gemeld in de zes maanden ervoor (landelijk: opeenvolgend), van de meldingen",
                self._of_reports("in_six_months"),
            ),
            line(
                "Nog onbekend bij schuldhulp of wijkteam, van de nagekeken meldingen", unknown, pilot=PILOT["unknown"]
            ),
        ]
        table = _table("", ("deze periode", *(f"landelijk {figures.year}" for figures in national), "pilot"), rows)
        notes = [] if inhabitants else ["Het aantal inwoners is niet ingesteld (evaluation.inhabitants)."]
        if not self._of.known_is_told:
            notes.append(
                "Er is geen bruikbaar register van bekende cliënten gekoppeld, dus wie onbekend was is niet nagekeken."
            )
        sources = "".join(f"Landelijk {figures.year}: {escape(figures.source)}. " for figures in national)
        totals = "".join(_national_totals(figures) for figures in national_figures() if figures.totals)
        said = f"<p>{sources}Pilot: Haarlem (wijkteam Noord) en Zandvoort.</p>{totals}"
        return _section("Is dat veel?", said, table, _notes(notes))

    def deliveries(self) -> str:
        partners = self._of.partner_names
        grids = []
        for months in self._tables():
            rows = [(name, [self._delivery(partner, month) for month in months]) for partner, name in partners.items()]
            caption = "Aanleveringen per partner<small>stand en aantal aangeleverde regels</small>"
            grids.append(_table(caption, [_short(month) for month in months], rows, wide=True))
        legend = "; ".join(f"{mark} {name}" for mark, name in _STATES.values())
        totals = []
        for partner, name in partners.items():
            states = [s for (of, _), s in self._of.states.items() if of == partner and s != "not owed"]
            counted = [
                str(states.count(state)) if states else _NOT_OWED
                for state in _STATES
                if state not in ("expected", "not owed")
            ]
            columns = ("rows", "rejected", "outdated")
            numbers = [self._count("delivered", partner, column) for column in columns]
            if not any(key[:2] == ("rows", partner) for key in self._of.counts):
                numbers = [_NOTHING_RECEIVED] * len(columns)
            outdated = self._percent(("delivered", partner, "outdated"), ("delivered", partner, "rows"))
            totals.append((name, [*counted, *numbers, outdated]))
        heads = ("op tijd", "te laat", "ont&shy;breekt", "ge&shy;weigerd", "ver&shy;ouderd", "regels",
                   "af&shy;gekeurd", "te oud", "% te oud")  # fmt: skip
        caption = (
            "Aanleveringen en regels over de hele periode<small>op tijd t/m verouderd: aantal aanleveringen; % te "
            "oud: van de aangeleverde regels</small>"
        )
        said = (
            "<p>Wie leverde wanneer. Een aanlevering is verouderd als haar nieuwste peildatum of meer dan een tiende "
            "van haar regels te oud is.</p>"
        )
        return _section(
            "Aanleveringen",
            said,
            "".join(grids) + f'<p class="quiet">{legend}.</p>',
            _table(caption, heads, totals, wide=True),
        )

    def _tables(self) -> list[Sequence[date]]:
        """The months of each table: so many as fit a page."""
        return [self._of.months[n : n + _MONTHS_A_TABLE] for n in range(0, len(self._of.months), _MONTHS_A_TABLE)]

    def _delivery(self, partner: str, month: date) -> str:
        key = ("rows", partner, month_text(month))
        state, count = self._state(partner, month), self._count(*key) if key in self._of.counts else ""
        return f"{state} {count}" if count and state != _NOT_OWED else count or state

    def _state(self, partner: str, month: date) -> str:
        """What became of a delivery, as a mark."""
        if month in self._of.missing_months:
            return _NOT_RUN
        mark, name = _STATES[self._of.states.get((partner, month), "not owed")]
        return f'<abbr title="{name}">{mark}</abbr>'

    def _signals(self, partner: str, month: date) -> str:
        """How many a partner reported; where nothing of it was read, why."""
        key = ("signals", partner, month_text(month))
        is_read = ("rows", partner, month_text(month)) in self._of.counts
        return self._count(*key) if is_read or self._of.counts[key] else self._state(partner, month)

    def _by_month(self, name: str, said: str, series: dict[str, Sequence[str]]) -> str:
        """A chart over the months; a single one needs none. `series`: label to key, without the month."""
        if len(self._of.months) == 1:
            return ""
        values = [(label, [self._drawn(*key, text) for text in self._texts]) for label, key in series.items()]
        return _figure(
            stacked_months(f"{name}-chart", said, [_short(month) for month in self._of.months], values, name)
        )

    def signals(self) -> str:
        kinds = dict.fromkeys(key[1] for key in self._of.counts if key[0] == "type")
        said = "Signalen per maand, gestapeld per soort partner. De aantallen per partner staan in de tabel hieronder."
        chart = self._by_month("signalen", said, {kind: ("type", kind) for kind in kinds})
        tables = []
        for months in self._tables():
            whole = (ALL,) if len(self._of.months) > 1 else ()
            rows = [
                (
                    name,
                    [
                        *(self._signals(partner, month) for month in months),
                        *(self._count("signals", partner, text) for text in whole),
                    ],
                )
                for partner, name in self._of.partner_names.items()
            ]
            total = (
                "Alle partners",
                [
                    *(self._of_month(month, self._count("signals", ALL, month_text(month))) for month in months),
                    *(self._count("signals", ALL, text) for text in whole),
                ],
            )
            columns = [*map(_short, months), *("periode" for _ in whole)]
            tables.append(_table("Signalen per partner", columns, rows, total, wide=True))
        everything = ("signals", ALL, ALL)
        statuses = [
            (key[1], [self._count(*key), self._percent(key, everything)])
            for key in self._of.counts
            if key[0] == "status"
        ]
        caption = "Wat er van de signalen werd<small>in de woorden van DDAS; % van alle signalen</small>"
        all_signals = ("Alle signalen", [self._count(*everything), ""])
        return _section(
            "Signalen",
            "<p>Een signaal is één achterstand van één klant bij één partner in één maand. Regels die niet te lezen "
            "waren tellen niet als signaal.</p>",
            chart,
            *tables,
            _table(caption, ("signalen", "%"), statuses, all_signals),
        )

    def _of_month(self, month: date, shown: str) -> str:
        return _NOT_RUN if month in self._of.missing_months else shown

    def reports(self) -> str:
        names = {"nieuw": "new", "vorige maand ook": "consecutive", "langer geleden": "returning"}
        said = "Meldingen per maand, naar of het adres eerder gemeld is. De aantallen staan in de tabel hieronder."
        values = [(label, [self._drawn("month", t, kind) for t in self._texts]) for label, kind in names.items()]
        months = [_short(month) for month in self._of.months]
        chart = _figure(stacked_months("reports", said, months, values, "meldingen")) if len(months) > 1 else ""

        def cells(*group: str) -> list[str]:
            kinds = ("reports", "single", "multiple", "new", "consecutive", "returning")
            shares = self._of_reports("recidivist", *group), self._percent((*group, "unknown"), (*group, "checked"))
            return [*(self._count(*group, kind) for kind in kinds), *shares]

        columns = ("meldingen", "enkel&shy;voudig", "meer&shy;voudig", *names, "% recidive", "% onbekend")
        caption = (
            "Meldingen per maand<small>% recidive: van de meldingen; % onbekend bij schuldhulp of wijkteam: van de "
            "meldingen die nagekeken konden worden</small>"
        )
        rows = [
            (_short(month), [self._of_month(month, cell) for cell in cells("month", month_text(month))])
            for month in self._of.months
        ]
        total = ("Periode", cells(ALL)) if len(months) > 1 else None
        light = ""
        if (ALL, "light") in self._of.counts:
            light = (
                f" Van {self._count(ALL, 'light')} enkelvoudige meldingen lag het bedrag onder de drempel; die kregen "
                "alleen lichte opvolging."
            )
        return _section(
            "Meldingen",
            "<p>Een melding is een adres in een maand met één of meer signalen; enkelvoudig is van één partner, "
            f"meervoudig van twee of meer. Het gaat om {self._count(ALL, 'addresses')} verschillende adressen. "
            f"Daarnaast waren er {self._count(ALL, 'only_repeats')} keer adressen met alleen herhaalde signalen; die "
            f"zijn al opgepakt en tellen niet mee.{light}</p>",
            chart,
            _table(caption, columns, rows, total),
        )

    def outcomes(self) -> str:
        rent = [("met huurachterstand", ("rent", "yes")), ("zonder huur", ("rent", "no"))]
        tiers = [(TIER_TITLES.get(name, name), ("tier", name)) for name in self._of.tiers]
        splits = {
            "Met of zonder huurachterstand": rent,
            "Per team": [(worklist_title(name), ("worklist", name)) for name in self._of.worklists],
            "Per prioriteit": tiers,
        }
        total = ("Alle meldingen", self._outcomes(ALL))
        note = "<small>percentages: van de meldingen in dezelfde regel</small>"
        shares = [
            (name, [self._bar(measure, *group) for _, group in (*rent, *tiers)])
            for name, measure in (("bereikt", "reached"), ("hulp aanvaard", "help"))
        ]
        said = (
            "Aandeel van de meldingen dat bereikt is en dat hulp aanvaardde, naar huur en prioriteit; zie de tabellen."
        )
        chart = bars("outcomes", said, [label for label, _ in (*rent, *tiers)], shares, percent=True)
        return _section(
            "Wat het opleverde",
            "<p>Bereikt: iemand van het huishouden is gesproken. Hulp aanvaard: het eindresultaat is een van de "
            "resultaten die onder <i>Verantwoording</i> staan.</p>",
            _figure(chart),
            *(
                _table(
                    name + note, _OUTCOME_COLUMNS, [(label, self._outcomes(*group)) for label, group in groups], total
                )
                for name, groups in splits.items()
            ),
        )

    def contacts(self) -> str:
        kinds = [key[1] for key in self._of.counts if key[0] == "contact" and key[2] == "attempts" and key[1] != ALL]
        if not kinds:
            return ""

        def cells(kind: str) -> list[str]:
            attempts, reached = (("contact", kind, column) for column in ("attempts", "reached"))
            if self._silent("contact", kind):
                return [self._count(*attempts), _NOT_TOLD, _NOT_TOLD]
            return [self._count(*attempts), self._count(*reached), self._percent(reached, attempts)]

        reached: list[Value] = [
            "–" if self._silent("contact", k) else self._drawn("contact", k, "reached") for k in kinds
        ]
        attempts = [self._drawn("contact", kind, "attempts") for kind in kinds]
        series = [("pogingen", attempts), ("waarvan bereikt", reached)]
        said = "Contactpogingen naar soort, en hoe vaak daarbij iemand bereikt is. De aantallen staan in de tabel hieronder."
        caption = "Contactpogingen naar soort<small>% bereikt: van de pogingen, niet van de meldingen</small>"
        rows, total = [(kind, cells(kind)) for kind in kinds], ("Alle pogingen", cells(ALL))
        return _section(
            "Contact",
            "<p>Bij één melding kunnen meer pogingen zijn.</p>",
            _figure(bars("contacts", said, kinds, series)),
            _table(caption, ("pogingen", "bereikt", "% bereikt"), rows, total),
        )

    def time_to_contact(self) -> str:
        said = (
            "Meldingen naar dagen van aanlevering tot eerste contactpoging. De aantallen staan in de tabel hieronder."
        )
        days = [("days", name) for name in DAYS]
        chart = bars("days", said, [f"{name} dagen" for name in DAYS], [("", [self._drawn(*key) for key in days])])
        median = self._of.median_days
        days_of_half = "" if median is None else f"{median:g}".replace(".", ",") + (" dag" if median == 1 else " dagen")
        half = f" De helft kreeg die binnen {days_of_half}." if days_of_half else ""
        attempted = (ALL, "attempted")
        rows = [(f"{key[1]} dagen", [self._count(*key), self._percent(key, attempted)]) for key in days]

        def cells(*group: str) -> list[str]:
            is_open = self._of.counts[*group, "open"] == self._of.counts[*group, "reports"]
            share = _STILL_RUNS if is_open else self._of_reports("in_time", *group)
            return [*(self._count(*group, name) for name in TIMELY), share]

        teams = [name for name in self._of.worklists if name != ADDRESS_DESK]
        of_desk = (
            " De adresdesk is geen team: van wat daar ligt is het adres of het wijkteam nog niet zeker. Haar "
            f"{self._count('worklist', ADDRESS_DESK, 'reports')} meldingen tellen in de tabel van de termijn niet mee."
            if ADDRESS_DESK in self._of.worklists
            else ""
        )
        return _section(
            "Tijd tot het eerste contact",
            "<p>Van de dag van de aanlevering tot de eerste poging; een brief telt, een handeling achter het bureau niet. "
            f"De termijn is {FIRST_CONTACT_DAYS} dagen, bij crisis {CRISIS_WORKING_DAYS} werkdagen.{half}{of_desk}</p>",
            _figure(chart),
            _table(
                "Dagen van aanlevering tot eerste poging<small>%: van de meldingen met een poging</small>",
                ("meldingen", "%"), rows, ("Contact geprobeerd", [self._count(*attempted), ""]),
            ),
            _table(
                "De termijn, per team<small>% op tijd: van de meldingen</small>",
                ("op tijd", "te laat", "verstreken zonder contact", "loopt nog", "% op tijd"),
                [(worklist_title(name), cells("worklist", name)) for name in teams],
                ("Alle teams", cells(TEAMS)),
            ),
        )  # fmt: skip

    def results(self) -> str:
        keys = [key for key in self._of.counts if key[0] == "result" and key[1]]
        keys.sort(key=lambda key: (-(self._of.shown(*key) or 0), key[1]))
        reports = (ALL, "reports")
        rows = [
            (key[1] or "Nog geen eindresultaat", [self._count(*key), self._percent(key, reports)])
            for key in (*keys, ("result", ""))
        ]
        table = _table(
            "Eindresultaten<small>%: van de meldingen</small>",
            ("meldingen", "%"), rows, ("Alle meldingen", [self._count(*reports), ""]),
        )  # fmt: skip
        said = "Meldingen naar eindresultaat. De aantallen staan in de tabel hieronder."
        series = [("", [self._drawn(*key) for key in keys])]
        chart = _figure(bars("results", said, [key[1] for key in keys], series)) if keys else ""
        return _section("Eindresultaten", chart, table)

    def account(self) -> str:
        help_results = "".join(f"<li>{escape(result)}</li>" for result in self._of.settings.help_results)
        notes = [
            "Signalen en meldingen zijn verschillende dingen: bij elk percentage staat waarvan het een deel is.",
            "Recidive: het adres is in de terugkijkperiode eerder gemeld, de vorige maand of langer geleden. Een "
            "adres dat in twee maanden van deze periode gemeld is, telt als twee meldingen.",
            "Onbekend: het adres komt niet voor in het gekoppelde register van schuldhulpverlening en wijkteam. "
            "Adressen die niet zeker zijn konden niet nagekeken worden en tellen daarbij niet mee.",
            "Contact geprobeerd: ten minste één poging anders dan Administratief. Bereikt: bij een van die pogingen is "
            "iemand van het huishouden gesproken.",
            f"Aantallen van 1 tot en met {SMALLEST_SHOWN - 1} zijn verborgen, en ook aantallen waarmee zo'n aantal te "
            "berekenen zou zijn, en percentages daarvan. Wie naast deze evaluatie die van een andere periode "
            "verspreidt die hiermee overlapt, maakt zulke aantallen alsnog te berekenen.",
        ]
        if self._of.counts.get((ALL, "gone")):
            notes.append(
                f"Van {self._count(ALL, 'gone')} adressen kwam een uitkomst terug terwijl ze niet meer gemeld zijn "
                "(ingetrokken of gecorrigeerd); die tellen alleen bij de contactpogingen mee."
            )
        return _section(
            "Verantwoording",
            _notes(notes),
            f"<p>Als <b>hulp aanvaard</b> gelden deze eindresultaten:</p><ul>{help_results}</ul>",
        )


def _section(title: str, *parts: str) -> str:
    return f"<section><h2>{title}</h2>{''.join(parts)}</section>"


def _notes(notes: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{note}</li>" for note in notes) + "</ul>" if notes else ""


def _figure(svg: str) -> str:
    return f'<figure class="scroll" tabindex="0">{svg}</figure>'


def _table(
    caption: str,
    columns: Sequence[str],
    rows: Sequence[tuple[str, Sequence[str]]],
    total: tuple[str, Sequence[str]] | None = None,
    *,
    wide: bool = False,
) -> str:
    """A table of cells that are HTML already; the names of the rows are text."""
    head = "".join(f'<th scope="col">{column}</th>' for column in columns)

    def line(name: str, cells: Sequence[str], kind: str = "") -> str:
        shown = "".join(f"<td>{cell}</td>" for cell in cells)
        return f'<tr{kind}><th scope="row">{escape(name)}</th>{shown}</tr>'

    body = "".join(line(name, cells) for name, cells in rows)
    body += line(*total, ' class="total"') if total else ""
    look = ' class="wide"' if wide else ""
    # Wider than a phone: it scrolls by itself, also by keyboard.
    name = re.sub("<small>.*|&shy;", "", caption) or "Deze periode naast het land en de pilot"
    caption = f"<caption>{caption}</caption>" if caption else ""
    long = " long" if len(rows) > _ROWS_ON_ONE_PAGE else ""
    return (
        f'<div class="scroll{long}" tabindex="0" role="group" aria-label="{name}"><table{look}>{caption}'
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
