"""From where somebody signs in, as the throttle and the audit need it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from dav_gateway.core.client_family import family_of
from dav_gateway.core.moment import Moment
from dav_gateway.store import audit
from dav_gateway.store.audit import Event


@dataclass(frozen=True, slots=True)
class Caller:
    """The other end of a request to the page. `browser`: its name in words; `known`: the mark of one in which somebody
    signed in before; `session`: the digest of its session, which survives what it changes."""

    address: str
    user_agent: str = ""
    request_id: str = ""
    browser: str = ""
    known: str = field(default="", repr=False)
    session: str = field(default="", repr=False)


def note(
    connection: Connection,
    now: Moment,
    word: str,
    account: str | None,
    caller: Caller,
    *,
    detail: Mapping[str, object],
    actor: str | None = None,
) -> None:
    """Append an event of the page to the audit."""
    where = (caller.address, family_of(caller.user_agent), caller.request_id or None)
    audit.append(connection, Event(now, word, account, None, actor or account, *where, detail=detail))
