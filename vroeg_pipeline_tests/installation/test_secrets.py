"""The key of keyed hashes is made once, for its owner alone, and no other takes its place."""

from __future__ import annotations

import pytest

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.secrets import HASH_KEY, hash_key, keyed_hash
from vroeg_pipeline_tests.kit.world import World


def test_a_key_is_made_once(world: World) -> None:
    key = hash_key(world.home)
    assert len(key) == 32
    assert hash_key(world.home) == key
    assert world.home.hash_key.stat().st_mode & 0o777 == 0o600


def test_the_environment_goes_first_and_then_no_file_is_made(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HASH_KEY, "ab" * 32)
    assert hash_key(world.home) == b"\xab" * 32
    assert not world.home.hash_key.exists()


@pytest.mark.parametrize("content", ["", "ab", "zz" * 32])
def test_what_is_no_key_is_not_replaced(world: World, content: str) -> None:
    world.home.hash_key.write_text(content)
    with pytest.raises(VroegError, match="put the former key back"):
        hash_key(world.home)
    assert world.home.hash_key.read_text() == content


def test_a_hash_follows_from_key_and_text() -> None:
    # RFC 4231, test case 2, cut to 128 bits.
    assert keyed_hash(b"Jefe", "what do ya want for nothing?") == "5bdcc146bf60754e6a042426089575c7"
    assert keyed_hash(b"Jefe", "a") != keyed_hash(b"jefe", "a")
