"""An account: a person of the company, the owner of collections and credentials."""

import re
from dataclasses import dataclass

from dav_gateway.core.moment import EPOCH, Moment

NAME_PATTERN = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
"""An account name is one path segment that needs no escaping and no case folding; it has no `@` because iOS 18.4
fails on user names that have one."""

EMAIL_PATTERN = re.compile(r"[^\s@:/\x00-\x1f\x7f]{1,64}@[^\s@:/\x00-\x1f\x7f]{1,255}")


@dataclass(frozen=True, slots=True)
class Account:
    """One row of `account`. `name` and `email` are lower case and unique; `id` never leaves the process."""

    id: int
    name: str
    email: str
    display_name: str
    admin: bool = False
    active: bool = True
    language: str = "en"
    phones: tuple[str, ...] = ()
    title: str = ""
    department: str = ""
    password_verifier: str | None = None
    provisioned: bool = False
    created_at: Moment = EPOCH

    def __repr__(self) -> str:
        return f"Account({self.name})"

    def answers_to(self, login: str) -> bool:
        """Whether `login`, as a person typed it, names this account: its name or e-mail, in any case."""
        typed = login.strip().lower()
        return typed in (self.name, self.email)
