"""What all tests share. With `VROEG_TESTS_NO_SKIPS` (CI) a skip is a failure, but where the reference data is absent:
programs can be installed there, those files cannot.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from vroeg_pipeline_tests.kit.examples import use_profile
from vroeg_pipeline_tests.kit.lake import lakes
from vroeg_pipeline_tests.kit.world import World

pytest_plugins = ["vroeg_pipeline_tests.kit.sql", "vroeg_pipeline_tests.kit.tables"]
os.environ["GX_ANALYTICS_ENABLED"] = "false"
# A developer's own installation must never be what a test works on.
for name in ("VROEG_HOME", "DAGSTER_HOME", "VROEG_ENCRYPTION_KEY", "VROEG_HASH_KEY"):
    os.environ.pop(name, None)

use_profile()

_NO_REFERENCE_DATA = "the reference data is not here"
SHARED = Path(__file__).resolve().parents[2] / "shared" / "reference"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--warehouse lake`: the worlds are on a DuckLake, and tests that are about the file are left out."""
    parser.addoption("--warehouse", choices=("file", "lake"), default="file")


@pytest.fixture(scope="session", autouse=True)
def on_what(request: pytest.FixtureRequest) -> Iterator[None]:
    """What the worlds of these tests are on."""
    with lakes() if request.config.getoption("--warehouse") == "lake" else nullcontext():
        yield


@pytest.fixture(autouse=True)
def usual_surroundings() -> Iterator[None]:
    """Those of a usual shell: what a command made of its process must not decide what the next test sees."""
    os.umask(0o022)
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An empty installation with areas and postcode areas, and no partner yet."""
    return World(tmp_path / "home")


@pytest.fixture(scope="session")
def real_register() -> Path:
    """The real address register of Weesp (BAG, October 2021)."""
    return _shared("bag/weesp-2021-10.csv")


@pytest.fixture(scope="session")
def real_extract() -> Path:
    """The BAG extract of Weesp that the real register was made from."""
    return _shared("bag/BAGGEM0457L-15102021.zip")


@pytest.fixture(scope="session")
def ddas_schema() -> Path:
    """The DDAS exchange model v1.2."""
    return _shared("ddas/uitwisselmodel-v1.2.schema.json")


def _shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{_NO_REFERENCE_DATA}: ../shared/reference/{name}")
    return path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Of `-n auto`: more than there are cores, as the longest tests wait for a daemon or a browser most of the time."""
    return 2 * (os.cpu_count() or 1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """The scheduler of ours."""
    from vroeg_pipeline_tests.kit.scheduling import BySharing  # only `-n` needs xdist

    config.option.loadscopereorder = False  # the order is that of the collection
    scheduler = BySharing(config, log)
    scheduler.shares = lambda file: _shares_fixtures(config.rootpath / file)
    return scheduler


@cache
def _shares_fixtures(file: Path) -> bool:
    return 'scope="module"' in file.read_text(encoding="utf-8")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest start first: what is live, then what has to stay together."""
    if config.getoption("--warehouse") == "lake":
        items[:] = [item for item in items if not item.get_closest_marker("of_file")]
    items.sort(key=lambda item: (not item.get_closest_marker("live"), not _shares_fixtures(item.path)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    allowed = hasattr(report, "wasxfail") or _NO_REFERENCE_DATA in str(report.longrepr)
    if os.environ.get("VROEG_TESTS_NO_SKIPS") and report.skipped and not allowed:
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be skipped: {report.longrepr}"
    return report
