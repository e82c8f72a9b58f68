"""What must hold of the delivery to CBS: it adds up to the warehouse, and all of it can be true (docs/ddas.md)."""

from pathlib import Path

from vroeg_pipeline.ddas.file import ddas_name, differences, file_contradictions, file_totals, warehouse_totals
from vroeg_pipeline.monthly import Found, Month, MonthCheck, counted, observed


def _path(of: Month) -> Path:
    return of.home.outbox_of(of.month) / ddas_name(of.installation, [of.month])


def _adds_up(of: Month) -> Found:
    path = _path(of)
    if not path.exists():
        return Found("no file was written", {})
    wrong = differences(file_totals(of.installation, path), warehouse_totals(of.connection, [of.month]))
    return Found(f"differs in {', '.join(wrong)}" if wrong else None, observed("differences", len(wrong), at_most=0))


def _can_all_be_true(of: Month) -> Found:
    found = file_contradictions(of.installation, _path(of)) if _path(of).exists() else {}
    return Found(counted(found) if found else None, observed("contradictions", sum(found.values()), at_most=0))


CHECKS = [
    MonthCheck(
        "ddas_delivery",
        "totals_equal_the_warehouse",
        "The file, read back, has as many signals of each status, euros, cases, results and contact attempts as the "
        "tables (docs/ddas.md).",
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
