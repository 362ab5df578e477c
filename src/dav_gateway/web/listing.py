"""The list of app passwords: each row in words, and the group it goes under."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from markupsafe import Markup

from dav_gateway.core.account import Account
from dav_gateway.core.credential import Credential, Reason
from dav_gateway.core.moment import DAY, Moment
from dav_gateway.service.throttle import prefix_of
from dav_gateway.web import naming, times
from dav_gateway.web.language import Words
from dav_gateway.web.refusals import Said, last_refusal

STALE = 90 * DAY
ENDS_SOON = 14 * DAY
LOOK_FOR = 7 * DAY
"""How long a refusal asks for a look."""


class Group(StrEnum):
    """The groups, in the order of the page."""

    LOOK = "look"
    WORKING = "working"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class State:
    """A pill: colour, icon and words; the words alone are enough."""

    tone: str
    icon: str
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """One app password as the list shows it."""

    credential: Credential
    group: Group
    state: State
    syncs: str
    used: Markup
    client: str
    said: Said | None = None
    other_program: str = ""
    """The program that was refused for being another kind, which the owner may allow."""

    @property
    def id(self) -> str:
        """The public id."""
        return self.credential.id

    @property
    def deleted(self) -> bool:
        """Whether it is history."""
        return self.credential.revoked_at is not None

    @property
    def paused(self) -> bool:
        """Whether it can be resumed."""
        return self.credential.paused_at is not None


def rows(words: Words, found: Iterable[Credential], owner: Account, now: Moment, address: str = "") -> list[Row]:
    """A row for each credential, the one used or made last first. `address` is where the person sits."""
    newest = sorted(found, key=lambda each: (each.last_used_at or each.created_at, each.id), reverse=True)
    return [row(words, each, owner, now, address) for each in newest]


def row(words: Words, credential: Credential, owner: Account, now: Moment, address: str = "") -> Row:
    """One credential in words."""
    group, state = _place(words, credential, now)
    said, other = None, ""
    if group is Group.LOOK:
        said = last_refusal(words, credential, owner, now)
        if credential.last_refusal_reason == Reason.CLIENT and credential.revoked_at is None:
            other = naming.program(words, credential.last_refusal_hint)
    return Row(
        credential,
        group,
        state,
        naming.syncs(words, credential),
        used(words, credential, now, address),
        naming.short_device(words, credential.service),
        said,
        other,
    )


def used(words: Words, credential: Credential, now: Moment, address: str = "") -> Markup:
    """When, with what and from where it was last used."""
    if credential.last_used_at is None:
        made = times.ago_element(words, credential.created_at, now)
        return times.filled(words.gettext("Made %(ago)s, never used"), ago=made)
    ago = times.ago_element(words, credential.last_used_at, now)
    client = naming.last_program(words, credential)
    there = credential.last_used_address or ""
    if address and there and prefix_of(there) == prefix_of(address):
        sentence = words.gettext("Used %(ago)s with %(client)s, on this network")
        return times.filled(sentence, ago=ago, client=client)
    sentence = words.gettext("Used %(ago)s with %(client)s, from %(address)s")
    return times.filled(sentence, ago=ago, client=client, address=there)


def _place(words: Words, credential: Credential, now: Moment) -> tuple[Group, State]:
    if credential.revoked_at is not None:
        trying = _refused_since(credential, credential.revoked_at, now)
        state = State("", "refused", words.gettext("Deleted"))
        return (Group.LOOK if trying else Group.QUIET), state
    if credential.paused_at is not None:
        return Group.QUIET, State("", "pause", words.gettext("Paused"))
    if credential.expires_at is not None and credential.expires_at <= now:
        ended = times.date(words, credential.expires_at, now)
        return Group.QUIET, State("stop", "clock", words.gettext("Ended on %(date)s", date=ended))
    if _needs_a_look(credential, now):
        return Group.LOOK, State("warn", "warn", words.gettext("Refused"))
    if credential.last_used_at is None:
        return Group.QUIET, State("", "never", words.gettext("Never used"))
    if now - credential.last_used_at >= STALE:
        unused = times.span(words, now - credential.last_used_at)
        return Group.QUIET, State("", "clock", words.gettext("Unused for %(time)s", time=unused))
    if credential.expires_at is not None and credential.expires_at - now < ENDS_SOON:
        left = times.days_left(words, credential.expires_at, now)
        return Group.WORKING, State("warn", "clock", words.gettext("Ends %(left)s", left=left))
    return Group.WORKING, State("ok", "check", words.gettext("Working"))


def _needs_a_look(credential: Credential, now: Moment) -> bool:
    """Whether a refusal still matters: of another kind of program for a week, any other until it works again."""
    if not _refused_since(credential, Moment(now - LOOK_FOR), now):
        return False
    if credential.last_refusal_reason == Reason.CLIENT:
        return credential.client_family is not None
    return (credential.last_refusal_at or 0) > (credential.last_used_at or 0)


def _refused_since(credential: Credential, since: Moment, now: Moment) -> bool:
    at = credential.last_refusal_at
    return at is not None and at >= since and now - at < LOOK_FOR
