"""A real SMTP server in a thread, which keeps what it takes and refuses what it is told to."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from ssl import SSLContext

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class PostOffice:
    """`answers` are given to the next messages in order, then 250."""

    port: int = 0
    taken: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    users: list[str] = field(default_factory=list)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        if self.answers:
            return self.answers.pop(0)
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.taken.append(message)
        self.recipients.append([str(each) for each in envelope.rcpt_tos])
        return "250 taken"

    def authenticate(self, *given: object) -> AuthResult:
        secret = given[-1]
        assert isinstance(secret, LoginPassword)
        self.users.append(secret.login.decode())
        return AuthResult(success=secret.password == b"letmein")


@contextmanager
def post_office(tls: SSLContext | None = None) -> Iterator[PostOffice]:
    """The server, until the block ends. With `tls` it wants STARTTLS and then a sign-in."""
    office, loop = PostOffice(), asyncio.new_event_loop()

    def connected() -> SMTP:
        if tls is None:
            return SMTP(office, loop=loop)
        return SMTP(
            office,
            loop=loop,
            tls_context=tls,
            require_starttls=True,
            auth_required=True,
            authenticator=office.authenticate,
        )

    server = loop.run_until_complete(loop.create_server(connected, "127.0.0.1", 0))
    office.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield office
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def text_of(message: EmailMessage) -> str:
    """The one plain text part that a message is."""
    assert message.get_content_type() == "text/plain"
    content = message.get_content()
    assert isinstance(content, str)
    return content.replace("\r\n", "\n")  # as it came over the wire


def files(folder: Path) -> list[EmailMessage]:
    """The messages of a folder, oldest first."""
    found = []
    for path in sorted(folder.glob("*.eml")):
        message = message_from_bytes(path.read_bytes(), policy=default)
        assert isinstance(message, EmailMessage)
        found.append(message)
    return found
