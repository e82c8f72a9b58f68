"""Dagster's own home within an installation, with our instance settings."""

from __future__ import annotations

import importlib.resources
import os

from vroeg_pipeline.installation.home import Home, private_folder, replacing


def prepare_dagster_home(home: Home) -> None:
    """Makes Dagster's home where it is new, with our instance settings, and points the process to it."""
    folder = private_folder(home.dagster)
    settings = folder / "dagster.yaml"
    if not settings.exists():
        shipped = importlib.resources.files("vroeg_pipeline").joinpath("dagster.yaml").read_text(encoding="utf-8")
        with replacing(settings) as temporary:
            temporary.write_text(shipped, encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(folder)
