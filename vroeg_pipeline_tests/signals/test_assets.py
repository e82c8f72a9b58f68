"""Rows: every one validated or rejected, with every reason (DOMAIN §5), and the actuality gate (§10)."""

from __future__ import annotations

from datetime import date

import pytest

from vroeg_pipeline_tests.kit.world import REGISTER_HEADER, World, days_before, row

DUE = "05-03-2021"  # the fifth working day of March 2021

# (what it is about, changes to a valid row, reasons, DDAS status)
UNJUSTIFIED, NO_RESIDENT, OTHER = (
    "Niet opgepakt: onterecht signaal",
    "Persoon is geen inwoner (meer) in de gemeente",
    "Niet opgepakt: andere reden",
)
CASES: list[tuple[str, dict[str, str], list[str], str | None]] = [
    ("valid", {}, [], None),
    ("reference", {"customer_reference": " "}, ["missing_reference"], None),
    ("surname", {"surname": "\t"}, ["missing_surname"], None),
    ("postcode", {"postcode": ""}, ["missing_postcode"], None),
    ("house number", {"house_number": ""}, ["missing_house_number"], None),
    ("amount", {"amount_due": ""}, ["missing_amount"], None),
    ("arrears", {"arrears_since": ""}, ["missing_arrears_since"], None),
    ("reference date", {"reference_date": ""}, ["missing_reference_date"], None),
    ("shortened by Excel", {"customer_reference": "1,23457E+14"}, ["damaged_value"], None),
    ("not found by Excel", {"surname": "#N/B"}, ["damaged_value"], None),
    ("control character", {"surname": "Test\x01man"}, ["damaged_value"], None),
    ("flag not found by Excel", {"objection": "#N/A"}, ["invalid_flag"], None),
    ("part of a number", {"house_number": "12.5"}, ["invalid_house_number"], None),
    ("lost comma", {"amount_due": "350 00"}, ["invalid_amount"], None),
    ("word for a date", {"arrears_since": "epoch"}, ["invalid_date"], None),
    ("bad postcode", {"postcode": "2021SS"}, ["invalid_postcode"], None),
    ("bad number", {"house_number": "nvt"}, ["invalid_house_number"], None),
    ("bad amount", {"amount_due": "12.34"}, ["invalid_amount"], None),
    ("zero", {"amount_due": "0"}, ["invalid_amount", "below_threshold"], UNJUSTIFIED),
    ("negative", {"amount_due": "-80,00"}, ["invalid_amount", "below_threshold"], UNJUSTIFIED),
    ("bad date", {"arrears_since": "2021-01-01"}, ["invalid_date"], None),
    ("bad birth date", {"birth_date": "31-02-1980"}, ["invalid_date"], None),
    ("dates turned round", {"arrears_since": "02-03-2021"}, ["invalid_date", "too_few_days"], UNJUSTIFIED),
    ("bad flag", {"warm_handover": "misschien"}, ["invalid_flag"], None),
    ("bad crisis flag counts as no", {"crisis": "?", "amount_due": "10"}, ["invalid_flag", "below_threshold"], UNJUSTIFIED),
    ("received day", {"reference_date": "03-03-2021"}, [], None),
    ("future", {"reference_date": "04-03-2021"}, ["future_date"], None),
    ("just not outdated", {"reference_date": days_before(DUE, 14)}, [], None),
    ("outdated", {"reference_date": days_before(DUE, 15)}, ["outdated"], OTHER),
    ("threshold", {"amount_due": "75,00"}, [], None),
    ("rounded to the threshold", {"amount_due": "74,995"}, [], None),
    ("below", {"amount_due": "74,99"}, ["below_threshold"], UNJUSTIFIED),
    ("thirty days", {"arrears_since": days_before("01-03-2021", 30)}, [], None),
    ("too few days", {"arrears_since": days_before("01-03-2021", 29)}, ["too_few_days"], UNJUSTIFIED),
    ("hundred days", {"arrears_since": days_before("01-03-2021", 100)}, [], None),
    ("too many days", {"arrears_since": days_before("01-03-2021", 101)}, ["too_many_days"], UNJUSTIFIED),
    ("crisis", {"crisis": "ja", "amount_due": "10", "arrears_since": days_before("01-03-2021", 5)}, [], None),
    ("old crisis", {"crisis": "x", "arrears_since": days_before("01-03-2021", 300)}, [], None),
    ("crisis of nothing", {"crisis": "ja", "amount_due": "0"}, ["invalid_amount"], None),
    ("elsewhere", {"postcode": "2051AB"}, ["outside_area"], NO_RESIDENT),
    ("nobody knows where", {"postcode": "9999ZZ"}, [], None),
    ("firm", {"surname": "Bakkerij Jansen B.V."}, ["legal_person"], UNJUSTIFIED),
    ("foundation", {"surname": "Stichting Wonen"}, ["legal_person"], UNJUSTIFIED),
    ("initials", {"surname": "Bakker, B.V."}, [], None),
    ("firm, old", {"surname": "Wonen NV", "reference_date": days_before(DUE, 15)}, ["outdated", "legal_person"], OTHER),
    ("firm elsewhere", {"surname": "VvE Zon", "postcode": "2051AB"}, ["outside_area", "legal_person"], NO_RESIDENT),
    ("firm that objects", {"surname": "Zon bv", "objection": "j"}, ["legal_person", "objection"], UNJUSTIFIED),
    ("damaged firm", {"surname": "Stichting W\x01nen"}, ["damaged_value"], None),
    ("objection", {"objection": "j"}, ["objection"], OTHER),
    ("objection, old", {"objection": "j", "reference_date": days_before(DUE, 20)}, ["outdated", "objection"], OTHER),
    ("objection elsewhere", {"objection": "j", "postcode": "2051AB"}, ["outside_area", "objection"], NO_RESIDENT),
    ("no address to judge", {"postcode": "2051", "house_number": "x"}, ["invalid_postcode", "invalid_house_number"], None),
]  # fmt: skip


