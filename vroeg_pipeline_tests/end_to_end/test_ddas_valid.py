"""The delivery to CBS is valid by the national schema, formats included: months of the sample world, and a real register."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rich.console import Console

from vroeg_pipeline.cli.ddas import deliver_ddas
from vroeg_pipeline.ddas.contradictions import contradictions
from vroeg_pipeline.domain.ddas import EnumContactsoort, EnumDagdeel, EnumEindresultaat
from vroeg_pipeline.domain.months import months_between
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.sample.world import make_world
from vroeg_pipeline_tests.kit.outcomes import add_outcomes
from vroeg_pipeline_tests.kit.world import World, month


def deliver(home: Home, first: str, last: str) -> tuple[dict[str, Any], str]:
    """The file of a period, and the line that tells of it."""
    said = io.StringIO()
    path = home.root / "delivery.json"
    console = Console(file=said, width=80)
    deliver_ddas(home, months_between(month(first), month(last)), path, console, console)
    assert path.stat().st_mode & 0o077 == 0
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found, said.getvalue()


def mistakes(schema: Path, file: dict[str, Any]) -> list[str]:
    validator = jsonschema.Draft202012Validator(
        json.loads(schema.read_text(encoding="utf-8")), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    return [f"{error.json_path}: {error.message[:80]}" for error in validator.iter_errors(file)]


def test_formats_are_really_checked(ddas_schema: Path) -> None:
    """Without the packages behind it, a format check lets everything pass."""
    head = {"startdatumLevering": "2021-01-01", "einddatumLevering": "2021-01-31", "codeGegevensleverancier": "x"}
    assert mistakes(ddas_schema, {**head, "aanleverdatumEnTijd": "2021-02-01T10:00:00Z"}) == []
    assert len(mistakes(ddas_schema, {**head, "aanleverdatumEnTijd": "2021-02-01 10:00"})) == 1
    assert len(mistakes(ddas_schema, {**head, "einddatumLevering": "2021-02-30", "aanleverdatumEnTijd": "x"})) == 2


@pytest.mark.parametrize("town", ["sample", "weesp"])
def test_what_is_delivered_is_valid(tmp_path: Path, ddas_schema: Path, real_register: Path, town: str) -> None:
    world = World(tmp_path / "home")
    for made_by_world in ("areas.csv", "municipalities.csv"):
        (world.home.reference / made_by_world).unlink()
    months = 6 if town == "sample" else 2
    make_world(world.home, months=months, signals=150, register=real_register if town == "weesp" else None)
    shutil.rmtree(world.home.inbox / "outcomes")  # every value of the standard comes instead
    last = "2021-03" if months == 6 else "2020-11"
    world.make("2020-10", last, upto="ddas_delivery")
    add_outcomes(world)

    file, said = deliver(world.home, "2020-10", last)
    assert mistakes(ddas_schema, file) == []
    codes = [levering["gemeentecode"] for levering in file["leveringen"]]
    assert codes == (["0392", "0473"] if town == "sample" else ["0457"])
    signals = [signal for levering in file["leveringen"] for signal in levering["vroegsignalen"]]
    cases = [case for levering in file["leveringen"] for case in levering["vroegsignaalzaken"]]
    assert contradictions([*signals, *cases]) == {}
    attempts = [attempt for case in cases for attempt in case["contactpogingen"]]
    assert f"{len(signals):,} signals; {len(cases):,} cases; {len(attempts):,} contact attempts" in said

    # Every signal once, every case of signals of its own municipality, everything of the lists in use.
    assert len({signal["ID"] for signal in signals}) == len(signals)
    (tables,) = world.query(
        "SELECT (SELECT count(*) FROM validated_signals) AS validated, "
        "(SELECT count(*) FROM address_matches ANTI JOIN (FROM prioritised_worklists WHERE worklist = 'adresdesk') "
        "USING (month, address_key)) AS teams, "
        "(SELECT count(*) FROM rejected_rows WHERE postcode IS NOT NULL) AS rejected"
    )
    assert len(signals) == tables["validated"] + tables["rejected"]
    assert len(cases) >= tables["teams"] > 150
    for levering in file["leveringen"]:
        own = {signal["ID"] for signal in levering["vroegsignalen"]}
        in_cases = [reference["ID"] for case in levering["vroegsignaalzaken"] for reference in case["vroegsignalen"]]
        assert set(in_cases) <= own
        assert len(set(in_cases)) == len(in_cases)
    assert {attempt["soort"] for attempt in attempts} == set(EnumContactsoort)
    assert {attempt.get("dagdeel") for attempt in attempts} == {*EnumDagdeel, None}
    assert {case.get("resultaat") for case in cases} == {*EnumEindresultaat, None}
    told = set().union(*(signal["client"] for signal in signals))
    assert told <= {"postcode", "huisnummer", "huisnummertoevoeging", "geboortedatum"}
