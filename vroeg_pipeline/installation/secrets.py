"""Secrets in the settings: `${NAME}` stands for a variable of the environment, so that none is written down."""

from __future__ import annotations

import os
import re

from vroeg_pipeline.domain.errors import VroegError

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def filled_in(text: str, where: object = None) -> str:
    """The text with the variables that it names.

    Raises VroegError, with `where` the text stands, when one is not set.
    """

    def value(found: re.Match[str]) -> str:
        if not os.environ.get(found[1]):
            raise VroegError(f"{found[1]} is not set in the environment", where=where, do="set it for the daemon too")
        return os.environ[found[1]]

    return _VARIABLE.sub(value, text)