@pytest.fixture(scope="module")
def march(tmp_path_factory: pytest.TempPathFactory) -> World:
    """All cases in one delivery, each with its own customer and house number; empty rows between them."""
    world = World(tmp_path_factory.mktemp("signals"))
    world.agree("zorg", type="Zorg", delivery={"max_days": 100})
    rows: list[dict[str, str]] = []
    for number, (_, changes, _, _) in enumerate(CASES, start=1):
        rows.append(row(**{"customer_reference": f"K{number}", "house_number": str(number), **changes}))
        rows.append({"surname": "  "})
    world.deliver("zorg", "2021-03", rows)
    world.make("2021-03", upto="validated_signals")
    return world


@pytest.mark.parametrize("number", range(1, len(CASES) + 1), ids=[about for about, *_ in CASES])
def test_reasons(march: World, number: int) -> None:
    _, _, reasons, status = CASES[number - 1]
    rejected = march.table("rejected_rows", where=f"row_number = {number}")
    assert [(r["reasons"], r["ddas_status"]) for r in rejected] == ([(reasons, status)] if reasons else [])
    assert len(march.table("validated_signals", where=f"row_number = {number}")) == (0 if reasons else 1)


def test_the_counts_add_up(march: World) -> None:
    (file,) = march.table("delivery_files")
    rejected = sum(1 for _, _, reasons, _ in CASES if reasons)
    assert (file["row_count"], file["accepted_count"], file["rejected_count"]) == (
        len(CASES),
        len(CASES) - rejected,
        rejected,
    )
    assert file["reference_date_max"] == date(2021, 3, 4)


def test_a_signal_as_it_is_published(march: World) -> None:
    (signal,) = march.table("validated_signals", where="row_number = 1")
    (file,) = march.table("delivery_files")
    assert signal["signal_id"] == f"zorg-202103-{file['file_sha256'][:12]}-1"
    assert signal["month"] == date(2021, 3, 1)
    assert (signal["address_key"], signal["address_status"], signal["needs_review"]) == (
        "2021AB_1__",
        "unchecked",
        False,
    )
    assert (str(signal["amount_due"]), signal["days_in_arrears"], signal["municipality"]) == ("100.00", 59, "0392")
    assert signal["held_reason"] is None


def test_duplicates_compare_addresses_and_look_at_every_earlier_row(world: World) -> None:
    world.agree("huur")
    world.register("2021AB,12,,RD", "2021AB,12,,ZW", "2021AB,14,,")
    rows = [
        row(house_number="12 rood", amount_due="0"),  # rejected itself
        row(house_number="12-RD"),
        row(house_number="12", house_number_addition="rd"),
        row(house_number="12 zw"),  # another dwelling
        row(house_number="12 rood", customer_reference="K2"),  # another customer
        row(house_number="14"),
        row(house_number="14", customer_reference="k1"),  # references are compared exactly
        row(house_number="14", customer_reference=""),
        row(house_number="14", customer_reference=""),
    ]
    world.deliver("huur", "2021-03", rows)
    world.make("2021-03", upto="validated_signals")
    assert world.reasons("2021-03") == {
        1: ["invalid_amount", "below_threshold"],
        2: ["duplicate_in_delivery"],
        3: ["duplicate_in_delivery"],
        8: ["missing_reference"],
        9: ["missing_reference"],
    }


