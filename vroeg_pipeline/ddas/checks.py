"""What must hold of the delivery to CBS: it adds up to the warehouse (docs/ddas.md)."""

from vroeg_pipeline.ddas.file import ddas_name, differences, file_totals, warehouse_totals
from vroeg_pipeline.monthly import Month, MonthCheck


def _adds_up(of: Month) -> str | None:
    path = of.home.outbox_of(of.month) / ddas_name(of.installation, [of.month])
    if not path.exists():
        return "no file was written"
    wrong = differences(file_totals(of.installation, path), warehouse_totals(of.connection, [of.month]))
    return f"differs in {', '.join(wrong)}" if wrong else None


CHECKS = [
    MonthCheck(
        "ddas_delivery",
        "totals_equal_the_warehouse",
        "The file, read back, has as many signals of each status, euros, cases, results and contact attempts as the "
        "tables (docs/ddas.md).",
        _adds_up,
    )
]
