"""Notes beside the inbox: what an older or a later release wrote is read, what is damaged counts as none."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from vroeg_pipeline.installation.home import Home, private_folder
from vroeg_pipeline.installation.notes import (
    DECIDED,
    DONE,
    LOOK,
    MADE,
    REGISTER,
    VERDICTS,
    Decided,
    FileDecision,
    Finding,
    Issue,
    Look,
    Made,
    NotedVerdict,
    Notes,
    RegisteredFile,
    RegisterNote,
    VerdictsNote,
    WorkedOn,
    note_verdicts,
    noted_verdicts,
)
from vroeg_pipeline_tests.kit.world import moment

MARCH, APRIL = date(2021, 3, 1), date(2021, 4, 1)
CAME = RegisteredFile("accepted", None, moment("2021-03-03 10:00"), MARCH, 20, 1, None)
SAID = NotedVerdict("deliveries/huur", "few_doubles", False, "so", (Finding("share_doubles", "10%", "at most 5%"),))
# As the first releases wrote them.
OLD = {
    "register": '{"files": {"huur": [{"status": "accepted", "refusal": null, "received_at": "2021-03-03T10:00:00+01:00", '
    '"reference_date_max": "2021-03-01", "row_count": 20, "outdated_rows": 1, "detail": null}]}}',
    "verdicts": '{"verdicts": [{"asset": "deliveries/huur", "check": "few_doubles", "passed": false, "said": "so", '
    '"findings": [{"measure": "share_doubles", "observed": "10%", "expected": "at most 5%"}]}]}',
    "made": '{"signals": 3, "addresses": 2, "recidivists": 1, "missing": ["Water"], "issues": [{"worklist": "centrum", '
    '"issue": 2, "added": 1, "withdrawn": 0}]}',
    "decided": '{"lines": ["huur/decided/addition/2021-03-09T10:00:00+01:00"], "decisions": [{"partner": "huur", '
    '"file_sha256": "aa", "decision": "addition", "decided_by": "A", "reason": "b", '
    '"decided_at": "2021-03-10T10:00:00+01:00"}]}',
    "look": '{"names": "n", "content": ["huur/delivery/aa"]}',
    "done": '{"seen": ["huur/delivery/aa"], "judged": ["huur/delivery/aa"], "issued": null}',
}
READ = {
    "register": RegisterNote({"huur": (CAME,)}),
    "verdicts": VerdictsNote((SAID,)),
    "made": Made(3, 2, 1, ("Water",), (Issue("centrum", 2, 1, 0),)),
    "decided": Decided(
        ("huur/decided/addition/2021-03-09T10:00:00+01:00",),
        (FileDecision("huur", "aa", "addition", "A", "b", moment("2021-03-10 10:00")),),
    ),
    "look": Look("n", ["huur/delivery/aa"]),
    "done": WorkedOn(["huur/delivery/aa"], ["huur/delivery/aa"]),
}
KINDS = {"register": REGISTER, "verdicts": VERDICTS, "made": MADE, "decided": DECIDED, "look": LOOK, "done": DONE}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def written(home: Home, name: str) -> Path:
    return private_folder(home.taken_in) / f"2021-03.{name}.json"


@pytest.mark.parametrize("name", OLD)
def test_what_older_releases_wrote_is_read_and_written_again_under_its_name(home: Home, name: str) -> None:
    kind: Notes[object] = KINDS[name]  # type: ignore[assignment]
    written(home, name).write_text(OLD[name])
    assert kind.read(home, MARCH) == READ[name]
    written(home, name).unlink()
    kind.write(home, MARCH, READ[name])
    assert kind.read(home, MARCH) == READ[name]
    assert written(home, name).stat().st_mode & 0o077 == 0
    assert (kind.months(home), kind.read(home, APRIL)) == ({MARCH}, None)


@pytest.mark.parametrize("name", OLD)
@pytest.mark.parametrize(
    "content", [b"{half", b"", b"\xff", b"[]", b'{"files": 3, "verdicts": 3, "names": 3, "seen": 3, "lines": 3}']
)
def test_a_damaged_note_counts_as_none(home: Home, name: str, content: bytes) -> None:
    written(home, name).write_bytes(content)
    assert KINDS[name].read(home, MARCH) is None


def test_what_a_later_release_adds_is_left_out(home: Home) -> None:
    written(home, "done").write_text('{"seen": ["a"], "later": {"b": 1}}')
    assert DONE.read(home, MARCH) == WorkedOn(["a"])


def test_verdicts_replace_those_on_the_same_assets(home: Home) -> None:
    of_table = NotedVerdict("address_matches", "keys_are_unique", True, "holds")
    note_verdicts(home, MARCH, ["deliveries/huur", "address_matches"], [SAID, of_table])
    note_verdicts(home, MARCH, ["deliveries/huur"], [])
    assert list(noted_verdicts(home, MARCH)) == [of_table]
    assert [SAID.partner, of_table.partner] == ["huur", None]
