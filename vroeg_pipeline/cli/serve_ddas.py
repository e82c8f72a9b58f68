"""`vroeg serve-ddas`: answers CBS, from what the runs of the months have kept for it, until it is stopped."""

from __future__ import annotations

from rich.console import Console

from vroeg_pipeline.ddas.answers import months_unanswered
from vroeg_pipeline.ddas.file import unnamed_said
from vroeg_pipeline.ddas.serving import serve, server_of
from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation


def serve_ddas(home: Home, host: str | None, port: int | None, out: Console, problems: Console) -> None:
    """Serves until SIGINT or SIGTERM.

    Raises VroegError where settings, certificates or keys are not right, or the port is not free.
    """
    installation = Installation.load(home)
    server = server_of(installation, host, port)
    if to_do := unnamed_said(installation):
        problems.print(f"! {to_do}", markup=False)
    if lacking := months_unanswered(home):
        first, last = month_text(lacking[0]), month_text(lacking[-1])
        problems.print(
            f"! {len(lacking)} of the months that were run have no answers, as they ran before runs kept any: who asks for "
            f"them is told so. Run them again: {home.command} run --from {first} --to {last}",
            markup=False,
            soft_wrap=True,
        )
    serve(server, lambda address: out.print(f"Answering on {address}/gegevens, until Ctrl-C", soft_wrap=True))
