"""Rows with long texts on the terminal: of whom a row is can be read at any width."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

# In less a text is torn to pieces.
_LEAST = 30


def show_rows(columns: Sequence[str], rows: Sequence[Sequence[str]], long: Collection[str], out: Console) -> None:
    """Prints the rows, their cells in Rich's markup, as a table in which only the columns that are `long` wrap; where those
    would be too narrow, what they hold stands below its row.
    """
    widths = {
        name: max(len(name), *(Text.from_markup(cell).cell_len for cell in cells))
        for name, *cells in zip(columns, *rows, strict=True)
    }
    needed = sum(min(width, _LEAST) if name in long else width for name, width in widths.items())
    if needed + 2 * (len(columns) - 1) <= out.width:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in columns:
            table.add_column(name, no_wrap=name not in long)
        for row in rows:
            table.add_row(*row)
        out.print(table)
        return
    for row in rows:
        cells = list(zip(columns, row, strict=True))
        out.print("  ".join(cell for name, cell in cells if cell and name not in long))
        for name, cell in cells:
            if cell and name in long:
                out.print(Padding(cell, (0, 0, 0, 4)))
