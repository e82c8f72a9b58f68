"""What is kept of a file from which residents were erased (DOMAIN §14): the rows of the others, as they were read.

`<sha256>.kept` (Parquet) takes the place of the bytes in the archive, and they leave the inbox. It says whose bytes it
stands for, so that the same file sent again is known, and its other rows keep their numbers. Columns that were not agreed,
and how a later agreement would read the file, are gone with the bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from vroeg_pipeline.installation.home import replacing
from vroeg_pipeline.installation.statements import fetch_one, quoted

SUFFIX = ".kept"


@dataclass(frozen=True)
class KeptFile:
    """What the bytes were: `received_at` is aware. `about`: what their reader needs besides the rows; names nobody."""

    file_sha256: str
    file_name: str
    received_at: datetime
    size_bytes: int
    about: Mapping[str, Any]


def is_kept(path: Path | None) -> bool:
    """Whether the path is of such a file."""
    return path is not None and path.suffix == SUFFIX


def kept_path(archived: Path) -> Path:
    """Where what is kept of archived bytes stands, or would."""
    return archived.with_name(archived.name.removesuffix(SUFFIX) + SUFFIX)


def kept_at(archived: Path | None) -> int | None:
    """When what is kept of archived bytes was written last (nanoseconds); None where all of them are there, or none."""
    if archived is None or not kept_path(archived).exists():
        return None
    return kept_path(archived).stat().st_mtime_ns


def write_kept(connection: duckdb.DuckDBPyConnection, archived: Path, file: KeptFile, rows: str) -> Path:
    """Puts the rows (a SELECT) in place of the archived bytes, or of what was kept of them before; gives where."""
    path = kept_path(archived)
    about = json.dumps(
        {
            "file_sha256": file.file_sha256,
            "file_name": file.file_name,
            "received_at": file.received_at.isoformat(),
            "size_bytes": file.size_bytes,
            "about": dict(file.about),
        }
    )
    with replacing(path) as temporary:
        connection.execute(
            f"COPY ({rows}) TO {quoted(str(temporary))} (FORMAT parquet, KV_METADATA {{file: {quoted(about)}}})"
        )
        temporary.chmod(0o600)
    path.with_suffix("").unlink(missing_ok=True)
    return path


def rows_kept(path: Path) -> str:
    """The rows, for FROM."""
    return f"read_parquet({quoted(str(path))})"


def read_kept(connection: duckdb.DuckDBPyConnection, path: Path) -> KeptFile:
    """What the file says of the bytes that it stands for."""
    (text,) = fetch_one(
        connection, f"SELECT decode(value) FROM parquet_kv_metadata({quoted(str(path))}) WHERE decode(key) = 'file'"
    )
    kept = json.loads(text)
    return KeptFile(**{**kept, "received_at": datetime.fromisoformat(kept["received_at"])})


def kept_in(connection: duckdb.DuckDBPyConnection, folder: Path) -> Iterator[tuple[Path, KeptFile]]:
    """All such files of a folder of the archive. Bytes that a killed process left beside one go."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        path.with_suffix("").unlink(missing_ok=True)
        yield path, read_kept(connection, path)
