"""The evaluation: its totals are those of the tables, whatever came back; its page shows no person and no small number."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vroeg_pipeline.domain.ddas import HELP_ACCEPTED, EnumContactsoort, EnumEindresultaat
from vroeg_pipeline.evaluation.checks import CHECKS
from vroeg_pipeline.evaluation.figures import ALL, TEAMS, Evaluation, evaluate_aside, read_evaluation
from vroeg_pipeline.evaluation.page import evaluation_page
from vroeg_pipeline.evaluation.reading_file import shown_buurten
from vroeg_pipeline.evaluation.small_cells import SMALLEST_SHOWN
from vroeg_pipeline.installation.statements import fetch_one, rows_of
from vroeg_pipeline.sample.world import make_world
from vroeg_pipeline_tests.kit.browser import barriers
from vroeg_pipeline_tests.kit.command import vroeg
from vroeg_pipeline_tests.kit.outcomes import report_back
from vroeg_pipeline_tests.kit.world import World, month, row

MONTHS = [month("2020-10"), month("2020-11"), month("2020-12")]
_REPORTED = datetime(2021, 12, 1, tzinfo=UTC)

outcomes = st.lists(
    st.tuples(
        st.integers(0, 400),
        st.lists(st.tuples(st.sampled_from(EnumContactsoort), st.sampled_from([True, False, None])), max_size=3),
        st.sampled_from([None, *EnumEindresultaat, *HELP_ACCEPTED]),
        st.integers(0, 60),
    ),
    max_size=60,
    unique_by=lambda outcome: outcome[0],
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Three months of the sample world, with every defect in them."""
    world = World(tmp_path_factory.mktemp("evaluated") / "home")
    make_world(world.home, seed=3, months=3, signals=90, register=None, overwrite=True)
    shutil.rmtree(world.home.inbox / "outcomes")  # the tests draw their own
    buurten = [f"{four}AA,{four}ZZ,BU0392{four}" for four in (2021, 2022, 2023, 2024, 2025, 2041)]
    world.reference("buurten.csv", "postcode_from,postcode_to,buurtcode", *buurten)
    world.settings(evaluation={"inhabitants": 20_000})
    world.run("2020-10", "2020-12", upto="evaluation_page")
    return world


@pytest.fixture(scope="module")
def connection(finished: World) -> Iterator[duckdb.DuckDBPyConnection]:
    with finished.warehouse.connect() as opened:
        # Before a transaction that is taken back, which would take them along.
        finished.installation.define_macros(opened)
        yield opened


def add(
    connection: duckdb.DuckDBPyConnection, drawn: list[tuple[int, list[tuple[str, bool | None]], str | None, int]]
) -> None:
    """What was drawn as outcomes of entries; numbers beyond them are of an address that is on no list."""
    entries = connection.execute(
        "SELECT month, address_key, worklist FROM prioritised_worklists ORDER BY month, address_key"
    ).fetchall()
    for number, attempts, result, days in drawn:
        of, address, worklist = (
            entries[number] if number < len(entries) else (MONTHS[0], f"2021AB_{number}__", "budgetcoach")
        )
        case = f"{number:016x}"
        for place, (kind, reached) in enumerate(attempts, 1):
            attempt = [of, case, address, worklist, place, kind, reached, of + timedelta(days), None, _REPORTED, ""]
            connection.execute(f"INSERT INTO contact_attempts VALUES ({', '.join('?' * len(attempt))})", attempt)
        if result:
            values = [of, case, address, worklist, result, None, _REPORTED, ""]
            connection.execute(f"INSERT INTO case_results VALUES ({', '.join('?' * len(values))})", values)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(outcomes)
