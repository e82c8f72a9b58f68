"""`vroeg ddas`: writes the delivery to CBS (DDAS-Vroegsignalering) of a range of months, and tells what is in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from vroeg_pipeline.ddas.file import counts_shown, ddas_paths, left_out, unnamed_said, write_ddas
from vroeg_pipeline.deliveries.worked_on import months_worked_on
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import is_month, month_text
from vroeg_pipeline.installation.home import Home, private_folder, replacing_elsewhere, temporary_file
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.locking import run_lock
from vroeg_pipeline.installation.warehouse import WarehouseResource


def deliver_ddas(home: Home, months: Sequence[date], output: Path | None, out: Console, problems: Console) -> None:
    """Writes the file of the months, oldest first, whole or not at all, for the owner alone.

    Says so to `problems` where it would stay in the installation for good. Raises VroegError when there is no warehouse, a
    month was never run, a setting lacks, or the file cannot be written.
    """
    installation = Installation.load(home)
    warehouse = WarehouseResource.of(installation, problems.print)
    warehouse.must_exist()
    own = ddas_paths(installation, private_folder(home.outbox), months)
    targets = own
    if output:
        targets = {code: output.with_stem("_".join(filter(None, (output.stem, code)))) for code in own}
    # Between two steps of a run the tables do not fit together.
    with (
        run_lock(home.run_lock, "vroeg ddas", problems.print, warehouse.lock_timeout_minutes * 60),
        warehouse.connect() as connection,
    ):
        of_files = {month for (month,) in connection.execute("SELECT DISTINCT month FROM delivery_files").fetchall()}
        if never := sorted({*months} - of_files - {*months_worked_on(home)}):
            missing = ", ".join(map(month_text, never))
            do = f"run them first: {home.command} run --month {month_text(never[0])}"
            raise VroegError(f"never run: {missing}", do=do)
        apart = {code: target for code, target in targets.items() if code is not None}
        with replacing_elsewhere(targets[None]) if None in targets else temporary_file(home.scratch) as whole:
            written = write_ddas(connection, installation, months, whole, apart, replacing_elsewhere)
        counts = counts_shown(written)
        without_address = left_out(connection, months)
    said = [f"{number:,} {what}" for what, number in counts.items()]
    if without_address:
        said.append(f"{without_address:,} rejected rows left out (no address, or an objection)")
    period = " to ".join(dict.fromkeys(month_text(month) for month in (months[0], months[-1])))
    for kept in _not_removed(home, targets.values(), own.values()):
        forgotten = f"{kept} lies in the installation, and vroeg retention does not know it: delete it when it was sent"
        problems.print(f"[yellow]![/yellow] {escape(forgotten)}", soft_wrap=True)
    if to_do := unnamed_said(installation):
        problems.print(f"[yellow]![/yellow] {escape(to_do)}", soft_wrap=True)
    where = ", ".join(map(str, targets.values()))
    out.print(
        f"Wrote {where}, DDAS v{installation.settings.ddas.version}, {period}: {'; '.join(said)}",
        soft_wrap=True,
    )


def _not_removed(home: Home, targets: Iterable[Path], own: Iterable[Path]) -> list[Path]:
    """Those in the installation of which retention does not know."""
    root, outbox, known = home.root.resolve(), home.outbox.resolve(), {path.resolve() for path in own}
    places = {target: target.resolve() for target in targets}
    return [
        target
        for target, place in places.items()
        # All that lies in the folder of a month goes with it.
        if place.is_relative_to(root)
        and place not in known
        and not (place.parent.parent == outbox and is_month(place.parent.name))
    ]
