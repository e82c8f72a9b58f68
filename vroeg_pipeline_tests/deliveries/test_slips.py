"""Lists of references that a partner withdraws or confirms are read however they were saved (DOMAIN §10)."""

from __future__ import annotations

import gzip

import duckdb
import pytest

from vroeg_pipeline.deliveries.slips import load_slips
from vroeg_pipeline_tests.kit.world import World, month

LIST = "customer_reference,datum\r\nK1,x\r\nK2,y\r\n"


def withdrawn(connection: duckdb.DuckDBPyConnection, world: World, content: bytes) -> tuple[list[str], list[str]]:
    """The references, and what could not be used."""
    world.deliver("een", "2021-03", content, folder="withdrawals")
    unusable = load_slips(connection, world.installation, month("2021-03"))
    found = connection.execute("SELECT customer_reference FROM withdrawals ORDER BY ALL").fetchall()
    return [reference for (reference,) in found], list(unusable)


@pytest.mark.parametrize(
    "content",
    [
        LIST.encode(),
        LIST.encode("utf-8-sig"),
        LIST.replace(",", ";").encode(),
        LIST.replace(",", "\t").encode("utf-16"),
        f"sep=;\r\n{LIST.replace(',', ';')}".encode(),
        LIST.replace("\r\n", "\r").encode(),
        LIST.replace("customer_reference", '" Customer_Reference"').encode(),
        f"\r\n \r\n{LIST}".encode(),
        f"Intrekkingen, maart\r\n\r\n{LIST}".encode(),
        f"{LIST}\x1a".encode(),
    ],
    ids=["comma", "mark", "semicolon", "Excel", "sep", "returns", "quoted", "blank lines", "title", "DOS"],
)
def test_a_list_is_read(connection: duckdb.DuckDBPyConnection, world: World, content: bytes) -> None:
    assert withdrawn(connection, world, content) == (["K1", "K2"], [])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"Klantnummer\nK1\n", "lacks the header customer_reference; write it above the references"),
        (b"K1\nK2\n", "lacks the header customer_reference; write it above the references"),
        (
            b'customer_reference,x\n"K1,a\nK2,"b\n',
            "has a quote in line 2 that swallows the rows down to line 3; write a",
        ),
        (b"customer_reference,customer_reference\nK1,K2\n", "the column 'customer_reference' is there twice; which"),
        (gzip.compress(LIST.encode(), mtime=0), "is packed (.gz); unpack it and send the file that is in it"),
    ],
)
def test_a_list_that_cannot_be_read_says_why(
    connection: duckdb.DuckDBPyConnection, world: World, content: bytes, said: str
) -> None:
    found, (unusable,) = withdrawn(connection, world, content)
    assert found == []
    assert unusable.startswith(f"een, withdrawals: {said}")
