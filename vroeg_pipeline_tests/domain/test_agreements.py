"""Delivery agreements and successions (DOMAIN §4, §7): what a mistake in a file says."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from vroeg_pipeline.domain.agreements import Agreement, parse_agreement
from vroeg_pipeline.domain.ddas import EnumSignaalpartner
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.fields import REQUIRED_FIELDS
from vroeg_pipeline.domain.partners import Partners
from vroeg_pipeline.installation.home import CHECKOUT, Home
from vroeg_pipeline_tests.kit.world import agreement

FILE = "agreements/pre_wonen.yaml"


def parsed(**changes: Any) -> Agreement:
    return parse_agreement(yaml.safe_dump(agreement("pre_wonen", **changes)), FILE, "pre_wonen")


def columns(**changes: Any) -> dict[str, Any]:
    return {**agreement("x")["columns"], **changes}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"municipalities": [315]}, "field 'municipalities.0': a municipality code of four digits in quotes"),
        ({"municipalities": []}, "field 'municipalities'"),
        ({"type": "Huurder"}, "field 'type': input should be 'Huur'"),
        ({"valid_from": "2020-13"}, "field 'valid_from': '2020-13' is not a month"),
        ({"valid_until": "2019-01"}, "valid_until lies before valid_from"),
        ({"succeeds": ["pre_wonen"]}, "a partner cannot succeed itself"),
        ({"ignored_columns": ["surname "]}, "field 'ignored_columns': header 'surname ' is empty, or is used"),
        ({"owner": "data"}, "field 'owner': an e-mail address is expected"),
        ({"colums": {}}, "field 'colums' is not known, did you mean 'columns'?"),
        ({"delivery": {"format": "xls"}}, "field 'delivery.format': input should be 'csv', 'xlsx', 'json', "),
        (
            {"delivery": {"due_workng_day": 3}},
            "field 'delivery.due_workng_day' is not known, did you mean 'due_working_day'",
        ),
        ({"delivery": {"encoding": "utf-9"}}, "field 'delivery.encoding': 'utf-9' is not an encoding"),
        ({"delivery": {"delimiter": ";;"}}, "field 'delivery.delimiter': one character is expected"),
        ({"delivery": {"date_format": "%d-%B"}}, "field 'delivery.date_format': a format with day, month and year"),
        ({"delivery": {"max_days": 10}}, "max_days (10) is below min_days (30)"),
        ({"delivery": {"expected_rows": [9, 3]}}, "expected_rows is written as [lowest, highest]"),
        ({"columns": columns(surnam="x")}, "field 'columns': 'surnam' is not a field, did you mean 'surname'?"),
        ({"columns": columns(surname="")}, "field 'columns': the required surname must name a header"),
        ({"columns": columns(street="Surname ")}, "is used for two fields"),
    ],
)
def test_a_mistake_is_one_line_with_file_and_field(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(VroegError) as error:
        parsed(**changes)
    assert str(error.value).startswith(f"{FILE}: ")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("delivery", "more", "said"),
    [
        ({"header_row": 4, "skip_rows": 3}, {}, "field 'delivery': header_row and skip_rows say the same"),
        ({"header_row": -1}, {}, "field 'delivery.header_row': input should be greater than or equal to 0"),
        ({"format": "json", "header_row": 2}, {}, "field 'delivery': header_row is no option of format json"),
        ({"sheet": 2}, {}, "field 'delivery': sheet is no option of format csv"),
        ({"format": "xlsx", "sheet": 0}, {}, "field 'delivery.sheet': a name or a position from 1 is expected"),
        ({"format": "xml"}, {}, "field 'delivery': records_at is expected: the path of the repeated element"),
        ({"records_at": "a"}, {}, "field 'delivery': records_at is no option of format csv"),
        ({"format": "json", "records_at": "a..b"}, {}, "field 'delivery.records_at': names with a point between them"),
        ({"packed": "rar"}, {}, "field 'delivery.packed': input should be 'gz' or 'zip'"),
        ({"unit": "cent"}, {}, "field 'delivery.unit': input should be 'euro' or 'cents'"),
        ({"date_format": []}, {}, "field 'delivery.date_format': a format like %d-%m-%Y is expected"),
        ({}, {"columns": columns(surname=2)}, "field 'columns': 'surname': a position goes with header_row 0"),
        ({}, {"constants": {"birth_date": "from_name %Y%m%d%z"}}, "'birth_date': a date in a name has no time zone"),
        ({"date_format": ["%d-%m-%Y", "%d-%b"]}, {}, "field 'delivery.date_format': a format with day, month and year"),
        ({"date_format": ["%d-%m-%Y", "%m-%d-%Y"]}, {}, "one text would be two dates by %d-%m-%Y and %m-%d-%Y"),
        ({"format": "fixed", "fields": {"a": "9-3"}}, {}, "field 'delivery.fields': 'a': characters from-to are"),
        ({"format": "fixed"}, {}, "a name of delivery.fields or characters from-to like 1-10 are expected"),
        ({"header_row": 0}, {}, "with header_row 0 the position of a column is expected, from 1"),
        ({"header_row": 0}, {"columns": columns(surname=[1, 2])}, "'surname': one place is expected, as there is no header"),
        ({}, {"constants": {"crisi": "nee"}}, "field 'constants': 'crisi' is not a field, did you mean 'crisis'?"),
        ({}, {"constants": {"crisis": "nee"}}, "field 'columns': 'crisis' is a constant and is in the file"),
        ({}, {"constants": {"city": ""}}, "field 'constants': 'city' has no value"),
        ({}, {"constants": {"city": "from_name %Y%m%d"}}, "field 'constants': 'city': from_name gives a date, for"),
        ({}, {"constants": {"birth_date": "from_name %Y"}}, "field 'constants': a format with day, month and year"),
        ({}, {"constants": {"birth_date": "from_name"}}, "field 'constants': 'birth_date': from_name is written as"),
        ({}, {"constants": {"birth_date": date(2021, 1, 1)}}, "'birth_date': a date is expected in quotes"),
        ({}, {"split": {"Adres": "{straat} {house_number}"}}, "field 'split': 'straat' is not a field"),
        ({}, {"split": {"Adres": "straat nummer"}}, "field 'split': 'Adres': a pattern like"),
        ({}, {"split": {"Adres": "{street}{house_number}"}}, "field 'split': 'Adres': something must stand between"),
        ({}, {"split": {"A": "{street}", "B": "{city} {street}"}}, "'street' stands in two patterns of split"),
        ({}, {"split": {"Surname": "{surname}, {initials}"}}, "header 'Surname' is used for two fields"),
        ({}, {"columns": columns(days_in_arrears="Dagen")}, "days_in_arrears stands in place of arrears_since"),
        ({}, {"columns": columns(surname=["Naam", " "])}, "field 'columns': the required surname must name a header"),
        ({}, {"columns": columns(surname=["Naam", "naam"])}, "header 'Naam' is used for two fields"),
        ({}, {"partner_column": "Instantie"}, "field 'partner_column': a column of partners stands in the agreement of"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_layout_is_one_line_too(delivery: dict[str, Any], more: dict[str, Any], said: str) -> None:
    with pytest.raises(VroegError) as error:
        parsed(delivery=delivery, **more)
    assert str(error.value).startswith(f"{FILE}: ")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_layout_says_where_each_field_stands() -> None:
    text = """
        partner: pre_wonen
        name: Pré Wonen
        type: Huur
        valid_from: 2021-01
        municipalities: ["0392"]
        delivery: {format: csv, skip_rows: 3, date_format: ["%d-%m-%Y", excel]}
        columns:
          customer_reference: Nummer
          surname: [Achternaam, Naam]
          amount_due: Bedrag
          days_in_arrears: Dagen
          city: Plaats
        constants: {crisis: no, reference_date: from_name "%Y%m%d"}
        split:
          Adres: "{street} {house_number}"
          Postcode plaats: "{postcode} {city}"
    """
    found = parse_agreement(text, FILE, "pre_wonen")
    assert found.headers["surname"] == ("Achternaam", "Naam")
    assert (found.headers["house_number"], found.headers["city"]) == (("Adres",), ("Plaats", "Postcode plaats"))
    assert found.sources["split_1"] == ("Postcode plaats",)
    assert found.constants == {"crisis": "nee", "reference_date": 'from_name "%Y%m%d"'}
    assert "days_in_arrears" in found.required
    assert "arrears_since" not in found.required
    assert (found.delivery.lines_above, found.delivery.dates) == (3, "%d-%m-%Y | excel")


def test_positions_and_characters_are_headers_where_there_are_none() -> None:
    by_position = {field: number for number, field in enumerate(REQUIRED_FIELDS, start=1)}
    found = parsed(delivery={"header_row": 0}, columns=by_position)
    assert (found.columns["surname"], found.delivery.is_by_position) == (("2",), True)
    spans = {field: f"{number}1-{number}9" for number, field in enumerate(REQUIRED_FIELDS, start=1)}
    found = parsed(delivery={"format": "fixed", "fields": {"naam": "1-10"}}, columns={**spans, "surname": "naam"})
    assert (found.span_of("naam"), found.span_of("31-39")) == ((1, 10), (31, 39))


def test_the_file_is_named_after_its_partner() -> None:
    with pytest.raises(VroegError, match="field 'partner': 'ymere' is expected, as the file is named"):
        parse_agreement(yaml.safe_dump(agreement("pre_wonen")), "agreements/ymere.yaml", "ymere")


@pytest.mark.parametrize("partner", ["outcomes", "adresdesk", "Ymere", "1e_partner", "a-b"])
def test_names_that_no_partner_may_have(partner: str) -> None:
    with pytest.raises(VroegError, match="field 'partner'"):
        parse_agreement(yaml.safe_dump(agreement(partner)), f"agreements/{partner}.yaml", partner)


def test_what_is_left_out_has_the_default_of_the_domain() -> None:
    terms = parsed().delivery
    assert (terms.encoding, terms.delimiter, terms.decimal, terms.date_format) == ("utf-8", ";", ",", ("%d-%m-%Y",))
    assert (terms.due_working_day, terms.max_age_days, terms.min_days, terms.max_days) == (5, 14, 30, None)
    assert (str(terms.min_amount), terms.expected_rows, terms.confirmation) == ("75.00", None, False)


def test_owed_from_the_first_to_the_last_month() -> None:
    found = parsed(valid_from="2020-10", valid_until="2021-02")
    owed = [month for month in (9, 10, 12) if found.is_owed(date(2020, month, 1))]
    assert owed == [10, 12]
    assert found.is_owed(date(2021, 2, 1))
    assert not found.is_owed(date(2021, 3, 1))


def test_every_ddas_type_can_be_agreed() -> None:
    assert {parsed(type=kind).type for kind in EnumSignaalpartner} == set(EnumSignaalpartner)


def partners(**succeeds: list[str]) -> Partners:
    return Partners.of(
        parse_agreement(yaml.safe_dump(agreement(p, succeeds=s)), f"agreements/{p}.yaml", p)
        for p, s in succeeds.items()
    )


def test_ancestry_is_transitive_and_knows_partners_without_an_agreement() -> None:
    found = partners(c=["b"], b=["a"]).ancestry()
    assert ("c", "a", 2) in found
    assert ("c", "b", 1) in found
    assert ("b", "a", 1) in found
    assert ("a", "a", 0) in found
    assert ("a", "c", 2) not in found


def test_a_partner_has_one_successor() -> None:
    with pytest.raises(VroegError, match="'a' has two successors, b and c"):
        partners(b=["a"], c=["a"])


def test_successions_do_not_go_round() -> None:
    with pytest.raises(VroegError, match="go round in a circle"):
        partners(a=["b"], b=["a"])


def test_the_pilots_agreements_are_right() -> None:
    found = Home(CHECKOUT / "data").load_partners()
    assert ("pre_wonen", "de_key", 1) in found.ancestry()
    contacts = [of.contact.email for of in (*found.agreements.values(), *found.senders.values())]
    assert all(email and email.endswith(".example") for email in contacts)


@pytest.mark.parametrize("name", ["pwn.yml", "PWN.YML", "pwn.YAML"])
def test_a_misnamed_file_is_not_overlooked(tmp_path: Path, name: str) -> None:
    (tmp_path / "agreements").mkdir()
    (tmp_path / "agreements" / name).write_text("partner: pwn")
    with pytest.raises(VroegError, match=r"ends in \.yaml"):
        Home(tmp_path).load_partners()


@pytest.mark.parametrize("text", ["a: [", "- just\n- a list", "\tx: 1"])
def test_what_is_no_yaml_is_said_so(text: str) -> None:
    with pytest.raises(VroegError, match=r"^agreements/pre_wonen.yaml: (is not valid YAML|holds no fields)"):
        parse_agreement(text, FILE, "pre_wonen")


@pytest.mark.parametrize("text", ["partner: a\nname: A\npartner: b\n", "delivery:\n  format: csv\n  format: xlsx\n"])
def test_a_field_that_is_given_twice_is_told_with_its_line(text: str) -> None:
    with pytest.raises(VroegError, match=r"^agreements/pre_wonen.yaml: has '\w+' twice, at line 3 for the second time"):
        parse_agreement(text, FILE, "pre_wonen")


def test_who_has_no_address_cannot_be_written_to() -> None:
    with pytest.raises(VroegError, match=r"field 'contact.email': an e-mail address is expected"):
        parse_agreement(yaml.safe_dump(agreement("huur", contact={"email": "incasso"})), FILE, "huur")
