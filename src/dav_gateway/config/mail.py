"""Settings of mail and of signed profiles, and what must be given together."""
# ruff: noqa: RUF009 - setting() makes fields, as dataclasses.field() does

import re
from dataclasses import dataclass
from pathlib import Path

from dav_gateway.config.kinds import Unfit, choice, optional_path, text, whole
from dav_gateway.config.reader import setting
from dav_gateway.core.account import EMAIL_PATTERN

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9a-fA-F:]+")


def _host(given: str) -> str:
    if given and not _HOST.fullmatch(given):
        raise Unfit
    return given


def _address(given: str) -> str:
    if given and not (EMAIL_PATTERN.fullmatch(given) and given.isascii()):
        raise Unfit
    return given


@dataclass(frozen=True, slots=True)
class MailSettings:
    """Whether and how people are told by mail."""

    transport: str = setting("none", choice("none", "smtp", "directory", "console"))
    from_address: str = setting("", text("empty or an e-mail address in ASCII", _address))
    directory: Path | None = setting(None, optional_path())
    host: str = setting("", text("empty or the name of a host", _host))
    port: int = setting(587, whole(1, 65535))
    tls: str = setting("starttls", choice("starttls", "implicit", "none"))
    user: str = setting("", text("text", str))
    password: str = setting("", text("text", str, secret=True))

    def mistakes(self) -> list[str]:
        """What is missing, a sentence each."""
        if self.transport == "none":
            return []
        found = [] if self.from_address else ["mail.from_address is needed to send mail."]
        if self.transport == "directory" and self.directory is None:
            found.append('mail.directory is needed when mail.transport is "directory".')
        if self.transport == "smtp":
            found += self._smtp_mistakes()
        return found

    def _smtp_mistakes(self) -> list[str]:
        found = [] if self.host else ['mail.host is needed when mail.transport is "smtp".']
        if bool(self.user) != bool(self.password):
            found.append("mail.user and mail.password must be given together.")
        return found


@dataclass(frozen=True, slots=True)
class ProfileSettings:
    """The certificate that signs Apple profiles, and its key."""

    certificate: Path | None = setting(None, optional_path())
    key: Path | None = setting(None, optional_path())

    def mistakes(self) -> list[str]:
        """What is missing, a sentence each."""
        together = (self.certificate is None) == (self.key is None)
        return [] if together else ["profiles.certificate and profiles.key must be given together."]
