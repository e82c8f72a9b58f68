"""What a file is instead of what was agreed, said so that a partner can mend it (DOMAIN §4)."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path

import pytest

from vroeg_pipeline.formats.cells import UnreadableError
from vroeg_pipeline.formats.kinds import refuse_other_kind

OLE = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(2_000)
CSV = b"Nr;Naam\r\n1;Jansen\r\n"
JSON = b'[{"Nr": 1, "Naam": "Jansen"}]'


def container(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as written:
        for name in names:
            written.writestr(zipfile.ZipInfo(name), "Jansen")
    return file.getvalue()


WORKBOOK = container("[Content_Types].xml", "xl/workbook.xml")
UNPACK = "; unpack it and send the file that is in it"


@pytest.mark.parametrize(
    ("content", "agreed", "said"),
    [
        (CSV, "xlsx", "is a CSV, xlsx was agreed; export it as xlsx"),
        (CSV, "json", "is a CSV, json was agreed; export it as json"),
        (JSON, "xlsx", "is JSON, xlsx was agreed; export it as xlsx"),
        (b"\xef\xbb\xbf " + JSON, "csv", "is JSON, csv was agreed; export it as csv"),
        (b'{"value": []}', "csv", "is JSON, csv was agreed; export it as csv"),
        (WORKBOOK, "csv", "is a workbook (.xlsx), csv was agreed; export it as csv"),
        (WORKBOOK, "json", "is a workbook (.xlsx), json was agreed; export it as json"),
        (b"\n<!DOCTYPE html><html>", "xlsx", "is a web page, xlsx was agreed; export it as xlsx"),
        (b"<table><tr><td>Jansen", "csv", "is a web page, csv was agreed; export it as csv"),
        (b"<?xml version='1.0'?><a/>", "csv", "is XML, csv was agreed; export it as csv"),
        (b"%PDF-1.7", "csv", "is a PDF, csv was agreed; export it as csv"),
        (b"\x89PNG\r\n\x1a\n", "csv", "is a picture, csv was agreed; export it as csv"),
        (b"-----BEGIN PGP MESSAGE-----\n", "csv", "is an encrypted message (PGP), csv was agreed; export it as csv"),
        (b"From: a@b.example\r\nSubject: maart\r\n\r\n", "csv",
         "is an e-mail message with the file attached, csv was agreed; export it as csv"),
        (bytes(500), "csv", "is no text but something binary, csv was agreed; export it as csv"),
        (bytes(range(256)) * 4, "json", "is no text but something binary, json was agreed; export it as json"),
        (b"Nr;Naam;Bedrag;Plaats\n1;Jansen;2;Weesp\n", "fixed", "is a CSV, fixed was agreed; export it as fixed"),
        (OLE, "fixed", "is an old Excel file (.xls); save it as .txt and send that"),
        (OLE, "xlsx", "is an old Excel file (.xls); save it as .xlsx and send that"),
        (OLE, "csv", "is an old Excel file (.xls); save it as .csv and send that"),
        (
            OLE + bytes(3_000_000) + "EncryptedPackage".encode("utf-16-le"), "xlsx",
            "is protected by a password; take the password off and send it again",
        ),
        (gzip.compress(CSV, mtime=0), "csv", f"is packed (.gz){UNPACK}, or agree 'packed: gz'"),
        (bz2.compress(CSV), "json", f"is packed (.bz2){UNPACK}"),
        (lzma.compress(CSV), "csv", f"is packed (.xz){UNPACK}"),
        (container("levering.csv"), "csv", f"is packed (.zip){UNPACK}, or agree 'packed: zip'"),
        (container("levering.xlsx"), "xlsx", f"is packed (.zip){UNPACK}, or agree 'packed: zip'"),
        (container("content.xml"), "xlsx", "is an OpenDocument sheet (.ods); save it as .xlsx and send that"),
        (container("[Content_Types].xml", "xl\\workbook.bin"), "xlsx",
         "is a binary workbook (.xlsb); save it as .xlsx and send that"),
    ],
)  # fmt: skip
def test_another_kind_is_named(tmp_path: Path, content: bytes, agreed: str, said: str) -> None:
    """Case b28 and those beside it."""
    path = tmp_path / "levering"
    path.write_bytes(content)
    with pytest.raises(UnreadableError) as error:
        refuse_other_kind(path, agreed)
    assert str(error.value) == said


@pytest.mark.parametrize(
    ("content", "agreed"),
    [
        (CSV, "csv"),
        (JSON, "json"),
        (WORKBOOK, "xlsx"),
        (b"PK;Naam\n", "csv"),
        (b"Nr\n[1]\n", "csv"),
        (b"Nr;Naam\n1;Jan\0sen\n", "csv"),
        (b"From: 1;Naam\n", "csv"),
        (b"1;2;3;4\nJansen     Weesp\n", "fixed"),
        (CSV.decode().encode("utf-16"), "csv"),
    ],
)
def test_the_agreed_kind_is_let_in(tmp_path: Path, content: bytes, agreed: str) -> None:
    path = tmp_path / "levering"
    path.write_bytes(content)
    refuse_other_kind(path, agreed)
