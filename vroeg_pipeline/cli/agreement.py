"""`vroeg agreement`: reads a sample file by an agreement, or by the one that it suggests, and writes that.

Prints numbers, fields and headers that are known terms; never a cell, nor a header that is no term: in a file without a
header a person stands there. Keeps nothing of the file.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vroeg_pipeline.deliveries.drafts import partner_draft, sender_draft
from vroeg_pipeline.domain.agreements import Agreement, agreement_from, inbox_name, parse_agreement
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.fields import DELIVERED_FIELDS, header_name
from vroeg_pipeline.domain.layouts import FileForm, Layout, fields_of
from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.domain.partners import Partners, parse_partners
from vroeg_pipeline.domain.reading import model_from, nearest, parse_yaml
from vroeg_pipeline.domain.senders import SenderAgreement, sender_from
from vroeg_pipeline.domain.settings import Settings
from vroeg_pipeline.formats.cells import UnreadableError
from vroeg_pipeline.formats.looked import Named, look_at
from vroeg_pipeline.formats.proposals import Proposal, propose
from vroeg_pipeline.installation.home import Home, read_text, replacing_elsewhere, temporary_folder
from vroeg_pipeline.signals.trial import NOT_JUDGED, ColumnReading, Trial, names_of_partners, try_file

_FORMATS = {
    "csv": "CSV", "xlsx": "a workbook (XLSX)", "json": "JSON, an array of objects", "jsonl": "JSON, one object a line",
    "xml": "XML", "fixed": "text of fixed widths",
}  # fmt: skip
_DELIMITERS = {"\t": "a tab"}
# Whoever is meant, as long as nobody has an agreement yet.
_TRIED = "sample"


@dataclass(frozen=True)
class Asked:
    """What was said of the file on the command line. `columns`: FIELD=HEADER each."""

    file: Path
    columns: Sequence[str] = ()
    records_at: str | None = None
    month: date | None = None


def try_agreement(home: Home, asked: Asked, agreement: Path | None, out: Console) -> None:
    """Shows what a file is and what it gives, by an agreement or by the one that it suggests.

    Raises VroegError when it cannot be read so.
    """
    settings = home.load_settings()
    _check_size(asked.file, settings)
    with temporary_folder() as scratch:
        if agreement is not None:
            partners, folder = _given(agreement)
            layout: Layout = partners.senders.get(folder) or partners.agreements[folder]
            trial = try_file(asked.file, partners, folder, scratch, settings, asked.month)
            _show_form(layout.delivery, agreement.name, (), out)
            _show_trial(trial, layout, asked.file, out)
            return
        proposal = _proposed(asked, scratch, settings)
        _show_form(_form_of(proposal), "Found", proposal.hidden, out)
        _show_told(proposal, out)
        if proposal.lacking:
            _show_columns((), proposal.columns, proposal.split, out)
            raise _lacks(proposal, asked.file)
        partners, folder = _as_proposed(home, proposal, asked, scratch, settings)
        trial = try_file(asked.file, partners, folder, scratch, settings, asked.month)
        _show_trial(trial, partners.senders.get(folder) or partners.agreements[folder], asked.file, out)
        if proposal.unknown_columns:
            out.print(
                f"{_count(proposal.unknown_columns, 'other column')} not taken in: no known term is their header."
            )
        who = "--sender ID --name NAME" if proposal.partner_column else "--partner ID --name NAME --type TYPE"
        out.print(
            f"Write it: {home.command} agreement new {escape(shlex.quote(str(asked.file)))} {who}", soft_wrap=True
        )


@dataclass(frozen=True)
class NewPartner:
    """Who delivers, as it was said on the command line."""

    partner: str | None
    sender: str | None
    name: str
    kind: str | None
    valid_from: date | None
    municipalities: Sequence[str]
    members: Sequence[str]
    overwrite: bool


def new_agreement(home: Home, asked: Asked, new: NewPartner, out: Console) -> None:
    """Writes the agreement that a file suggests, once our own parser takes it, and says what comes next.

    Raises VroegError when the file suggests none that is whole, or there is one already.
    """
    if bool(new.partner) == bool(new.sender):
        raise VroegError("who delivers?", do="give --partner ID, or --sender ID for a file of several partners")
    who = _id_of(new.partner or new.sender or "")
    target = home.agreements / f"{who}.yaml"
    if target.exists() and not new.overwrite:
        raise VroegError("there is an agreement already", where=target, do="give --overwrite to replace it")
    settings = home.load_settings()
    _check_size(asked.file, settings)
    with temporary_folder() as scratch:
        proposal = _proposed(asked, scratch, settings)
        if proposal.lacking:
            raise _lacks(proposal, asked.file)
        if "records_at" in proposal.hidden:
            raise VroegError(
                "its rows stand in something of which the name is no known term", where=asked.file.name,
                do="give its path: --records-at PATH",
            )  # fmt: skip
        _check_who(home, proposal, asked.file, new)
        # By the usual bounds, which are those of the agreement that is written.
        partners, folder = _as_proposed(home, proposal, asked, scratch, settings)
        trial = try_file(asked.file, partners, folder, scratch, settings, asked.month)
        if trial.refusal:
            raise _refused(trial, asked.file)
        if new.sender:
            names = [*partners.senders[folder].partners]
            text, next_step = _sender_text(home, proposal, asked.file, new, names)
        else:
            text, next_step = _partner_text(home, proposal, new, trial.month)
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing_elsewhere(target, do="check who owns the folder") as temporary:
        temporary.write_text(text, encoding="utf-8")
    out.print(f"Written: {escape(str(target))}", soft_wrap=True)
    out.print(f"The sample gives {_counts(trial)}.")
    _show_told(proposal, out)
    out.print(next_step, soft_wrap=True, markup=False)


def _proposed(asked: Asked, scratch: Path, settings: Settings) -> Proposal:
    given = {}
    for pair in asked.columns:
        field, equals, header = pair.partition("=")
        if not equals or not header.strip() or field not in DELIVERED_FIELDS:
            guess = nearest(field, DELIVERED_FIELDS)
            meant = f", did you mean '{guess}'?" if guess and guess != field else ""
            raise VroegError(
                f"--column '{field}' is no field with a header{meant}", do="write it as surname=Achternaam"
            )
        given[field] = header.strip()
    named = Named(given, asked.records_at)
    try:
        looked = look_at(asked.file, scratch, settings.max_file_mb, named)
    except UnreadableError as error:
        raise VroegError(str(error), where=asked.file.name) from None
    return propose(looked, asked.file.name, named)


def _lacks(proposal: Proposal, file: Path) -> VroegError:
    what = "POSITION" if proposal.delivery.get("header_row") == 0 else "HEADER"
    do = f"name its column: --column {proposal.lacking[0]}={what}"
    return VroegError(f"no column was recognised as {', '.join(proposal.lacking)}", where=file.name, do=do)


def _refused(trial: Trial, file: Path) -> VroegError:
    return VroegError(f"would be refused as {trial.refusal} ({trial.detail})", where=file.name)


def _id_of(text: str) -> str:
    try:
        return inbox_name(text)
    except ValueError as error:
        raise VroegError(f"'{text}' cannot be the id of a partner: {error}") from None


def _check_size(file: Path, settings: Settings) -> None:
    try:
        size = file.stat().st_size
    except OSError as error:
        raise VroegError(f"cannot be read ({error.strerror})", where=file, do="check that it is there") from None
    if not file.is_file():
        raise VroegError("is no file", where=file, do="give a file that the partner sent")
    if size > settings.max_file_mb * 1024 * 1024:
        raise VroegError(
            f"is larger than max_file_mb ({settings.max_file_mb:g})", where=file, do="give a smaller sample"
        )


def _given(path: Path) -> tuple[Partners, str]:
    """The agreement of a file, and those beside it where it needs them."""
    content = parse_yaml(read_text(path), path.name)
    if "sender" in content or "delivered_by" in content:
        beside = sorted({*path.parent.glob("*.yaml"), path})
        partners = parse_partners((other.stem, read_text(other)) for other in beside)
        of = partners.agreements.get(path.stem)
        return partners, (of.delivered_by if of and of.delivered_by else path.stem)
    agreement = agreement_from(content, path.name, str(content.get("partner", path.stem)))
    return Partners.of([agreement]), agreement.partner


# Whoever it is of


def _form_of(proposal: Proposal) -> FileForm:
    return model_from(FileForm, dict(proposal.delivery), "the proposal")


def _stand_in(partner: str, **more: Any) -> dict[str, Any]:
    usual = {"name": partner, "type": "Overige", "valid_from": "2000-01", "municipalities": ["0000"]}
    return {"partner": partner, **usual, **more}


def _as_proposed(
    home: Home, proposal: Proposal, asked: Asked, scratch: Path, settings: Settings
) -> tuple[Partners, str]:
    """The agreements under which a file is tried, with the usual bounds."""
    layout = proposal.layout
    if not proposal.partner_column:
        return Partners.of([model_from(Agreement, _stand_in(_TRIED, **layout), "the proposal")]), _TRIED
    names = names_of_partners(asked.file, model_from(Layout, layout, "the proposal"), scratch, settings)
    known = _ids_by_name(home)
    members = {name: known.get(header_name(name), f"partner_{at}") for at, name in enumerate(names, start=1)}
    sender = {"sender": _TRIED, "name": _TRIED, "partners": members, **layout}
    form = {part: content for part, content in layout.items() if part != "partner_column"}
    agreements = [
        model_from(Agreement, _stand_in(partner, delivered_by=_TRIED, **form), "the proposal")
        for partner in sorted({*members.values()})
    ]
    return Partners.of(agreements, [model_from(SenderAgreement, sender, "the proposal")]), _TRIED


def _ids_by_name(home: Home) -> dict[str, str]:
    """The partners that have an agreement, by their names and ids."""
    agreements = home.load_partners().agreements.values()
    return {header_name(name): a.partner for a in agreements for name in (a.partner, a.name)}


def _check_who(home: Home, proposal: Proposal, file: Path, new: NewPartner) -> None:
    """Raises VroegError where what was said of who delivers does not go with the file, or is not all."""
    if new.sender and not proposal.partner_column:
        raise VroegError(
            "no column of the file was recognised as that of the partners", where=file.name,
            do="give --partner ID, or write the agreement by hand",
        )  # fmt: skip
    if new.sender:
        return
    if new.kind is None:
        raise VroegError("which type of partner?", do="give --type, a DDAS partner type like Huur or Energie")
    if proposal.partner_column:
        raise VroegError(
            f"the file has a column of partners ('{proposal.partner_column}')", where=file.name,
            do="give --sender ID in place of --partner",
        )  # fmt: skip
    if not new.municipalities and not _usual_municipalities(home):
        raise VroegError("which municipalities?", do="give --municipality 0392, once for each")


def _partner_text(home: Home, proposal: Proposal, new: NewPartner, month: date) -> tuple[str, str]:
    who, first = str(new.partner), new.valid_from or month
    municipalities = new.municipalities or _usual_municipalities(home)
    text = partner_draft(proposal, who, new.name, str(new.kind), first, municipalities)
    parse_agreement(text, f"{who}.yaml", who)
    _check_beside_others(home, who, text)
    in_month = month_text(first)
    return (
        text,
        f"Next: check the file, put a delivery in inbox/{who}/{in_month}/ and run: {home.command} run --month {in_month}",
    )


def _usual_municipalities(home: Home) -> list[str]:
    return sorted({code for agreement in home.load_partners().agreements.values() for code in agreement.municipalities})


def _sender_text(home: Home, proposal: Proposal, file: Path, new: NewPartner, names: Sequence[str]) -> tuple[str, str]:
    """`names`: those in the column of partners."""
    sender = str(new.sender)
    members: dict[str, str] = {}
    for pair in new.members:
        name, equals, partner = pair.rpartition("=")
        if not equals or not name.strip():
            raise VroegError("--member is written as a name in the file, = and the partner", do='"Pré Wonen=pre_wonen"')
        members[name.strip()] = _id_of(partner.strip())
    said = {header_name(name) for name in members}
    known, unknown = _ids_by_name(home), 0
    for name in names:
        if header_name(name) in said:
            continue
        if meant := known.get(header_name(name)):
            members[name] = meant
        else:
            unknown += 1
    if not members:
        raise VroegError(
            f"none of the {len(names)} names in '{proposal.partner_column}' is that of a partner with an agreement",
            where=file.name, do='say whom they mean: --member "Pré Wonen=pre_wonen"',
        )  # fmt: skip
    text = sender_draft(proposal, sender, new.name, members)
    sender_from(parse_yaml(text, f"{sender}.yaml"), f"{sender}.yaml", sender)
    left = f"add the {_count(unknown, 'name')} of others to 'partners'; " if unknown else ""
    steps = f"{left}write 'delivered_by: {sender}' in the agreements of {', '.join(sorted({*members.values()}))}"
    return text, f"Next: {steps}, without columns and form of the file; deliveries go in inbox/{sender}/<YYYY-MM>/"


def _check_beside_others(home: Home, who: str, text: str) -> None:
    others = [path for path in sorted(home.agreements.glob("*.yaml")) if path.stem != who]
    parse_partners([*((path.stem, read_text(path)) for path in others), (who, text)])


# What is shown


def _show_form(form: FileForm, title: str, hidden: Sequence[str] | frozenset[str], out: Console) -> None:
    parts = [_FORMATS[form.format]]
    if form.packed:
        parts.append(f"packed (.{form.packed})")
    if form.format in ("csv", "fixed"):
        parts.append(f"encoding {form.encoding}")
    if form.format == "csv":
        parts.append(f"{_DELIMITERS.get(form.delimiter, repr(form.delimiter))} between columns")
    if form.sheet is not None:
        parts.append(f"sheet {form.sheet}")
    if form.records_at is not None:
        parts.append(
            "rows at " + ("a name that is no known term" if "records_at" in hidden else f"'{form.records_at}'")
        )
    if form.is_by_position:
        parts.append("no header" + (" (header_row: 0)" if form.format != "fixed" else ""))
    elif form.has_one_header and form.lines_above:
        parts.append(f"headers on {'row' if form.format == 'xlsx' else 'line'} {form.lines_above + 1}")
    out.print(f"[bold]{escape(title)}:[/bold] {escape(', '.join(parts))}", soft_wrap=True)
    out.print(
        f"[bold]Values:[/bold] decimal '{form.decimal}', dates {escape(' or '.join(form.date_format))}, "
        f"amounts in {form.unit}",
        soft_wrap=True,
    )


def _show_told(proposal: Proposal, out: Console) -> None:
    for text in proposal.told:
        out.print(f"[yellow]![/yellow] {escape(text)}", soft_wrap=True)


def _show_trial(trial: Trial, layout: Layout, file: Path, out: Console) -> None:
    if trial.refusal:
        raise _refused(trial, file)
    given = {field: " / ".join(headers) for field, headers in layout.columns.items()}
    _show_columns(trial.columns, given, layout.split, out, layout.constants)
    out.print(f"[bold]{month_text(trial.month)}:[/bold] {_counts(trial)}")
    for partner, rows in trial.partners:
        out.print(f"  {partner}: {_count(rows, 'row')}")
    if trial.detail:
        out.print(f"[yellow]![/yellow] {escape(trial.detail)}", soft_wrap=True)
    if trial.reasons:
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("rejected, as", no_wrap=True)
        table.add_column("rows", justify="right")
        for reason, rows in trial.reasons:
            table.add_row(reason, f"{rows:,}")
        out.print(table)
    out.print(f"[dim]Not judged here: {', '.join(NOT_JUDGED)}.[/dim]", soft_wrap=True)
    out.print(
        "[dim]What a file lacks of the one that it replaces is seen only when it is delivered.[/dim]", soft_wrap=True
    )


def _show_columns(
    readings: Sequence[ColumnReading],
    columns: Mapping[str, str],
    split: Mapping[str, str],
    out: Console,
    constants: Mapping[str, str] | None = None,
) -> None:
    headers = {**dict.fromkeys(constants or {}, "(constant)"), **columns}
    for header, pattern in split.items():
        for field in fields_of(pattern):
            headers[field] = f"{headers[field]} / {header} (split)" if field in headers else f"{header} (split)"
    by_field = {reading.field: reading for reading in readings}
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    table.add_column("field", no_wrap=True)
    table.add_column("header", overflow="fold")
    for name in ("filled", "empty", "unreadable") if readings else ():
        table.add_column(name, justify="right")
    if readings:
        table.add_column("first problem", no_wrap=True)
    required = {"customer_reference", "surname", "postcode", "house_number", "amount_due", "reference_date"}
    required |= {"arrears_since"} if "days_in_arrears" not in headers else {"days_in_arrears"}
    for field in DELIVERED_FIELDS:
        if field not in headers:
            continue
        cells = [field, escape(headers[field])]
        if reading := by_field.get(field):
            cells += [f"{count:,}" for count in (reading.filled, reading.empty, reading.unreadable)]
            cells.append(_problem(reading, is_required=field in required))
        table.add_row(*cells)
    out.print(table)


def _problem(reading: ColumnReading, *, is_required: bool) -> str:
    found = [(reading.first_unreadable, "unreadable"), (reading.first_empty if is_required else None, "empty")]
    there = [(row, kind) for row, kind in found if row is not None]
    return f"row {min(there)[0]:,}: {min(there)[1]}" if there else ""


def _counts(trial: Trial) -> str:
    return f"{_count(trial.rows, 'row')}, {trial.accepted:,} accepted, {trial.rejected:,} rejected"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")
