"""Names that a program of the partner wrote down wrongly, as far as their letters tell: the signs of it, for SQL."""

from __future__ import annotations

from html.entities import html5

import duckdb

from vroeg_pipeline.formats.encodings import encoded_twice
from vroeg_pipeline.installation.statements import temporary_columns


def know_misread_names(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes the temporary table `html_entities` (names without case, as capitals are made of them too) and sets the
    variable `misread_letters`, a pattern: letters that were encoded twice, and the sign for one that was lost.
    """
    entities = sorted({name.removesuffix(";").lower() for name in html5 if name.endswith(";")})
    temporary_columns(connection, "html_entities", {"name": ("VARCHAR", entities)})
    connection.execute("SET VARIABLE misread_letters = ?", [f"{encoded_twice()}|\ufffd"])
