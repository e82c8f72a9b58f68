"""Workbooks as they come out on paper."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def printed(path: Path) -> str:
    """What stands on the paper of a workbook, its pages parted by form feeds."""
    office, reader = shutil.which("soffice"), shutil.which("pdftotext")
    if office is None or reader is None:
        pytest.skip("LibreOffice or poppler-utils is not installed")
    profile = f"-env:UserInstallation=file://{path.parent}/profile"
    convert = [office, "--headless", profile, "--convert-to", "pdf", "--outdir", str(path.parent), str(path)]
    subprocess.run(convert, check=True, capture_output=True, timeout=120)
    pdf = str(path.with_suffix(".pdf"))
    return subprocess.run([reader, "-layout", pdf, "-"], check=True, capture_output=True, text=True).stdout
