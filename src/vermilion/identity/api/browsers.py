"""What a new session keeps of the browser that opens it."""

from datetime import datetime
from uuid import UUID

from fastapi import Request

from vermilion.db import Tx
from vermilion.identity.access import ip_of
from vermilion.identity.api.cookies import session_token
from vermilion.identity.commands.sessions import open_session


class Browser:
    """A browser, or a program, that asks to come in."""

    def __init__(self, request: Request) -> None:
        self.former_token = session_token(request)
        agent = request.headers.get("user-agent", "")
        self.user_agent = "".join(char for char in agent if char.isprintable()) or None
        self.ip = ip_of(request)

    def open_session(self, tx: Tx, user_id: UUID, now: datetime) -> str:
        """A new session for this person, in place of the one the browser had; its token."""
        return open_session(
            tx, user_id, replaces_token=self.former_token, user_agent=self.user_agent, ip=self.ip, now=now
        )
