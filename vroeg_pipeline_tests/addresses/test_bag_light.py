"""A bag-light.gpkg that is none (docs/adr/0012)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from vroeg_pipeline.addresses.bag_light import read_light
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline_tests.kit.bag import LIGHT_COLUMNS, write_light

ADDRESS = ("v1", "Verblijfsobject in gebruik", "Geheimelaan", 12, "a", "", "2021AB", "Haarlem", "n1", "0392")


def refusal(path: Path) -> str:
    before = sorted(path.parent.iterdir())
    with pytest.raises(VroegError) as error:
        list(read_light(path))
    assert sorted(path.parent.iterdir()) == before
    assert "Geheimelaan" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("content", [b"", b"geen sqlite" * 1_000, b"SQLite format 3\x00" + b"\xff" * 5_000])
def test_no_geopackage(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bag-light.gpkg"
    path.write_bytes(content)
    assert refusal(path).startswith("bag-light.gpkg: ")


def test_cut_off(tmp_path: Path) -> None:
    path = write_light(tmp_path / "bag-light.gpkg", verblijfsobject=[ADDRESS] * 2_000)
    path.write_bytes(path.read_bytes()[:60_000])
    assert "is no whole GeoPackage; fetch it again" in refusal(path)


def test_a_column_that_is_missing_is_named(tmp_path: Path) -> None:
    path = write_light(tmp_path / "bag-light.gpkg", [c for c in LIGHT_COLUMNS if c != "toevoeging"])
    assert "lacks the column toevoeging of verblijfsobject" in refusal(path)


def test_a_view_in_place_of_a_table_is_not_asked(tmp_path: Path) -> None:
    """Its query could go on for ever."""
    path = write_light(tmp_path / "bag-light.gpkg", verblijfsobject=[ADDRESS])
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE ligplaats")
        connection.execute(f"CREATE VIEW ligplaats AS {endless}")
        connection.commit()
    assert "lacks the table ligplaats" in refusal(path)


def test_a_cell_that_is_no_text(tmp_path: Path) -> None:
    path = write_light(
        tmp_path / "bag-light.gpkg", verblijfsobject=[(*ADDRESS[:2], b"\xff\xfeGeheimelaan", *ADDRESS[3:])]
    )
    assert "is no whole GeoPackage" in refusal(path)


def test_a_cell_without_end_is_cut(tmp_path: Path) -> None:
    path = write_light(tmp_path / "bag-light.gpkg", verblijfsobject=[(*ADDRESS[:2], "a" * 1_000_000, *ADDRESS[3:])])
    ((_, _, _, street, *_),) = list(read_light(path))
    assert street == "a" * 200


def test_a_name_with_signs_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "map #1 ?mode=rwc%20"
    folder.mkdir()
    path = write_light(folder / "bag-light.gpkg", verblijfsobject=[ADDRESS])
    assert len(list(read_light(path))) == 1
