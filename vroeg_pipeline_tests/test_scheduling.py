"""A test run ends, and names the test, where one of its processes crashed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from vroeg_pipeline.installation.home import CHECKOUT

CONFTEST = """
from vroeg_pipeline_tests.kit.scheduling import BySharing

def pytest_xdist_make_scheduler(config, log):
    scheduler = BySharing(config, log)
    scheduler.shares = lambda file: False
    return scheduler
"""

TESTS = """
import os
import time
from pathlib import Path

CRASHED = Path(__file__).with_name("crashed")

def test_first():
    time.sleep(0.5)

def test_second():
    time.sleep(0.5)

def test_that_crashes_once():
    if not CRASHED.exists():
        CRASHED.touch()
        os._exit(139)

def test_last():
    pass
"""


def test_a_process_that_crashes_is_replaced_and_its_test_named(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_some.py").write_text(TESTS)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        "2",
        "-p",
        "no:cacheprovider",
        "-c",
        str(tmp_path / "none.ini"),
        ".",
    ]
    (tmp_path / "none.ini").write_text("[pytest]\n")
    ended = subprocess.run(
        command,
        cwd=tmp_path,
        env={"PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "crashed while running 'test_some.py::test_that_crashes_once'" in ended.stdout
    assert "1 failed, 4 passed" in ended.stdout
