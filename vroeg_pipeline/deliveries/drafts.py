"""The text of an agreement that a sample file suggests, with what a person has to check as comments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import yaml

from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.formats.proposals import Proposal

_BOUNDS = """\
  # The bounds are the usual ones. Write what was agreed with the partner where it is something else:
  # due_working_day: 5
  # max_age_days: 14
  # min_amount: 75.00
  # min_days: 30
  # expected_rows: [20, 400]
"""
_CONTACT = "# contact: {name: Afdeling incasso, email: incasso@partner.example}   # whom to call about a delivery\n"


def partner_draft(
    proposal: Proposal, partner: str, name: str, kind: str, valid_from: date, municipalities: Sequence[str]
) -> str:
    """The agreement of a partner; `kind`: its DDAS partner type."""
    codes = ", ".join(f'"{code}"' for code in municipalities)
    head = (
        f"partner: {partner}\nname: {_scalar(name)}\ntype: {_scalar(kind)}\n"
        f"valid_from: {month_text(valid_from)}   # the first month for which a delivery is owed\n"
        f"municipalities: [{codes}]\n{_CONTACT}"
    )
    return _checks(proposal) + head + _form(proposal, _BOUNDS) + _cells(proposal)


def sender_draft(proposal: Proposal, sender: str, name: str, partners: Mapping[str, str]) -> str:
    """The agreement of who sends one file for several partners; `partners`: names in the file to partners."""
    named = "".join(f"  {_scalar(written)}: {partner}\n" for written, partner in partners.items())
    head = f"sender: {sender}\nname: {_scalar(name)}\n{_CONTACT}"
    column = f"partner_column: {_header(proposal, str(proposal.partner_column))}\npartners:\n{named}"
    return _checks(proposal) + head + _form(proposal, "") + column + _cells(proposal)


def _checks(proposal: Proposal) -> str:
    told = "".join(f"# Check: {text}.\n" for text in proposal.told)
    return f"# Drafted from a sample file: docs/agreements.md explains every option.\n{told}"


def _form(proposal: Proposal, behind: str) -> str:
    options = "".join(f"  {option}: {_scalar(value)}\n" for option, value in proposal.delivery.items())
    return f"delivery:\n{options}{behind}"


def _cells(proposal: Proposal) -> str:
    text = "columns:\n" + "".join(f"  {field}: {_header(proposal, at)}\n" for field, at in proposal.columns.items())
    if proposal.split:
        split = (f"  {_header(proposal, at)}: {_scalar(pattern)}\n" for at, pattern in proposal.split.items())
        text += f"split:\n{''.join(split)}"
    if proposal.constants:
        text += "constants:\n" + "".join(f"  {field}: {_scalar(text)}\n" for field, text in proposal.constants.items())
    return text


def _header(proposal: Proposal, header: str) -> str:
    is_position = proposal.delivery.get("header_row") == 0 and header.isdecimal()
    return header if is_position else _scalar(header)


def _scalar(value: Any) -> str:
    """A value in YAML, on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000)
    return str(text).removesuffix("...\n").strip()