def test_the_municipality_of_an_unclear_address_decides_too(world: World) -> None:
    world.agree("huur", municipalities=["0392"])
    world.register("2021AB,12,A,,0473", "2021AB,12,B,,0473", "2021AB,14,,,0392")
    world.deliver("huur", "2021-03", [row(), row(house_number="14"), row(house_number="16", customer_reference="K2")])
    world.make("2021-03", upto="validated_signals")
    assert world.reasons("2021-03") == {1: ["outside_area"]}  # ambiguous, and every dwelling there lies elsewhere


def test_other_notations_mean_the_same(world: World) -> None:
    world.agree("iso", delivery={"decimal": ".", "date_format": "%Y-%m-%d", "delimiter": ",", "encoding": "cp1252"})
    fields = "Customer_Reference,Surname,Postcode,House_Number,Amount_Due,Arrears_Since,Reference_Date"
    line = 'K1,Tëst,2021 ab,12-a,"1,234.56",2021-01-01,2021-03-01'
    world.deliver("iso", "2021-03", f"{fields}\n{line}\n".encode("cp1252"))
    world.make("2021-03", upto="validated_signals")
    (signal,) = world.table("validated_signals")
    assert (str(signal["amount_due"]), signal["surname"], signal["address_key"]) == ("1234.56", "Tëst", "2021AB_12_A_")


def test_withdrawn_and_not_confirmed_signals_are_held(world: World) -> None:
    world.agree("huur")
    world.agree("zorg", type="Zorg", delivery={"confirmation": True})
    rows = [row(customer_reference=f"K{n}", house_number=str(n)) for n in range(1, 4)]
    for partner in ("huur", "zorg"):
        world.deliver(partner, "2021-03", rows)
    world.slip("huur", "2021-03", "withdrawals", "K1")
    world.slip("huur", "2021-02", "withdrawals", "K2")  # another month
    world.slip("zorg", "2021-03", "withdrawals", " K2 ", name="een.csv")
    world.slip("zorg", "2021-03", "confirmations", "K1", "K2")
    world.make("2021-03", upto="address_matches")
    held = {(s["partner"], s["customer_reference"]): s["held_reason"] for s in world.table("validated_signals")}
    assert held == {
        ("huur", "K1"): "withdrawn",
        ("huur", "K2"): None,
        ("huur", "K3"): None,
        ("zorg", "K1"): None,
        ("zorg", "K2"): "withdrawn",  # withdrawn goes first
        ("zorg", "K3"): "not_confirmed",
    }
    assert [m["address_key"] for m in world.table("address_matches", "address_key")] == [
        "2021AB_1__", "2021AB_2__", "2021AB_3__"]  # fmt: skip
    counts = {m["address_key"]: m["signal_count"] for m in world.table("address_matches")}
    assert counts == {"2021AB_1__": 1, "2021AB_2__": 1, "2021AB_3__": 1}


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe",
        b"",
        b"referentie\nK1\n",
        b'customer_reference\n"K1\n',
        b'customer_reference\n"K1\nK2\n"K3\n',
        b"customer_reference,Customer_Reference\nK1,K1\n",
    ],
)
def test_a_broken_withdrawal_is_told_and_stops_nothing(world: World, content: bytes) -> None:
    world.agree("huur")
    world.deliver("huur", "2021-03", [row()])
    world.deliver("huur", "2021-03", content, name="lijst.csv", folder="withdrawals")
    result = world.run("2021-03", upto="validated_signals")
    (signal,) = world.table("validated_signals")
    assert signal["held_reason"] is None
    (told,) = [e for e in result.all_events if e.is_step_materialization and e.asset_key.path == ["validated_signals"]]
    assert "huur, withdrawals" in str(told.materialization.metadata["withdrawals and confirmations left out"].value)


def test_an_unfinished_withdrawal_waits(world: World) -> None:
    world.agree("huur")
    world.deliver("huur", "2021-03", [row()])
    world.slip("huur", "2021-03", "withdrawals", "K1", name="lijst.csv.part")
    world.make("2021-03", upto="validated_signals")
    assert world.table("validated_signals")[0]["held_reason"] is None


