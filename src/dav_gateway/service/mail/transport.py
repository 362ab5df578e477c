"""Where messages go: an SMTP server, files in a folder, or standard error."""

import smtplib
import ssl
import sys
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from pathlib import Path
from typing import Protocol

TIMEOUT = 10.0
_PERMANENT = 500


class NotDelivered(Exception):
    """The message was not taken. `str()` is short and quotes nothing of the message; `permanent`: trying again with the
    same message is no use."""

    def __init__(self, why: str, *, permanent: bool = False) -> None:
        super().__init__(why)
        self.permanent = permanent


class Transport(Protocol):
    """One way out."""

    def send(self, message: EmailMessage, name: str) -> None:
        """Deliver it, or raise NotDelivered. `name` tells letters apart, and is the same at every attempt."""


@dataclass(frozen=True, slots=True)
class Smtp:
    """An SMTP server (RFC 5321), spoken to by `smtplib`; a connection for each message, which are few.

    `tls`: `implicit` (RFC 8314), `none`, or `starttls`, which everything else means too.
    """

    host: str
    port: int
    tls: str
    user: str = ""
    password: str = field(default="", repr=False)
    context: ssl.SSLContext | None = None

    def send(self, message: EmailMessage, name: str) -> None:  # noqa: ARG002 - of the protocol
        """Deliver it, or raise NotDelivered."""
        try:
            with self._connected() as server:
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _text in error.recipients.values()]
            permanent = all(code >= _PERMANENT for code in codes)
            raise NotDelivered(f"the recipient was refused ({codes[0]})", permanent=permanent) from error
        except smtplib.SMTPDataError as error:
            raise NotDelivered(
                f"the message was refused ({error.smtp_code})", permanent=error.smtp_code >= _PERMANENT
            ) from error
        except smtplib.SMTPResponseException as error:
            raise NotDelivered(f"the mail server answered {error.smtp_code}") from error
        except (OSError, smtplib.SMTPException, ValueError) as error:
            # Only the type: texts of errors may quote what was sent, the password for the mail server among it.
            raise NotDelivered(f"the mail server could not be used ({type(error).__name__})") from error

    def _connected(self) -> smtplib.SMTP:
        context = self.context or ssl.create_default_context()
        if self.tls == "implicit":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT, context=context)
        server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT)
        if self.tls != "none":
            try:
                server.starttls(context=context)
            except BaseException:
                server.close()
                raise
        return server


@dataclass(frozen=True, slots=True)
class Folder:
    """A file for each message, for examples and for other programs that deliver. A folder that is made is for the user
    of this process alone: a message may hold a link to choose a new password."""

    path: Path

    def send(self, message: EmailMessage, name: str) -> None:
        """Write `<name>.eml`, complete or not at all."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = self.path / f".{name}.part"
            part.write_bytes(message.as_bytes(policy=WIRE))
            part.replace(self.path / f"{name}.eml")
        except OSError as error:
            raise NotDelivered(f"the file could not be written ({error.strerror})") from error


@dataclass(frozen=True, slots=True)
class Console:
    """Standard error, for looking around."""

    def send(self, message: EmailMessage, name: str) -> None:
        """Write it."""
        body = message.get_content()
        sys.stderr.write(f"--- mail {name} to {message['To']}: {message['Subject']}\n{body}---\n")
