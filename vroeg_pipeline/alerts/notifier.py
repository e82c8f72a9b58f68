"""How a message leaves: by e-mail, Teams, Slack or whatever else Apprise knows by URL (docs/adr/0010).

Sends one message to one URL. What is sent stands in `alerts.messages`; what waits, in `alerts.book`.
"""

from __future__ import annotations

import logging

from vroeg_pipeline.alerts.messages import Message
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.secrets import filled_in


def send(url: str, message: Message) -> None:
    """Sends a message to an Apprise URL, in which `${NAME}` stands for a variable of the environment.

    Raises VroegError, without the URL as that may hold a password, when it could not be handed over.
    """
    # Takes some tenths of a second, and only who has something to send needs it.
    import apprise

    # It logs URLs when they are wrong.
    logging.getLogger("apprise").setLevel(logging.CRITICAL)
    asset = apprise.AppriseAsset(
        app_id="Vroeg Eropaf", app_desc="early debt signalling", async_mode=False, storage_mode="memory"
    )
    channel = apprise.Apprise(asset=asset)
    if not channel.add(filled_in(url)):
        raise VroegError("is no address that Apprise knows", do="see the list of services of Apprise")
    handed_over = channel.notify(body=message.body, title=message.title, body_format=apprise.NotifyFormat.TEXT)
    if not handed_over:
        raise VroegError("did not take the message", do="check the address, and whether its server can be reached")
