"""How uses and refusals become rows: what the owner sees with the credential, and lines of the audit."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from dav_gateway.core.client_family import family_of
from dav_gateway.core.credential import Reason
from dav_gateway.core.moment import Moment
from dav_gateway.service.first_use import client_text
from dav_gateway.store import audit, credentials, receipts
from dav_gateway.store.audit import Event
from dav_gateway.store.credentials import RefusalNote, UseNote

USED = "used"
CLIENT_WARNED = "client_warned"
TWO_NETWORKS = "two_networks"

_DENIALS = frozenset({Reason.SCOPE, Reason.READ_ONLY, Reason.DIRECTORY})
_AUDIT_LOOKED_AT = 1000


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that happened at a request; of what was presented, only what may be kept.

    `hint` is a word for the owner's page: of MISTYPED the group, of CLIENT the family that came, of SCOPE the home that
    was asked for.
    """

    word: str
    credential_id: str | None
    reason: Reason | None
    at: Moment
    address: str
    user_agent: str
    request_id: str
    since: Moment | None = None
    """When it happened first, of several that are told as one."""
    hint: str | None = None


def word_of(reason: Reason) -> str:
    """The audit's word for a refusal."""
    if reason is Reason.THROTTLED:
        return "throttled"
    return "scope_denied" if reason in _DENIALS else "refused"


def write_last(connection: Connection, notes: Sequence[Note]) -> None:
    """Write last uses and last refusals to the credentials' rows. Last in a transaction: a revocation of any of them
    waits for the locks of these rows."""
    uses = [
        UseNote(note.credential_id, note.at, note.address, client_text(note.user_agent))
        for note in notes
        if note.credential_id and note.word == USED
    ]
    refusals = [
        RefusalNote(note.credential_id, note.at, note.reason.value, note.hint)
        for note in notes
        if note.credential_id and note.reason is not None
    ]
    for note in notes:
        if note.credential_id and note.reason is not None:
            since = note.at if note.since is None else note.since
            receipts.note_refused(connection, note.credential_id, since, client_text(note.user_agent))
    credentials.note_use(connection, uses)
    credentials.note_refusal(connection, refusals)


def append(connection: Connection, note: Note) -> None:
    """Append one note to the audit, unless it is about a well-formed id that nobody has."""
    owner = None
    if note.credential_id is not None:
        row = credentials.with_owner(connection, note.credential_id)
        if row is None:
            return
        owner = row[1].name
    detail = {} if note.reason is None else {"reason": note.reason.value}
    who = (note.address, family_of(note.user_agent), note.request_id)
    audit.append(connection, Event(note.at, note.word, owner, note.credential_id, None, *who, detail=detail))


def append_expired(connection: Connection, credential_id: str) -> None:
    """Append that the time of a credential ran out, unless the audit says so already."""
    row = credentials.with_owner(connection, credential_id)
    if row is None:
        return
    credential, owner = row
    if credential.expires_at is None:
        return
    told = audit.select(connection, credential_id=credential_id, limit=_AUDIT_LOOKED_AT)
    if not any(event.event == "expired" and event.at == credential.expires_at for event in told):
        audit.append(connection, Event(credential.expires_at, "expired", owner.name, credential_id))
