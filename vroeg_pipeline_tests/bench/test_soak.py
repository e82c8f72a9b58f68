"""What the soak says when it ends: after hours, nothing of it may be lost."""

from vroeg_pipeline.automation.jobs import INTAKE_JOB, MONTH_JOB
from vroeg_pipeline.cli.service import Service
from vroeg_pipeline_tests.bench.soak import Held, Measured, out, table_of, what_grew
from vroeg_pipeline_tests.kit.world import month

HELD = {str(service): Held(100, 30) for service in Service}


def measured(of: str, *, held: dict[str, Held] = HELD, **seconds: float) -> Measured:
    return Measured(month(of), 5, seconds, held, 40, 30)


def test_a_month_without_worklists_is_told_too_and_what_grew_is_named() -> None:
    done = [
        measured("2021-01", **{INTAKE_JOB: 10, MONTH_JOB: 10}),
        measured("2021-02", **{INTAKE_JOB: 11}),
        measured("2021-03", **{INTAKE_JOB: 11, MONTH_JOB: 13}, held={**HELD, "daemon": Held(130, 60)}),
        measured("2021-04", **{INTAKE_JOB: 12}, held={**HELD, "daemon": Held(130, 60)}),
    ]
    with out.capture() as said:
        out.print(table_of(done))
    (february,) = [line for line in said.get().splitlines() if "2021-02" in line]
    assert [cell.strip() for cell in february.split("|")[1:4]] == ["2021-02", "11.0", ""]
    assert what_grew(done) == [
        "memory of daemon: 100 to 130 MiB",
        "open files of daemon: 30 to 60",
        f"processor seconds of a day with a run of {MONTH_JOB}: 10.0 to 13.0",
    ]
