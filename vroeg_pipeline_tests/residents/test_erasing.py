"""Who is erased is nowhere any more, does not come back, and nobody else is missed (DOMAIN §14)."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from collections.abc import Callable
from datetime import date
from functools import partial
from itertools import takewhile
from pathlib import Path

import openpyxl
import pytest

from vroeg_pipeline.installation.requests import Asked, Request, next_number
from vroeg_pipeline.installation.warehouse import ENCRYPTION_KEY
from vroeg_pipeline.outcomes.columns import OUTCOME_COLUMNS
from vroeg_pipeline.residents.erasing import erase
from vroeg_pipeline.residents.finding import Wanted
from vroeg_pipeline.retention.removal import remove_due
from vroeg_pipeline_tests.kit.examples import examples
from vroeg_pipeline_tests.kit.killed import killed_at_event, killed_at_random
from vroeg_pipeline_tests.kit.returned import HEADER_ROW, columns, hand_in, worklist
from vroeg_pipeline_tests.kit.world import World, as_csv, moment, row

NAME, PHONE, MAIL, REFERENCE, STREET = (
    "Kanariegeel", "0611122233", "kanarie@example.org", "REF-KANARIE", "Kanariestraat",
)  # fmt: skip
CANARIES = (NAME, PHONE, MAIL, REFERENCE, STREET)
RESIDENT = Wanted(postcode="2021 AB", number="77", surname=NAME)


def canary(**changes: str) -> dict[str, str]:
    """A row of the resident, who lives alone at number 77."""
    own = {"surname": NAME, "phone": PHONE, "email": MAIL, "customer_reference": REFERENCE, "street": STREET}
    return row(**{"house_number": "77", **own, **changes})


def files_with(root: Path, *words: str) -> list[str]:
    """The files that hold one of the words in their name, their bytes, or what is packed in them."""
    found = []
    for path in (path for path in root.rglob("*") if path.is_file()):
        contents = [path.read_bytes(), path.relative_to(root).as_posix().encode()]
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as container:
                contents += [container.read(name) for name in container.namelist()]
        if any(word.encode() in content for word in words for content in contents):
            found.append(path.relative_to(root).as_posix())
    return sorted(found)


def erased(world: World, wanted: Wanted = RESIDENT) -> int:
    """Erases the resident; the number of the request."""
    number = next_number(world.home)
    request = Request(number, Asked.ERASE, "Tester", "gevraagd", world.now, "", ())
    erase(world.warehouse, world.installation, wanted, request)
    return number


def workbook(rows: list[dict[str, str]]) -> bytes:
    lines = as_csv(rows).decode().splitlines()
    book = openpyxl.Workbook()
    for line in lines:
        book.active.append(line.split(";"))  # type: ignore[union-attr]
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def test_nothing_is_left_in_any_byte_nobody_else_changes_and_it_does_not_come_back(world: World) -> None:
    world.agree("corporatie")
    world.agree("energie", type="Energie", delivery={"format": "xlsx"})
    world.agree("water", type="Water", delivery={"format": "csv", "packed": "gz"})
    other, neighbour = (
        row(customer_reference="R-1"),
        row(customer_reference="R-2", surname="Buurman", house_number="78"),
    )
    first = [other, canary(), neighbour, canary(house_number="geen")]
    world.deliver("corporatie", "2021-03", first, name=f"{NAME}.csv")
    world.deliver("corporatie", "2021-03", [*first, row(customer_reference="R-3")], received="2021-03-04 10:00")
    world.deliver("energie", "2021-03", workbook([canary(customer_reference="E-KANARIE"), other]), name="e.xlsx")
    world.deliver("water", "2021-03", gzip.compress(as_csv([canary(), other])), name="w.csv.gz")
    world.deliver(NAME, "2021-03", as_csv([canary()]))
    broken = f"Naam;Mail\n{NAME};{MAIL}\n".encode()
    world.deliver("corporatie", "2021-03", broken, name="kapot.csv", received="2021-03-02 10:00")
    world.slip("corporatie", "2021-03", "withdrawals", "R-1", REFERENCE)
    world.deliver("corporatie", "2021-04", [canary(reference_date="01-04-2021"), row(customer_reference="R-1")])
    world.run("2021-03", "2021-04")
    before = world.table("validated_signals", where=f"surname <> '{NAME}'")
    rejected = world.table("rejected_rows", where=f"customer_reference <> '{REFERENCE}'")
    assert {path.split("/")[0] for path in files_with(world.root, *CANARIES)} >= {"archive", "inbox", "outbox"}
    issued = world.table("worklist_issues")

    erased(world)
    assert files_with(world.root, *CANARIES) == []
    for _ in range(2):
        assert world.table("validated_signals", where="true") == before
        assert world.table("rejected_rows") == rejected
        counts = "SELECT bool_and(row_count = accepted_count + rejected_count + erased_count) AS add_up, "
        counts += "sum(erased_count)::INT AS erased FROM delivery_files WHERE status = 'accepted'"
        world.run("2021-03", "2021-04")
        assert world.query(counts) == [{"add_up": True, "erased": 5}]
        assert files_with(world.root, *CANARIES) == []
    # Teams are told by the Kenmerk alone.
    gone = [each for each in world.table("worklist_issues") if each["address_key"].startswith("case:")]
    assert {each["change"] for each in gone} == {"added", "withdrawn"}
    assert len(world.table("worklist_issues")) > len(issued)

    # The same file, and the next month's.
    world.deliver("corporatie", "2021-03", first, name="opnieuw.csv")
    world.deliver("corporatie", "2021-05", [canary(reference_date="01-05-2021"), row(customer_reference="R-1")])
    world.slip("corporatie", "2021-05", "withdrawals", REFERENCE, "R-9")
    world.run("2021-03", "2021-05")
    assert files_with(world.root, *CANARIES) == []
    assert world.query("SELECT erased_count FROM delivery_files WHERE month = '2021-05-01'") == [{"erased_count": 1}]
    assert world.table("validated_signals", where="month < '2021-05-01'") == before

    # A warehouse made anew knows the files as they came.
    world.lose_warehouse()
    world.run("2021-03", "2021-05")
    assert world.table("validated_signals", where="month < '2021-05-01'") == before


def test_killed_at_any_moment_a_second_time_ends_in_the_same(world: World, tmp_path: Path) -> None:
    world.agree("corporatie")
    world.deliver("corporatie", "2021-03", [canary(), row(customer_reference="R-1")])
    world.slip("corporatie", "2021-03", "withdrawals", REFERENCE)
    world.make("2021-03", upto="worklist_files")
    kept = world.copied(tmp_path / "kept")
    erased(world)
    tables = ("raw.delivery_rows", "validated_signals", "worklist_issues", "address_matches", "prioritised_worklists")

    def there() -> object:
        with world.warehouse.connect(read_only=True) as connection:
            found = {table: connection.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall() for table in tables}
            pending = "SELECT (SELECT count(*) FROM reference.erasing), bool_and(is_rewritten) FROM reference.removals"
            return found, connection.execute(pending).fetchone()

    wanted = there()

    def is_killed(at: Callable[[Callable[[], object]], bool]) -> bool:
        world.put_back(kept)
        killed = at(partial(erased, world))
        if world.query("SELECT count(*) AS n FROM reference.erasing") == [{"n": 0}]:
            erased(world)
        else:  # what was begun is finished at night at the latest
            remove_due(world.warehouse, world.installation, date(2021, 4, 1))
        assert files_with(world.root, *CANARIES) == []
        assert there() == wanted
        return killed

    events = range(0, 400, examples(12, by_night=1))
    assert sum(1 for _ in takewhile(bool, (is_killed(partial(killed_at_event, event)) for event in events))) >= 2
    assert sum(is_killed(partial(killed_at_random, number, 1)) for number in range(examples(2, by_night=50))) >= 1


def visited(source: Path, target: Path, day: str) -> Path:
    """The worklist with a visit to each address on it."""
    book = openpyxl.load_workbook(source)
    sheet = book["Werklijst"]
    at = columns(sheet)
    for line in range(HEADER_ROW + 1, sheet.max_row + 1):
        for field, told in {"contact_kind": "Huisbezoek", "reached": "Nee", "contacted_on": day}.items():
            sheet.cell(line, at[OUTCOME_COLUMNS[field]]).value = told
    book.save(target)
    return target


def test_at_a_shared_door_the_others_stay_and_what_comes_back_from_teams_does_not_bring_them_back(world: World) -> None:
    world.agree("corporatie")
    world.agree("energie", type="Energie")
    world.register("2021AB,77,,ZW", "2021AB,77,,RD", "2021AB,80,,")
    neighbour = row(
        customer_reference="R-1", surname="Buurman", house_number="77", house_letter="", amount_due="300,00"
    )
    rows = [
        canary(house_number="77 zw", street="Teststraat"),
        {**neighbour, "house_number": "77-zw"},
        row(house_number="80"),
    ]
    world.deliver("corporatie", "2021-03", rows)
    world.deliver("energie", "2021-03", [canary(customer_reference="E-KANARIE")])  # which of the two doors is not known
    world.make("2021-03", upto=("worklist_files", "address_desk", "evaluation_reports"))
    (asked,) = world.table("address_desk", where="reason = 'suffix_missing'")
    shared = "2021AB_77__ZW"
    other_signals = world.table("validated_signals", where=f"surname <> '{NAME}'")
    issued = worklist(world)
    team_list = visited(issued, world.root.parent / "lijst.xlsx", "12-03-2021")
    other_list = visited(issued, world.root.parent / "anders.xlsx", "13-03-2021")
    hand_in(world, team_list)
    decisions = f"Kenmerk (niet wijzigen);Besluit;Door;Toelichting\n{asked['desk_id']};Niet te vinden;D;{NAME} is weg\n"
    world.deliver("adresdesk", "2021-03", decisions.encode(), name="besluiten.csv", received="2021-03-10 10:00")
    world.make("2021-03", upto=("worklist_files", "address_desk", "evaluation_reports"))
    attempts = world.table("contact_attempts")
    assert {each["address_key"] for each in attempts} == {shared, "2021AB_80__"}
    assert world.query("SELECT count(*) AS n FROM reference.address_decisions WHERE row_number > 0") == [{"n": 1}]

    erased(world, Wanted(partner="energie", reference="E-KANARIE"))
    assert files_with(world.root, *CANARIES) == []
    (match,) = world.table("address_matches", where=f"address_key = '{shared}'")
    assert (match["signal_count"], match["total_amount"]) == (1, 300)
    assert world.table("contact_attempts") == attempts
    assert world.query("SELECT count(*) AS n FROM reference.address_decisions WHERE row_number > 0") == [{"n": 0}]
    # A team hands its list in again, and the desk its own: both name them.
    hand_in(world, team_list, name="nogmaals.xlsx", received="2021-03-26 10:00")
    again = f"{decisions}{'0' * 16};Niet te vinden;D;\n"
    world.deliver("adresdesk", "2021-03", again.encode(), name="nogmaals.csv", received="2021-03-12 10:00")
    hand_in(world, other_list, name="anders.xlsx", received="2021-03-27 10:00")
    for _ in range(2):
        world.make("2021-03", upto=("worklist_files", "address_desk", "evaluation_reports"))
        assert files_with(world.root, *CANARIES) == []
        assert world.table("validated_signals") == other_signals
        assert [(each["address_key"], each["attempt"]) for each in world.table("contact_attempts")] == [
            (each["address_key"], each["attempt"]) for each in attempts
        ]


def test_who_is_remembered_by_hashes_alone_is_erased_too_and_the_others_at_the_door_are_not(world: World) -> None:
    world.agree("corporatie")
    terms = {"files": 1, "rejected": 1, "signals": 2}
    world.settings(lookback_months=24, repeat_months=0, aftercare_months=0, retention=terms)
    neighbour = {"surname": "Buurman", "customer_reference": "R-1", "house_number": "77"}
    world.deliver(
        "corporatie",
        "2021-01",
        [
            canary(reference_date="01-01-2021", arrears_since="01-11-2020"),
            row(reference_date="01-01-2021", arrears_since="01-11-2020", **neighbour),
        ],
    )
    world.deliver("corporatie", "2021-02", [canary(reference_date="01-02-2021", arrears_since="01-11-2020")])
    world.make("2021-01", "2021-02", upto="worklist_files")
    world.now = moment("2021-05-10 12:00")
    remove_due(world.warehouse, world.installation, date(2021, 5, 10))
    before = {each["month"]: each for each in world.table("reported_history")}
    assert [len(each["names"]) for _, each in sorted(before.items())] == [2, 1]
    erased(world)
    (left,) = world.table("reported_history")
    assert left["month"] == date(2021, 1, 1)
    assert set(left["names"]) < set(before[left["month"]]["names"])
    # The neighbour is no new occupant, and who was erased would be one.
    world.deliver("corporatie", "2021-05", [row(reference_date="01-05-2021", arrears_since="01-03-2021", **neighbour)])
    world.make("2021-05", upto="recidivism_history")
    assert [(each["is_recidivist"], each["possible_new_occupant"]) for each in world.table("recidivism_history")] == [
        (True, False)
    ]


def test_a_parent_of_that_name_keeps_what_the_address_desk_is_asked(world: World) -> None:
    world.agree("corporatie")
    world.register("2021AB,77,,ZW", "2021AB,77,,RD")
    parent = row(customer_reference="R-1", surname="Jansen", house_number="77", birth_date="01-01-1950")
    world.deliver(
        "corporatie", "2021-03", [parent, {**parent, "customer_reference": "R-2", "birth_date": "01-01-1980"}]
    )
    world.make("2021-03", upto="address_desk")
    asked = world.table("address_desk")
    erased(world, Wanted(postcode="2021AB", number="77", surname="Jansen", birth_date=date(1980, 1, 1)))
    assert world.query("SELECT customer_reference AS r FROM validated_signals") == [{"r": "R-1"}]
    assert [each["desk_id"] for each in world.table("address_desk")] == [each["desk_id"] for each in asked]


def test_where_the_resident_stood_before_a_new_register_is_gone_too(world: World) -> None:
    world.agree("corporatie")
    world.register("2021AB,77,,")
    world.deliver("corporatie", "2021-03", [canary(street="Teststraat")])
    world.make("2021-03", upto="rejected_rows")
    world.register("2021AB,77,A,", "2021AB,77,B,")
    world.make("2021-03", upto="rejected_rows")
    assert [each["address_key"] for each in world.table("former_addresses")] == ["2021AB_77__"]
    erased(world)
    assert world.table("former_addresses") == []
    assert files_with(world.root, *CANARIES[:4]) == []


def test_in_a_senders_file_the_rows_of_each_partner_add_up_and_so_they_do_in_an_encrypted_warehouse(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENCRYPTION_KEY, "sleutel")
    world.agree_sender("portaal", {"Huur": "huur", "Stroom": "stroom"})
    for partner in ("huur", "stroom"):
        world.agree_delivered(partner, "portaal")
    header, own, other = as_csv([canary(), row(customer_reference="R-1")]).decode().splitlines()
    lines = [f"{header};Instantie", f"{own};Huur", f"{other};Huur", f"{own};Stroom", f"{own};Onbekend"]
    world.deliver("portaal", "2021-03", "\n".join(lines).encode())
    world.make("2021-03", upto="worklist_issues")
    kept = world.table("validated_signals", where="customer_reference = 'R-1'")
    erased(world)
    counts = "SELECT partner, row_count AS rows, accepted_count AS accepted, rejected_count AS rejected, "
    counts += "erased_count AS erased FROM delivery_files ORDER BY partner"
    for _ in range(2):
        world.make("2021-03", upto="worklist_issues")
        assert [tuple(each.values()) for each in world.query(counts)] == [
            ("huur", 2, 1, 0, 1), ("portaal", 1, 0, 0, 1), ("stroom", 1, 0, 0, 1),
        ]  # fmt: skip
        assert world.table("validated_signals") == kept
        assert files_with(world.root, *CANARIES) == []


def test_the_latest_reference_date_is_that_of_all_rows_of_erased_ones_too(world: World) -> None:
    world.agree_sender("portaal", {"Huur": "huur", "Stroom": "stroom"})
    for partner in ("huur", "stroom"):
        world.agree_delivered(partner, "portaal")
    world.agree("corporatie")
    early, late, latest = (f"0{day}-03-2021" for day in (1, 2, 3))
    neighbour = {"customer_reference": "R-2", "surname": "Buurman", "house_number": "78"}
    rows = [row(reference_date=early), canary(reference_date=latest), row(**neighbour, reference_date=late)]
    world.deliver("corporatie", "2021-03", rows, received="2021-03-04 10:00")
    header, *lines = as_csv(rows).decode().splitlines()
    sent = [f"{line};{name}" for line, name in zip(lines, ("Huur", "Huur", "Stroom"), strict=True)]
    world.deliver("portaal", "2021-03", "\n".join([f"{header};Instantie", *sent]).encode(), received="2021-03-04 10:00")
    dates = "SELECT partner, day(reference_date_max) AS day FROM delivery_files WHERE row_count > 0 ORDER BY partner"
    world.make("2021-03", upto="validated_signals")
    before = [tuple(each.values()) for each in world.query(dates)]
    assert before == [("corporatie", 3), ("huur", 3), ("stroom", 2)]
    for wanted in (RESIDENT, Wanted(postcode="2021 AB", number="78", surname="Buurman")):
        erased(world, wanted)
        world.make("2021-03", upto="validated_signals")
        assert [tuple(each.values()) for each in world.query(dates)] == before


def test_a_slip_that_is_still_being_written_is_left_until_it_is_whole(world: World) -> None:
    world.agree("corporatie")
    world.deliver("corporatie", "2021-03", [canary(), row(customer_reference="R-1")])
    world.make("2021-03", upto="rejected_rows")
    erased(world)
    world.now = moment("2021-03-20 10:00:05")
    slip = world.slip("corporatie", "2021-03", "withdrawals", REFERENCE, received="2021-03-20 10:00:00")
    world.make("2021-03", upto="rejected_rows")
    assert REFERENCE in slip.read_text(encoding="utf-8")
    with slip.open("a", encoding="utf-8") as rest:
        rest.write("R-1\n")
    world.now = moment("2021-03-20 11:00")
    stamp = moment("2021-03-20 10:00:06").timestamp()
    os.utime(slip, (stamp, stamp))
    world.make("2021-03", upto="rejected_rows")
    assert slip.read_text(encoding="utf-8").split() == ["customer_reference", "R-1"]
    assert world.query("SELECT held_reason FROM validated_signals") == [{"held_reason": "withdrawn"}]


@pytest.mark.parametrize(
    ("kept", "status", "gone"), [(5, "accepted", [0]), (4, "questioned", [5, 6])], ids=["replaced", "questioned"]
)
def test_which_file_stands_is_the_same_after_an_erasure(world: World, kept: int, status: str, gone: list[int]) -> None:
    """Five of ten lacking are not too many, of nine they would be; six of ten are, and four of eight would not be."""
    rows = [
        row(customer_reference=f"R{n}", surname=f"Naam{'abcdefghij'[n]}bos", house_number=f"{n + 1}") for n in range(10)
    ]
    world.agree("huur")
    world.deliver("huur", "2021-03", rows, name="a.csv", received="2021-03-02 10:00")
    world.deliver("huur", "2021-03", rows[:kept], name="b.csv", received="2021-03-03 10:00")
    world.make("2021-03", upto="validated_signals")
    for n in gone:
        erased(world, Wanted(postcode="2021AB", number=f"{n + 1}", surname=rows[n]["surname"]))
    for _ in range(2):
        world.make("2021-03", upto="validated_signals")
        files = world.query("SELECT status FROM delivery_files ORDER BY file_name DESC")
        assert files[0] == {"status": status}


def test_who_was_a_double_of_an_erased_row_stays_one_and_another_door_is_none(world: World) -> None:
    """A reference that stands for several doors leads to nobody: who else has it at the door is not erased with them."""
    unknown = row(customer_reference="onbekend", surname="Huisgenoot", house_number="77")
    rows = [
        canary(customer_reference="onbekend", house_number="77-A"),
        {**unknown, "house_letter": "a"},
        unknown,
        {**unknown, "house_number": "78", "surname": "Buurman"},
    ]
    world.agree("huur")
    world.deliver("huur", "2021-03", rows)

    def became() -> object:
        world.make("2021-03", upto="rejected_rows")
        signals = world.query("SELECT row_number FROM validated_signals ORDER BY ALL")
        return world.reasons("2021-03"), [each["row_number"] for each in signals]

    as_before = ({2: ["duplicate_in_delivery"]}, [3, 4])
    assert became() == (as_before[0], [1, 3, 4])
    erased(world)
    assert became() == as_before
    world.lose_warehouse()
    assert became() == as_before

    # A file that comes after the erasure.
    world.deliver("huur", "2021-03", [*rows, {**unknown, "house_number": "79"}], received="2021-03-04 10:00")
    assert became() == (as_before[0], [3, 4, 5])


@pytest.mark.parametrize("month_is_known", [True, False])
def test_a_link_is_not_followed_to_what_lies_elsewhere(world: World, tmp_path: Path, *, month_is_known: bool) -> None:
    world.agree("corporatie")
    world.deliver("corporatie", "2021-03", [canary()])
    if month_is_known:
        world.deliver("corporatie", "2021-04", [row(reference_date="01-04-2021")])
    world.make("2021-03", upto="validated_signals")
    slip = tmp_path / "elsewhere" / "2021-04" / "lijst.csv"
    slip.parent.mkdir(parents=True)
    slip.write_text(f"customer_reference\n{REFERENCE}\n")
    (world.home.archive / "gelinkt").symlink_to(tmp_path / "elsewhere")
    (world.home.archive / "corporatie" / "withdrawals").mkdir()
    (world.home.archive / "corporatie" / "withdrawals" / "2021-04").symlink_to(slip.parent)
    erased(world)
    assert slip.exists()
    assert files_with(world.root, NAME) == []