def test_a_street_mends_a_postcode_and_contradicts_one(world: World) -> None:
    world.reference(
        "addresses.csv",
        REGISTER_HEADER,
        "1,Kerkstraat,12,,,2021AB,Haarlem,0392",
        "2,Dorpsweg,12,,,2021CD,Haarlem,0392",
    )
    world.agree("een")
    written = [
        ("2021AB", "Kerkstr."),
        ("2021BA", "Kerkstraat"),
        ("2021CD", "Kerkstraat"),
        ("2021AC", ""),
        ("", "Kerkstraat"),
    ]
    rows = [row(customer_reference=f"K{n}", postcode=p, street=s) for n, (p, s) in enumerate(written)]
    world.deliver("een", "2021-03", rows)
    world.make("2021-03", upto="validated_signals")
    found = [
        (
            s["address_key"],
            s["address_status"],
            s["address_stage"],
            s["nummeraanduiding_id"],
            s["postcode"],
            s["street"],
        )
        for s in world.table("validated_signals", "row_number")
    ]
    assert found == [
        ("2021AB_12__", "exact", "A", "1", "2021AB", "Kerkstraat"),
        ("2021AB_12__", "repaired", "B", "1", "2021AB", "Kerkstraat"),
        ("2021CD_12_?_", "ambiguous", "D", None, "2021CD", "Kerkstraat"),
        ("2021AB_12__", "repaired", "C", "1", "2021AB", "Kerkstraat"),
    ]
    assert world.reasons("2021-03") == {5: ["missing_postcode"]}
    (contradiction,) = world.table("validated_signals", where="address_stage = 'D'")
    assert '"found_by":"street"' in contradiction["address_evidence"]


def test_a_withdrawal_that_matches_nothing_is_told_where_people_look(world: World) -> None:
    world.agree("huur")
    world.deliver("huur", "2021-03", [row(customer_reference="001002")])
    world.slip("huur", "2021-03", "withdrawals", "1002")
    result = world.run("2021-03", upto="validated_signals")
    (told,) = [e for e in result.all_events if e.is_step_materialization and e.asset_key.path == ["validated_signals"]]
    said = "huur, withdrawals: 1 of 1"
    assert told.materialization.metadata["withdrawals and confirmations that match nothing"].value == said
    (failed,) = [e for e in result.get_asset_check_evaluations() if not e.passed]
    assert (failed.check_name, failed.blocking) == ("slips_match", False)
    noted = (world.home.taken_in / "2021-03.verdicts.json").read_text()  # what alerts are made of
    assert said in noted
    for text in (noted, str(failed.description)):
        assert "1002" not in text


def test_no_reminder_is_not_the_same_as_no_word_of_one(world: World) -> None:
    columns = {"reminder_sent": "Herinnering"}
    world.agree("water", columns={**COLUMNS, **columns})
    world.agree("licht", columns={**COLUMNS, **columns})
    world.agree("zorg", columns=COLUMNS)
    world.agree("huur", columns=COLUMNS, constants={"reminder_sent": "ja"})
    header = ";".join([*COLUMNS.values(), "Herinnering"])
    lines = [
        f"K{n};Testman;2021AB;{n};100,00;01-01-2021;01-03-2021;{word}" for n, word in enumerate(("ja", "nee", ""), 1)
    ]
    world.deliver(
        "water", "2021-03", "\n".join([header, *lines, lines[0].replace("K1", "K9").replace("ja", "?")]).encode()
    )
    without = "\n".join(line.rpartition(";")[0] for line in [header, *lines]).encode()
    for partner in ("licht", "zorg", "huur"):
        world.deliver(partner, "2021-03", without)
    world.make("2021-03", upto="validated_signals")
    told: dict[str, list[object]] = {}
    for signal in world.table("validated_signals", "partner, row_number"):
        told.setdefault(signal["partner"], []).append(signal["reminder_sent"])
    assert told == {"water": [True, False, False], "licht": [None] * 3, "zorg": [None] * 3, "huur": [True] * 3}
    assert world.query("SELECT partner, reasons FROM rejected_rows") == [
        {"partner": "water", "reasons": ["invalid_flag"]}
    ]


COLUMNS = {
    "customer_reference": "Klantnummer", "surname": "Achternaam", "postcode": "Postcode", "house_number": "Huisnummer",
    "amount_due": "Bedrag", "arrears_since": "Ontstaansdatum", "reference_date": "Peildatum",
}  # fmt: skip
