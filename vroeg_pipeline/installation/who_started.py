"""Who started a run in the UI: the user whom the proxy in front names, in the header that the settings name (DOMAIN §14).
Also of which town a run is.

The open-source webserver knows nobody. Named in `dagster.yaml`, as Dagster's documentation has it for this; what the UI
starts as a backfill is made into runs by the daemon, which sees no request, so the webserver tells there too.
"""

import dagster as dg
from dagster._core.run_coordinator import QueuedRunCoordinator, SubmitRunContext
from dagster._core.workspace.context import BaseWorkspaceRequestContext, WorkspaceRequestContext
from starlette.requests import HTTPConnection

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.cooperation import homes_of_environment
from vroeg_pipeline.installation.dagster_home import STARTED_BY
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.log import UNKNOWN_USER
from vroeg_pipeline.installation.town import ALONE, Town

_LONGEST = 100


def _user(request: HTTPConnection) -> str:
    """Whom the request names. A header that stands there twice was sent by somebody else than the proxy as well."""
    header = _header()
    named = request.headers.getlist(header) if header else []
    # A proxy writes names in UTF-8, and headers are read as Latin-1.
    name = named[0].encode("latin-1").decode(errors="replace") if len(named) == 1 else ""
    return "".join(c for c in name if c.isprintable()).strip()[:_LONGEST] or UNKNOWN_USER


def _header() -> str | None:
    """The name of the header. Many towns stand behind one proxy: it counts where those that name one name the same."""
    homes, named = homes_of_environment(), set()
    for home in homes:
        try:
            named.add(Installation.load_or_last_good(home).settings.log.user_header)
        except VroegError:
            # What is wrong with one of many hinders no other.
            if len(homes) == 1:
                raise
    named.discard(None)
    return named.pop() if len(named) == 1 else None


def tags_of(workspace: BaseWorkspaceRequestContext) -> dict[str, str]:
    """The tag of what a request of the UI starts; none where it was no request, as in the daemon."""
    source = workspace.source if isinstance(workspace, WorkspaceRequestContext) else None
    return {STARTED_BY: _user(source)} if isinstance(source, HTTPConnection) else {}


def name_who_starts_backfills() -> None:
    """Lets the webserver of this process write it on backfills: Dagster asks for it there, and has no place to answer."""
    BaseWorkspaceRequestContext.get_viewer_tags = lambda self: tags_of(self)  # type: ignore[method-assign]


class NamingRunCoordinator(QueuedRunCoordinator[dg.DagsterInstance]):
    """The queue, which notes who put a run into it, and its town; what the run had of an earlier one or the Launchpad does
    not count.
    """

    def submit_run(self, context: SubmitRunContext) -> dg.DagsterRun:
        """Puts the run into the queue. Whatever starts one, the command line apart, comes along here."""
        origin = context.dagster_run.remote_job_origin
        town = Town.at(origin.repository_origin.code_location_origin.location_name) if origin else ALONE
        if tags := {**tags_of(context.workspace), **town.tags}:
            self._instance.add_run_tags(context.dagster_run.run_id, tags)
        return super().submit_run(context)
