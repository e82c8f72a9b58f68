"""What else a resident asks for: to be held back, not to be reported any more; and how that ends (DOMAIN §14)."""

from __future__ import annotations

from dataclasses import replace

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.requests import Asked, Request, all_requests, keep_request, lifted
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline.residents.finding import Found, Wanted, find_resident


def ask(warehouse: WarehouseResource, installation: Installation, wanted: Wanted, request: Request) -> Found:
    """Keeps a request to restrict or to object; runs follow it from now on. Gives what is held. Only by who holds the lock
    of the installation.

    `request`: with whose words and number; by whom they are known is filled in.
    """
    with warehouse.connect() as connection:
        found = find_resident(connection, installation, wanted)
        files = connection.execute("SELECT DISTINCT place.file_sha256 FROM resident_places ORDER BY 1").fetchall()
    before = tuple(file for (file,) in files) if request.kind == Asked.OBJECT else ()
    request = replace(request, identities=found.identities, subject=found.subject, files_before=before)
    keep_request(installation.home, request)
    return found


def lift(installation: Installation, number: int, by: str, reason: str) -> Request:
    """Ends the request of that number: later runs do without it. What was erased does not come back by it.

    Raises VroegError when there is no such request, or it ended before. Only by who holds the lock of the installation.
    """
    found = next((each for each in all_requests(installation.home) if each.number == number), None)
    see = f"see: {installation.home.command} subject list"
    if found is None:
        raise VroegError(f"there is no request {number}", do=see)
    if found.kind == Asked.EXPORT:
        raise VroegError(f"request {number} was for a copy, which changed nothing", do=see)
    if not found.is_in_force:
        raise VroegError(f"request {number} was lifted before", do=see)
    ended = lifted(found, by, reason, installation.now())
    keep_request(installation.home, ended)
    return ended
