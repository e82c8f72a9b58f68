"""What `make` would do on a fresh clone: `run` installs what running needs, `test` and `lint` the rest as well."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from vroeg_pipeline.installation.home import CHECKOUT


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(CHECKOUT / name, tmp_path / name)
    return tmp_path


def planned(clone: Path, target: str) -> str:
    command = ["make", "--dry-run", "--no-print-directory", target]
    return subprocess.run(command, cwd=clone, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("target", "installed"), [("run", "'.'"), ("dev", "'.'"), ("test", "'.[dev]'"), ("lint", "'.[dev]'")]
)
def test_no_more_is_installed_than_is_needed(clone: Path, target: str, installed: str) -> None:
    (line,) = [line for line in planned(clone, target).splitlines() if "pip install" in line]
    assert f" -e {installed} " in line
    assert "packages in place" in planned(clone, target)


def test_what_tests_need_is_enough_to_run_and_not_the_other_way_round(clone: Path) -> None:
    (clone / ".venv").mkdir()
    (clone / ".venv" / "ready").touch()
    assert "pip install" not in planned(clone, "run")
    assert "touch .venv/ready .venv/ready-for-tests" in planned(clone, "test")


def test_a_run_ends_with_what_to_look_at(clone: Path) -> None:
    assert planned(clone, "run").splitlines()[-1] == ".venv/bin/vroeg evaluate"


def test_what_is_compiled_is_kept_where_a_container_says_otherwise(clone: Path) -> None:
    (clone / "asking.mk").write_text("include Makefile\nasked:\n\t@env\n", encoding="utf-8")
    said = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    command = ["make", "--no-print-directory", "-f", "asking.mk", "asked"]
    heard = subprocess.run(command, cwd=clone, env=said, capture_output=True, text=True, check=True).stdout
    assert "GX_ANALYTICS_ENABLED=false" in heard
    assert "PYTHONDONTWRITEBYTECODE" not in heard
