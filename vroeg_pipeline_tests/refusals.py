"""`make way`: writes docs/refusals.md too, what is said of refused files and rejected rows, from the words themselves."""

from __future__ import annotations

from string import Formatter

from vroeg_pipeline.domain.reasons import REASONS_IN_DUTCH
from vroeg_pipeline.domain.refusals import Fault, Said
from vroeg_pipeline.installation.home import CHECKOUT
from vroeg_pipeline_tests.kit.domain_page import linked

PAGE = CHECKOUT / "docs" / "refusals.md"

_TOP = """\
# What is said of refused files and rejected rows

Made by `make way` from [`domain/refusals.py`](../vroeg_pipeline/domain/refusals.py) and
[`domain/reasons.py`](../vroeg_pipeline/domain/reasons.py): do not edit. A test fails when it is not what they say.

A refused file counts as not delivered (DOMAIN §4); a rejected row is no signal (DOMAIN §5). Runs, checks and alerts
say it in English, `delivery_files.detail` too; the partner reads it in Dutch, in the message that asks for a new file
and in its report ([feedback](feedback.md)). ‹line› and the like stand for where it is; no cell is ever repeated.
"""
_HEADS = {
    "unreadable": "The file cannot be read",
    "missing_columns": "Its headers are not there",
    "not_active": "Nothing was agreed for it",
    "unknown_partner": "Nobody is known by that name",
    "too_large": "It is too large",
    "stale_copy": "It came before",
    "refused_by_person": "Somebody decided so",
}


def with_names(fault: Fault) -> Said:
    """What is wrong, with the name of each detail in its place."""
    names = {name for text in fault.value[1:] for _, name, _, _ in Formatter().parse(text) if name}
    return fault.said(**{name: f"‹{name}›" for name in names})


def refusals() -> str:
    """The page."""
    parts = [_TOP]
    for refusal, head in _HEADS.items():
        parts += [f"\n## {head}: `{refusal}`\n\n| runs and alerts say | the partner reads |\n|---|---|\n"]
        parts += [_line(*_both(fault)) for fault in Fault if fault.refusal == refusal]
    parts += ["\n## Rows\n\n| `rejected_rows.reasons` | the partner reads |\n|---|---|\n"]
    parts += [_line(f"`{code}`", said) for code, said in REASONS_IN_DUTCH.items()]
    return linked("".join(parts), "domain.md")


def _both(fault: Fault) -> tuple[str, str]:
    said = with_names(fault)
    return said.english, said.dutch


def _line(*cells: str) -> str:
    return "".join(f"| {cell.replace('|', '&#124;').replace('<', '&lt;')} " for cell in cells) + "|\n"


if __name__ == "__main__":
    PAGE.write_text(refusals(), encoding="utf-8")
