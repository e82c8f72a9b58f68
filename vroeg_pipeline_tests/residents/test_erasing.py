"""Who is erased is nowhere any more, does not come back, and nobody else is missed (DOMAIN §14)."""

from __future__ import annotations

import gzip
import io
import shutil
import zipfile
from collections.abc import Callable
from functools import partial
from itertools import takewhile
from pathlib import Path

import openpyxl

from vroeg_pipeline.installation.requests import Asked, Request, next_number
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline.residents.erasing import erase
from vroeg_pipeline.residents.finding import Wanted
from vroeg_pipeline_tests.kit.examples import examples
from vroeg_pipeline_tests.kit.killed import killed_at_event, killed_at_random
from vroeg_pipeline_tests.kit.world import World, as_csv, row

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
    erase(WarehouseResource(home=str(world.root)), world.installation, wanted, request)
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
    world.run("2021-03", "2021-05")
    assert files_with(world.root, *CANARIES) == []
    assert world.query("SELECT erased_count FROM delivery_files WHERE month = '2021-05-01'") == [{"erased_count": 1}]
    assert world.table("validated_signals", where="month < '2021-05-01'") == before

    # A warehouse made anew knows the files as they came.
    world.home.warehouse.unlink()
    world.run("2021-03", "2021-05")
    assert world.table("validated_signals", where="month < '2021-05-01'") == before


def test_killed_at_any_moment_a_second_time_ends_in_the_same(world: World, tmp_path: Path) -> None:
    world.agree("corporatie")
    world.deliver("corporatie", "2021-03", [canary(), row(customer_reference="R-1")])
    world.slip("corporatie", "2021-03", "withdrawals", REFERENCE)
    world.run("2021-03", upto="worklist_files")
    kept = tmp_path / "kept"
    shutil.copytree(world.root, kept)
    erased(world)
    tables = ("raw.delivery_rows", "validated_signals", "worklist_issues", "address_matches", "prioritised_worklists")

    def there() -> object:
        with WarehouseResource(home=str(world.root)).connect(read_only=True) as connection:
            found = {table: connection.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall() for table in tables}
            pending = "SELECT (SELECT count(*) FROM reference.erasing), bool_and(is_rewritten) FROM reference.removals"
            return found, connection.execute(pending).fetchone()

    wanted = there()

    def is_killed(at: Callable[[Callable[[], object]], bool]) -> bool:
        shutil.rmtree(world.root)
        shutil.copytree(kept, world.root)
        killed = at(lambda: erased(world))
        erased(world)
        assert files_with(world.root, *CANARIES) == []
        assert there() == wanted
        return killed

    events = range(0, 400, examples(9, by_night=1))
    assert sum(1 for _ in takewhile(bool, (is_killed(partial(killed_at_event, event)) for event in events))) >= 2
    assert sum(is_killed(partial(killed_at_random, number, 1)) for number in range(examples(2, by_night=50))) >= 1
