"""What a broken ZIP raises is the sender's; what code of ours raises over a whole one is not."""

from __future__ import annotations

import errno
import io
import zipfile
from pathlib import Path

import pytest

from vroeg_pipeline.formats.zip_files import BrokenZipError, broken_zip_told


def whole(method: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as written:
        written.writestr("deel.xml", b"Jansen" * 500)
    return content.getvalue()


@pytest.mark.parametrize("error", [ValueError, EOFError, NotImplementedError])
def test_a_mistake_of_ours_is_not_called_the_senders(error: type[Exception]) -> None:
    with pytest.raises(error, match="ours"), broken_zip_told(), zipfile.ZipFile(io.BytesIO(whole())):
        raise error("ours")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("place", range(0, 120, 3))
def test_damage_anywhere_is_a_broken_zip_or_read_all_the_same(method: int, place: int) -> None:
    damaged = bytearray(whole(method))
    for at in (place, len(damaged) - 1 - place):
        damaged[at % len(damaged)] ^= 0xFF
    told = ""
    try:
        with broken_zip_told(), zipfile.ZipFile(io.BytesIO(bytes(damaged))) as container:
            for member in container.infolist():
                # Who asks for a password is told apart before anything is read.
                if not member.flag_bits & 0x1:
                    container.read(member)
    except BrokenZipError as error:
        told = str(error)
    assert "Jansen" not in told


def test_a_method_that_zipfile_does_not_know_is_a_broken_zip() -> None:
    unknown = whole().replace(b"\x08\x00", b"\x63\x00")
    with pytest.raises(BrokenZipError), broken_zip_told(), zipfile.ZipFile(io.BytesIO(unknown)) as container:
        container.read("deel.xml")


def test_a_member_that_goes_on_behind_the_end_of_the_file_is_a_broken_zip() -> None:
    longer = bytearray(whole(zipfile.ZIP_STORED))
    # Both sizes in the directory: a million bytes.
    longer[(at := longer.rindex(b"PK\x01\x02") + 20) : at + 8] = (10**6).to_bytes(4, "little") * 2
    with pytest.raises(BrokenZipError), broken_zip_told(), zipfile.ZipFile(io.BytesIO(bytes(longer))) as container:
        container.read("deel.xml")


def test_a_member_that_begins_before_the_file_is_a_broken_zip_in_memory_and_on_disk(tmp_path: Path) -> None:
    before = bytearray(whole())
    # Where the directory begins, as the end says: a hundred bytes later than it does, and so is all that is counted from it.
    at = before.rindex(b"PK\x05\x06") + 16
    before[at : at + 4] = (int.from_bytes(before[at : at + 4], "little") + 100).to_bytes(4, "little")
    path = tmp_path / "levering.zip"
    path.write_bytes(before)
    for file in (path, io.BytesIO(bytes(before))):
        with pytest.raises(BrokenZipError), broken_zip_told(), zipfile.ZipFile(file) as container:
            container.read("deel.xml")


def test_what_our_own_disk_cannot_do_is_not_called_the_senders() -> None:
    with pytest.raises(OSError, match="no room") as raised, broken_zip_told():
        raise OSError(errno.ENOSPC, "no room")
    assert raised.value.errno == errno.ENOSPC