def test_totals_are_those_of_the_tables(
    finished: World,
    connection: duckdb.DuckDBPyConnection,
    drawn: list[tuple[int, list[tuple[str, bool | None]], str | None, int]],
) -> None:
    connection.begin()
    try:
        add(connection, drawn)
        evaluate_aside(connection, finished.installation, MONTHS)
        for of in MONTHS:
            connection.execute("SET VARIABLE month = ?", [of])
            for check in CHECKS:
                assert fetch_one(connection, str(check.breaches)) == (0,), (check.asset, check.name)
        found = read_evaluation(connection, finished.installation, MONTHS)
        listed = "SEMI JOIN prioritised_worklists USING (month, address_key)"
        certain = "SEMI JOIN (FROM address_matches WHERE NOT needs_review) USING (month, address_key)"
        tried = f"(FROM contact_attempts {listed} WHERE contact_kind <> 'Administratief')"
        delivered = "(FROM delivery_files WHERE partner = 'pre_wonen' AND status = 'accepted')"
        wanted = {
            (ALL, "reports"): "count(*) FROM prioritised_worklists",
            (ALL, "addresses"): "count(DISTINCT address_key) FROM prioritised_worklists",
            (ALL, "multiple"): f"count(*) FROM address_matches {listed} WHERE match_kind = 'multiple'",
            (ALL, "recidivist"): "count(*) FROM prioritised_worklists WHERE is_recidivist",
            (ALL, "in_six_months"): "count(*) FILTER (months_since_last <= 6) FROM recidivism_history "
            "SEMI JOIN prioritised_worklists USING (month, address_key)",
            (ALL, "unknown"): f"count(*) FROM prioritised_worklists {certain} WHERE known_to IS NULL",
            (ALL, "attempted"): f"count(DISTINCT (month, address_key)) FROM {tried}",
            (ALL, "reached"): f"count(DISTINCT (month, address_key)) FROM {tried} WHERE reached",
            (ALL, "help"): f"count(*) FROM case_results {listed} WHERE end_result IN {HELP_ACCEPTED}",
            (
                "worklist",
                "budgetcoach",
                "reports",
            ): "count(*) FROM prioritised_worklists WHERE worklist = 'budgetcoach'",
            ("rent", "yes", "reports"): f"count(*) FROM address_matches {listed} WHERE has_rent",
            ("contact", ALL, "attempts"): "count(*) FROM contact_attempts",
            ("contact", "Brief", "reached"): "count(*) FROM contact_attempts WHERE contact_kind = 'Brief' AND reached",
            ("signals", ALL, ALL): "count(*) FROM signal_statuses",
            ("signals", "pre_wonen", ALL): "count(*) FROM signal_statuses WHERE partner = 'pre_wonen'",
            ("delivered", "pre_wonen", "rows"): f"sum(row_count) FROM {delivered}",
        }
        assert {key: found.counts.get(key, 0) for key in wanted} == {
            key: fetch_one(connection, f"SELECT {select}")[0] for key, select in wanted.items()
        }
        assert all(key in found.hidden for key, count in found.counts.items() if is_small(key, count))
        assert small_numbers(evaluation_page(found)) == []
    finally:
        connection.rollback()


def is_small(key: tuple[str, ...], count: int) -> bool:
    """Whether a count is a small one that is printed: what only follows from others has no place in a table."""
    followed = ("not ", "no ", "known", "other", "accepted", "rejected signals", "in no report")
    of_teams = key in ((TEAMS, "reports"), (TEAMS, "attempted"))
    return 0 < count < SMALLEST_SHOWN and key[0] != "crisis" and not of_teams and not key[-1].startswith(followed)


