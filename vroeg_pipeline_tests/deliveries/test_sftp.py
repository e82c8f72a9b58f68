"""Deliveries by SFTP: what deploy/sftp says, on a real sshd, with programs as partners have them."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from vroeg_pipeline.deliveries.inbox import archive_file, list_month
from vroeg_pipeline.installation.home import CHECKOUT, Home
from vroeg_pipeline_tests.kit.world import month

# Accounts that every Debian has, so that none need be made; partners may be called so.
PARTNER, OTHER = "games", "news"
MARCH = month("2021-03")
_PATIENCE = 30.0


@dataclass(frozen=True)
class Sftp:
    """A running server for two partners. `folder`: what stands for /srv/sftp."""

    folder: Path
    port: int
    own: Path

    def inbox(self, partner: str = PARTNER) -> Path:
        """What stands for the inbox of the installation, with the folder of this partner in it."""
        return self.folder / partner

    def options(self, *, key: str = PARTNER) -> list[str]:
        """What all programs are told of the server and the key."""
        known = f"UserKnownHostsFile={self.own / 'known_hosts'}"
        return [
            "-F", "none", "-i", str(self.own / key), "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", known,
            "-o", "StrictHostKeyChecking=yes",
        ]  # fmt: skip

    def command(self, *options: str, partner: str = PARTNER) -> list[str]:
        """The OpenSSH program, reading what to do from its input."""
        ssh = ["-S", str(_program("ssh"))]
        return [
            str(_program("sftp")), *ssh, *self.options(), "-P", str(self.port), "-b", "-", *options,
            f"{partner}@127.0.0.1",
        ]  # fmt: skip

    def do(self, *lines: str, partner: str = PARTNER) -> subprocess.CompletedProcess[str]:
        """What came of these lines; the first that fails ends it."""
        text = "\n".join([*lines, ""])
        command = self.command(partner=partner)
        return subprocess.run(command, input=text, capture_output=True, text=True, timeout=_PATIENCE, check=False)

    def ssh(self, *options: str) -> subprocess.CompletedProcess[str]:
        """What came of a try to do something else than SFTP."""
        command = [str(_program("ssh")), *self.options(), "-p", str(self.port), *options]
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )


def _program(name: str) -> Path:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.skip(f"OpenSSH is not installed ({name}): apt-get install openssh-server openssh-client")
    return Path(found)


def _as_root(*command: str | Path) -> list[str]:
    """The command by root, as a chroot needs; skips where nobody is root here."""
    words = [str(word) for word in command]
    if os.geteuid() == 0:
        return words
    if shutil.which("sudo") is None or subprocess.run(["sudo", "-n", "true"], check=False).returncode:
        pytest.skip("a chroot needs root: run this test as root, or with sudo")
    return ["sudo", "-n", *words]


def _root(*command: str | Path) -> None:
    subprocess.run(_as_root(*command), check=True, capture_output=True)


@pytest.fixture(scope="module")
def sftp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sftp]:
    sshd, own = _program("sshd"), tmp_path_factory.mktemp("sftp")
    # Nobody but root may write in any folder above it, so not under /tmp.
    folder = Path(f"/srv/vroeg-sftp-{os.getpid()}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    try:
        _root("install", "-d", "-m", "0755", "/run/sshd", folder, folder / "keys")
        for name in ("host_key", PARTNER, OTHER):
            keygen = [str(_program("ssh-keygen")), "-q", "-t", "ed25519", "-N", "", "-f", str(own / name)]
            subprocess.run(keygen, check=True)
        _root("install", "-m", "0600", own / "host_key", folder)
        for partner in (PARTNER, OTHER):
            _root("install", "-m", "0644", own / f"{partner}.pub", folder / "keys" / partner)
            _root("install", "-d", "-m", "0755", folder / partner)
            group = str(os.getegid())
            _root("install", "-d", "-o", partner, "-g", group, "-m", "2770", folder / partner / partner)
        config = (CHECKOUT / "deploy/sftp/sshd_config").read_text(encoding="utf-8")
        for written, here in (
            ("Port 2222", f"Port {port}\nListenAddress 127.0.0.1"), ("/etc/vroeg/sftp", str(folder)),
            ("/srv/sftp", str(folder)), ("AllowGroups vroeg-partners", f"AllowUsers {PARTNER} {OTHER}"),
        ):  # fmt: skip
            assert written in config
            config = config.replace(written, here)
        (own / "sshd_config").write_text(config, encoding="utf-8")
        public = (own / "host_key.pub").read_text(encoding="utf-8")
        (own / "known_hosts").write_text(f"[127.0.0.1]:{port} {public}", encoding="utf-8")
        server = subprocess.Popen(
            _as_root(sshd, "-D", "-e", "-f", own / "sshd_config"), stderr=(own / "sshd.log").open("w")
        )
        try:
            _wait(lambda: _listens(port), lambda: (own / "sshd.log").read_text(encoding="utf-8"))
            yield Sftp(folder, port, own)
        finally:
            _root("kill", str(server.pid))
            server.wait(_PATIENCE)
    finally:
        _root("rm", "-rf", folder)


def _listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def _wait(until: Callable[[], object], said: Callable[[], str]) -> None:
    end = time.monotonic() + _PATIENCE
    while not until():
        assert time.monotonic() < end, said()
        time.sleep(0.05)


def later() -> datetime:
    """When everything has settled."""
    return datetime.now(UTC) + timedelta(hours=1)


def names(sftp: Sftp, partner: str = PARTNER) -> tuple[list[str], list[str]]:
    """What the intake finds whole, and what of it is still being written."""
    found = list_month(sftp.inbox(partner), MARCH, 10, later())
    return [file.name for file in found.files], [file.name for file in found.unfinished]


def test_an_upload_that_was_cut_off_is_resumed_and_taken_in_when_it_has_its_name(sftp: Sftp, tmp_path: Path) -> None:
    file = tmp_path / "levering.csv"
    file.write_bytes(random.Random(1).randbytes(1_000_000))
    file.chmod(0o664)
    os.utime(file, (0, 0))
    assert sftp.do("mkdir 2021-03").returncode == 0
    arriving = sftp.inbox() / PARTNER / "2021-03" / "levering.csv.part"

    def arrived() -> int:
        return arriving.stat().st_size if arriving.exists() else 0

    slow = sftp.command("-l", "400")  # kilobits a second
    with subprocess.Popen(slow, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as cut_off:
        assert cut_off.stdin is not None
        cut_off.stdin.write(f"put {file} 2021-03/levering.csv.part\n".encode())
        cut_off.stdin.flush()
        _wait(arrived, lambda: "nothing came")
        cut_off.kill()
    assert 0 < arrived() < file.stat().st_size
    assert names(sftp) == ([], ["levering.csv.part"])
    done = sftp.do(f"reput {file} 2021-03/levering.csv.part", "rename 2021-03/levering.csv.part 2021-03/levering.csv")
    assert done.returncode == 0, done.stderr
    assert names(sftp) == (["levering.csv"], [])
    (found,) = list_month(sftp.inbox(), MARCH, 10, later()).files
    kept = archive_file(Home(tmp_path / "home"), found, PARTNER, 50)
    assert kept.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    # For the partner and our group, nobody else; and it came when it came, not when it was made.
    assert (found.path.stat().st_mode & 0o777, found.path.stat().st_gid) == (0o660, os.getegid())
    assert datetime.now(UTC) - found.received_at < timedelta(minutes=10)
    assert list_month(sftp.inbox(), MARCH, 10, found.received_at + timedelta(seconds=5)).files == []  # not settled


@pytest.mark.parametrize(
    "line",
    [
        f"ls /{OTHER}",
        f"ls ../../{OTHER}/{OTHER}",
        f"put known_hosts /{OTHER}/levering.csv",
        "put known_hosts /levering.csv",  # beside its folder
        f"mkdir /{OTHER}",
        "get /etc/passwd",
        "symlink /etc/passwd geheim.csv",
        f"symlink ../../{OTHER} anderen",
        "ln known_hosts geheim.csv",
        "chmod 777 .",
    ],
)
def test_what_a_partner_may_not_do(sftp: Sftp, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.chdir(sftp.own)
    assert sftp.do("put known_hosts").returncode == 0
    before = {path: path.lstat().st_mode for path in sftp.folder.rglob("*")}
    assert sftp.do(line).returncode != 0
    assert {path: path.lstat().st_mode for path in sftp.folder.rglob("*")} == before


def test_nobody_says_when_a_file_came(sftp: Sftp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(sftp.own)
    (sftp.own / "oud.csv").write_bytes(b"a;b\n")
    os.utime(sftp.own / "oud.csv", (0, 0))
    done = sftp.do("mkdir 2021-04", "put -p oud.csv 2021-04/levering.csv")
    assert (done.returncode, done.stderr) == (0, "remote fsetstat: Permission denied\n")  # a warning; the file came
    (came,) = list_month(sftp.inbox(), month("2021-04"), 10, later()).files
    assert datetime.now(UTC) - came.received_at < timedelta(minutes=10)


def test_a_partner_sees_its_own_folder_alone(sftp: Sftp) -> None:
    (sftp.own / "een.csv").write_bytes(b"a;b\n")
    assert sftp.do("pwd", "ls -1 /").stdout.splitlines()[1:] == [
        f"Remote working directory: /{PARTNER}", "sftp> ls -1 /", f"/{PARTNER}",
    ]  # fmt: skip
    assert names(sftp, OTHER) == ([], [])


def test_a_partner_comes_in_with_its_own_key_and_for_files_alone(sftp: Sftp) -> None:
    assert "Permission denied (publickey)" in sftp.do("ls", partner=OTHER).stderr  # with the key of the first
    assert "Permission denied (publickey)" in sftp.do("ls", partner="root").stderr
    done = sftp.ssh(f"{PARTNER}@127.0.0.1", "id")
    assert "uid=" not in done.stdout
    through = sftp.ssh("-W", f"127.0.0.1:{sftp.port}", f"{PARTNER}@127.0.0.1")
    assert through.returncode != 0
    assert "prohibited" in through.stderr
