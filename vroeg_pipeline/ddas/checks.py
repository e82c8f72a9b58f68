"""What must hold of the delivery to CBS: it adds up to the warehouse, and all of it can be true (docs/ddas.md)."""

from collections import Counter
from pathlib import Path

from vroeg_pipeline.ddas.file import (
    ddas_paths,
    differences,
    file_contradictions,
    file_municipalities,
    file_totals,
    warehouse_totals,
)
from vroeg_pipeline.monthly import Found, Month, MonthCheck, counted, observed


def _paths(of: Month) -> dict[str | None, Path]:
    return ddas_paths(of.installation, of.home.outbox_of(of.month), [of.month])


def _adds_up(of: Month) -> Found:
    paths = _paths(of)
    if not all(path.exists() for path in paths.values()):
        return Found("no file was written", {})
    told = sum((file_totals(of.installation, path) for path in paths.values()), Counter[str]())
    wrong = differences(told, warehouse_totals(of.connection, [of.month]))
    for code, path in paths.items():
        if code is not None and file_municipalities(of.installation, path) - {code}:
            wrong.append(f"the municipalities in the file of {code}")
    return Found(f"differs in {', '.join(wrong)}" if wrong else None, observed("differences", len(wrong), at_most=0))


def _can_all_be_true(of: Month) -> Found:
    written = [path for path in _paths(of).values() if path.exists()]
    found = sum((file_contradictions(of.installation, path) for path in written), Counter[str]())
    return Found(counted(found) if found else None, observed("contradictions", sum(found.values()), at_most=0))


CHECKS = [
    MonthCheck(
        "ddas_delivery",
        "totals_equal_the_warehouse",
        "The file, read back, has as many signals of each status, euros, cases, results and contact attempts as the "
        "tables (docs/ddas.md); where municipalities are separate, their files together, and each has its own alone.",
        _adds_up,
    ),
    MonthCheck(
        "ddas_delivery",
        "no_contradictions",
        "The file says nothing that contradicts itself: among much else, a case holds no signal that is not taken up yet, "
        "and was matched when its newest signal had come (docs/ddas.md).",
        _can_all_be_true,
    ),
]