class Cells(HTMLParser):
    """What stands in the cells and charts of a page, with the caption of its table."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._inside, self._caption = "", ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "table":
            self._caption = ""
        if tag in ("td", "text", "caption", "dd"):
            self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "caption":
            self._caption += data
        elif self._inside:
            self.found.append((self._caption, data.strip()))


def small_numbers(page: str) -> list[tuple[str, str]]:
    """Numbers of people under five; deliveries are no people."""
    cells = Cells()
    cells.feed(page)
    return [
        (caption, cell)
        for caption, cell in cells.found
        if re.fullmatch(r"[1-4]", cell) and not caption.startswith("Aanleveringen en regels over de hele periode")
    ]


@pytest.fixture(scope="module")
def evaluated(finished: World, connection: duckdb.DuckDBPyConnection) -> Evaluation:
    connection.begin()
    report_back(connection)
    evaluate_aside(connection, finished.installation, MONTHS)
    found = read_evaluation(connection, finished.installation, MONTHS)
    connection.rollback()
    return found


def test_the_page_needs_nothing_else_and_can_be_read_aloud(evaluated: Evaluation) -> None:
    page = evaluation_page(evaluated)
    assert not re.search(r"<script|<link|<img|@import|https?:|\bsrc=|\bon\w+=", page)
    assert re.findall(r"url\([^#]", page) == []
    cells = Cells()
    cells.feed(page)
    charts = [attributes for tag, attributes in cells.tags if tag == "svg"]
    assert len(charts) == 6
    ids = [attributes["id"] for _, attributes in cells.tags if attributes.get("id")]
    assert len(ids) == len(set(ids))
    for chart in charts:
        assert chart["role"] == "img"
        assert chart["aria-labelledby"] in ids
    assert page.index('lang="nl"') < 100
    for section in page.split("<section>")[1:]:
        assert "<figure>" not in section or "<table" in section
    referred = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', page))
    assert referred <= set(ids)


def test_everybody_can_read_the_page(tmp_path: Path, evaluated: Evaluation) -> None:
    path = tmp_path / "evaluatie.html"
    path.write_text(evaluation_page(evaluated), encoding="utf-8")
    assert barriers(path) == {}


def test_the_page_names_denominators_definitions_and_what_is_known_elsewhere(evaluated: Evaluation) -> None:
    page = evaluation_page(evaluated)
    for said in (
        "van de meldingen", "van alle signalen", "van de pogingen, niet van de meldingen", "Divosa", "4,0", "80%", "20%",
        "Het hele land in 2024: meer dan 1.000.000 signalen, 157.000 inwoners bereikt, 49.000 inwoners die hulp "
        "aanvaardden (kabinetsreactie", "Gemeld in de zes maanden ervoor (landelijk: opeenvolgend)",
        "Vorige maand ook gemeld (opeenvolgend)", "93%", "oktober 2020 t/m december 2020".capitalize(), *HELP_ACCEPTED,
    ):  # fmt: skip
        assert said in page
    for heading in re.findall(r'<th scope="col">(%[^<]*)', page):
        assert heading in ("%", "% bereikt", "% hulp", "% recidive", "% onbekend", "% te oud", "% op tijd")
    assert small_numbers(page) == []
    assert "2021AB_" not in page


def test_no_person_is_on_the_page(connection: duckdb.DuckDBPyConnection, evaluated: Evaluation) -> None:
    page = evaluation_page(evaluated)
    text = re.sub(r"<svg.*?</svg>|<style.*?</style>", "", page, flags=re.DOTALL)
    people = connection.execute(
        "SELECT surname, customer_reference, address_key, postcode FROM validated_signals"
    ).fetchall()
    assert len(people) > 50
    assert not [value for person in people for value in person if re.search(rf"\b{re.escape(value)}\b", text)]


def town(world: World, reports: int = 12) -> Evaluation:
    """So many reports of March 2021."""
    world.agree("huur")
    numbers = range(1, reports + 1)
    world.deliver("huur", "2021-03", [row(house_number=str(n), customer_reference=f"K{n}") for n in numbers])
    world.make("2021-03", upto="evaluation_page")
    return evaluation_of(world)


def evaluation_of(world: World, *months: str) -> Evaluation:
    with world.warehouse.connect(read_only=True) as connection:
        asked = [month(text) for text in months or ("2021-03",)]
        evaluate_aside(connection, world.installation, asked)
        return read_evaluation(connection, world.installation, asked)


def test_nobody_is_unknown_where_no_register_is_linked(world: World) -> None:
    found = town(world)
    assert (found.counts[ALL, "checked"], found.known_is_told) == (0, False)
    assert "geen bruikbaar register van bekende cliënten gekoppeld" in evaluation_page(found)


def test_who_is_unknown_is_a_share_of_those_who_could_be_checked(world: World) -> None:
    world.register(*[f"2021AB,{n},," for n in range(1, 11)], "2021AB,11,A,", "2021AB,11,B,")
    lines = [f"2021AB,{n},,,wijkteam" for n in range(1, 6)]
    world.reference("known_clients.csv", "postcode,huisnummer,huisletter,huisnummertoevoeging,known_to", *lines)
    found = town(world)
    # 11 is ambiguous and 12 not in the register: neither can be checked.
    assert (found.counts[ALL, "checked"], found.counts[ALL, "unknown"]) == (10, 5)
    assert found.share((ALL, "unknown"), (ALL, "checked")) is None  # it would tell that two were not
    assert "register van bekende cliënten gekoppeld" not in evaluation_page(found)


def test_a_month_of_which_nothing_came_back_says_so(world: World) -> None:
    """In a town that lets all through, and whose threshold is above all of it."""
    world.settings(thresholds={"Huur": {"min_amount": 100.01}}, below_threshold="light_track")
    found = town(world)
    assert not found.has_outcomes
    page = evaluation_page(found)
    assert "nog niets teruggekomen" in page
    assert "Eindresultaten" not in page
    assert "Van 12 enkelvoudige meldingen lag het bedrag onder de drempel" in page
    (told,) = world.query("SELECT DISTINCT worklist, ddas_status FROM prioritised_worklists, signal_statuses")
    assert told == {"worklist": "lichte_opvolging", "ddas_status": "Opgepakt"}  # to nobody "onterecht signaal"
    (path,) = world.home.outbox.rglob("evaluatie_2021-03.html")
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.name == "2021-03"
    assert "nothing came back of them yet" in " ".join(vroeg(world.root, "evaluate").stdout.split())


def test_the_time_to_contact_is_judged_by_the_deadline(world: World) -> None:
    world.agree("huur")
    world.deliver("huur", "2021-03", [row(house_number=str(n), customer_reference=f"K{n}") for n in range(1, 8)])
    world.make("2021-03", upto="evaluation_page")
    with world.warehouse.connect() as connection:
        for number, (kind, day) in enumerate([("Brief", 31), ("Brief", 32), ("Administratief", 5)], 1):
            values = [date(2021, 3, 1), str(number), f"2021AB_{number}__", "wijkteam_noord", 1, kind, False,
                      date(2021, 3, 1) + timedelta(day - 1), None, _REPORTED, ""]  # fmt: skip
            connection.execute(f"INSERT INTO contact_attempts VALUES ({', '.join('?' * len(values))})", values)
    found = evaluation_of(world)
    timely = {name: found.counts[TEAMS, name] for name in ("in_time", "late", "overdue", "open")}
    assert timely == {"in_time": 1, "late": 1, "overdue": 5, "open": 0}
    assert (found.counts["days", "22–28"], found.counts["days", "meer dan 28"]) == (1, 1)
    world.now = datetime(2021, 3, 20, tzinfo=UTC)
    assert evaluation_of(world).counts[TEAMS, "open"] == 5


def test_what_lies_at_the_address_desk_is_late_at_no_team(world: World) -> None:
    """Twelve are at a door that is known, and eight at one of two: nobody can have been there in time."""
    two_doors = [f"2021AB,{number},{letter}," for number in range(13, 21) for letter in "AB"]
    world.register(*[f"2021AB,{number},," for number in range(1, 13)], *two_doors)
    town(world, 20)
    with world.warehouse.connect() as connection:
        report_back(connection, share=1)
        for table in ("contact_attempts", "case_results"):
            connection.execute(f"DELETE FROM {table} WHERE worklist = 'adresdesk'")
        connection.execute(
            "UPDATE contact_attempts SET contact_kind = 'Brief', contacted_on = '2021-03-10', reached = NULL"
        )
    found = evaluation_of(world)
    assert (found.counts[ALL, "reports"], found.counts["worklist", "adresdesk", "reports"]) == (20, 8)
    assert (found.counts[TEAMS, "in_time"], found.counts[TEAMS, "overdue"]) == (12, 0)
    page = evaluation_page(found)
    table = table_of(page, "De termijn, per team")
    assert "Adresdesk" not in table
    assert cells_of(table, "Alle teams") == ["12", "0", "0", "0", "100%"]
    assert "Haar 8 meldingen tellen in de tabel van de termijn niet mee" in page
    # Of the desk nothing came back: that is not the same as nobody reached.
    table = table_of(page, "Per team")
    assert cells_of(table, "Adresdesk") == ["8", *["–"] * 5]
    # Nor does a letter tell whether somebody was reached.
    assert cells_of(table_of(page, "Contactpogingen naar soort"), "Brief")[1:] == ["–", "–"]


def table_of(page: str, caption: str) -> str:
    (table,) = re.findall(rf"<caption>{caption}(?:<small>|</caption>).*?</table>", page)
    return str(table)


def cells_of(table: str, name: str) -> list[str]:
    (line,) = re.findall(rf'<th scope="row">{re.escape(name)}</th>(.*?)</tr>', table)
    return [re.sub("<[^>]+>", "", cell) for cell in re.findall("<td>(.*?)</td>", line)]


def test_nothing_received_nothing_owed_and_none_are_told_apart(world: World) -> None:
    world.agree("leeg", valid_from="2021-02")
    world.agree("weg", valid_from="2021-03")
    world.deliver("leeg", "2021-02", [], received="2021-02-03 10:00")
    world.deliver("leeg", "2021-03", b"PK")
    world.make("2021-02", "2021-03", upto="evaluation_page")
    page = evaluation_page(evaluation_of(world, "2021-02", "2021-03", "2021-04"))
    table = table_of(page, "Signalen per partner")
    assert cells_of(table, "Leeg") == ["0", "⊘", "✗", "0"]
    assert cells_of(table, "Weg") == ["n.v.t.", "✗", "✗", "0"]
    table = table_of(page, "Aanleveringen en regels over de hele periode")
    assert cells_of(table, "Leeg")[5:] == ["0", "0", "0", "–"]
    assert cells_of(table, "Weg")[5:] == ["–", "–", "–", "–"]
    # Nothing came back: not the same as nobody was reached.
    assert '<dd><abbr title="niets teruggekomen">–</abbr></dd>' in page


def test_what_counts_as_help_is_a_setting(world: World) -> None:
    world.settings(evaluation={"help_results": ["Geen reactie na eerder contact"]})
    found = town(world)
    page = evaluation_page(found)
    assert "<li>Geen reactie na eerder contact</li>" in page
    assert "<li>Vervolghulp en/of verwijzing</li>" not in page


def test_months_that_were_not_run_are_named(world: World) -> None:
    town(world)
    found = evaluation_of(world, "2021-02", "2021-03", "2021-04")
    assert [f"{missing:%m}" for missing in found.missing_months] == []  # the landlord owed a delivery in them
    world.agree("huur", valid_from="2021-03", valid_until="2021-03")
    page = evaluation_page(evaluation_of(world, "2021-02", "2021-03", "2021-04"))
    assert "Niet in deze cijfers:</b> februari 2021, april 2021" in page


@pytest.mark.parametrize(
    ("reports", "total", "shown"),
    [
        ({"a": 7, "b": 8}, 15, {"a": 7, "b": 8, "onbekend": 0}),
        ({"a": 3, "b": 8}, 30, {"a": None, "b": None, "onbekend": 19}),
        ({"a": 3, "b": 8}, 11, {"a": None, "b": None, "onbekend": 0}),
        ({"a": 3, "b": 2, "c": 20}, 25, {"a": None, "b": None, "c": None, "onbekend": 0}),
        ({"a": 3, "b": 2}, 5, {}),  # who knows the total of two knows that both are small
        ({"a": 3}, 3, {"a": None, "onbekend": 0}),  # of a month whose page hides its total
        ({}, 20, {}),
    ],
)
def test_small_numbers_of_a_buurt_cannot_be_computed(
    reports: dict[str, int], total: int, shown: dict[str, int | None]
) -> None:
    assert shown_buurten(reports, total) == shown


def test_the_figures_for_charts_are_those_that_the_pages_show(
    finished: World, connection: duckdb.DuckDBPyConnection
) -> None:
    """Of each month what its page prints, hidden where that hides it, and nothing by which it could be computed."""
    path = finished.home.outbox / "reading.duckdb"
    assert path.stat().st_mode & 0o077 == 0
    with duckdb.connect(str(path), read_only=True) as figures:
        shown = {
            (of, *key): count
            for of, *key, count in figures.execute(
                "SELECT month, subject, part, figure, count FROM evaluation"
            ).fetchall()
        }
        measures = rows_of(figures, "FROM measures")
        judged = figures.execute("SELECT DISTINCT month FROM verdicts ORDER BY month").fetchall()
        buurten = figures.execute("FROM reading.buurten").fetchall()  # as other tools name it beside files of theirs
        months = rows_of(figures, "FROM months")
        states = figures.execute("SELECT month, partner, state FROM deliveries").fetchall()
    for of in MONTHS:
        page = read_evaluation(connection, finished.installation, [of])
        assert shown[of, ALL, "", "reports"] == page.shown(ALL, "reports")
        assert shown[of, "rent", "yes", "reports"] == page.shown("rent", "yes", "reports")
        assert shown[of, "status", "Opgepakt", "signals"] == page.shown("status", "Opgepakt")
        for partner in page.partner_names:
            assert shown[of, "signals", partner, "signals"] == page.shown("signals", partner, ALL)
            assert shown[of, "delivered", partner, "rejected"] == page.shown("delivered", partner, "rejected")
    assert None in shown.values()
    assert [count for count in shown.values() if count and count < SMALLEST_SHOWN] == []
    assert not {"not reached", "known", "no help", "other", "accepted"} & {figure for *_, figure in shown}
    assert len({(of, partner) for of, partner, _ in states}) == len(states) > 20
    assert judged == [(of,) for of in MONTHS]
    assert [(each["month"], each["is_closed"]) for each in months] == [(of, False) for of in MONTHS]
    assert all(each["worklists"] > 2 and each["first_issued_at"] <= each["last_issued_at"] for each in months)
    of_buurten = (
        "SELECT match.month, coalesce(match.buurtcode, 'onbekend'), count(*) FROM prioritised_worklists "
        "INNER JOIN address_matches AS match USING (month, address_key) GROUP BY ALL"
    )
    true_ones = {tuple(of): number for *of, number in connection.execute(of_buurten).fetchall()}
    assert {tuple(of) for *of, _ in buurten} == set(true_ones)
    assert all(number in (None, true_ones[tuple(of)]) for *of, number in buurten)
    assert {number for *_, number in buurten} - {None}
    for of in MONTHS:
        hidden = [true_ones[month, buurt] for month, buurt, number in buurten if month == of and number is None]
        assert len(hidden) != 1  # it would be what is left of the total
    assert any(measure["share_outdated"] is not None for measure in measures)
    for measure in measures:
        of_partner = (measure["month"], "delivered", measure["partner"])
        rows = shown[*of_partner, "rows"]
        for share, figure in (("share_rejected", "rejected"), ("share_outdated", "outdated")):
            if rows != 0:
                assert (measure[share] is None) == (shown[*of_partner, figure] is None), of_partner
        assert not 0 < (rows or 0) * (measure["share_doubles"] or 0) < SMALLEST_SHOWN - 0.5, of_partner
