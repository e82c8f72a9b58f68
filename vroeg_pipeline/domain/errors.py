"""The one exception that reaches a person: what is wrong, where, and what to do, in one line.

Only mistakes that somebody outside the code can mend belong here (a wrong agreement, a wrong key, a month that
does not exist). A bug of ours keeps its own exception and its traceback.
"""


class VroegError(Exception):
    """A mistake that the reader of the message can mend. Its text is one line without personal data (DOMAIN §12)."""

    def __init__(self, what: str, *, where: object = None, do: str | None = None) -> None:
        parts = [f"{where}: {what}" if where is not None else what]
        if do:
            parts.append(do)
        super().__init__("; ".join(part.replace("\n", " ").strip() for part in parts))
