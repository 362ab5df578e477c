"""Why a request was refused, as two sentences for the owner: what happened, then what to do."""

from dataclasses import dataclass

from dav_gateway.core.account import Account
from dav_gateway.core.credential import Credential, Reason
from dav_gateway.core.moment import Moment
from dav_gateway.web import naming, times
from dav_gateway.web.language import Words


@dataclass(frozen=True, slots=True)
class Said:
    """The fact and the advice."""

    fact: str
    advice: str


def last_refusal(words: Words, credential: Credential, owner: Account, now: Moment) -> Said | None:
    """What is said of the credential's last refusal; None when there was none."""
    if credential.last_refusal_at is None or credential.last_refusal_reason is None:
        return None
    why, advice = _why(words, Reason(credential.last_refusal_reason), credential, owner)
    ago = times.ago(words, credential.last_refusal_at, now)
    return Said(words.gettext("Refused %(ago)s: %(why)s.", ago=ago, why=why), advice)


def in_short(words: Words, reason: str) -> str:
    """The reason alone, for administrators."""
    match reason:
        case Reason.MISTYPED:
            return words.gettext("Mistyped")
        case Reason.UNKNOWN | Reason.WRONG_SECRET | Reason.NOT_OWNER:
            return words.gettext("Wrong password or user name")
        case Reason.REVOKED:
            return words.gettext("Deleted device still trying")
        case Reason.EXPIRED | Reason.PAUSED | Reason.ACCOUNT_INACTIVE:
            return words.gettext("Ended or paused")
        case Reason.CLIENT:
            return words.gettext("Another kind of program")
        case Reason.ADDRESS:
            return words.gettext("Another network")
        case Reason.SCOPE | Reason.READ_ONLY | Reason.DIRECTORY:
            return words.gettext("Outside what it may sync")
        case _:
            return words.gettext("Too many attempts")


def _why(words: Words, reason: Reason, credential: Credential, owner: Account) -> tuple[str, str]:
    hint = credential.last_refusal_hint
    match reason:
        case Reason.MISTYPED if hint:
            return (
                words.gettext("mistyped, probably in group %(group)s", group=hint),
                words.gettext("Check that group of five, or use Copy."),
            )
        case Reason.MISTYPED:
            return words.gettext("mistyped"), words.gettext("Type the password again, or use Copy.")
        case Reason.WRONG_SECRET:
            return (
                words.gettext("the password is not right"),
                words.gettext("It begins like this one and goes on differently. Copy it again, or make a new one."),
            )
        case Reason.NOT_OWNER:
            return (
                words.gettext("the user name is another one"),
                words.gettext("The user name for your devices is %(name)s.", name=owner.name),
            )
        case Reason.CLIENT:
            seen = naming.program(words, hint)
            return (
                words.gettext(
                    "this is %(seen)s, the password is for %(expected)s",
                    seen=seen,
                    expected=naming.program(words, credential.client_family),
                ),
                words.gettext(
                    "If you set up %(seen)s yourself, allow it. If not, delete this password: another may have it.",
                    seen=seen,
                ),
            )
        case Reason.SCOPE if hint == "contacts":
            return (
                words.gettext("a calendar password was used for contacts"),
                words.gettext("Add a calendar account on the device, not a contacts account."),
            )
        case Reason.SCOPE if hint == "calendars":
            return (
                words.gettext("a contacts password was used for a calendar"),
                words.gettext("Add a contacts account on the device, not a calendar account."),
            )
        case _:
            return _rest(words, reason)


def _rest(words: Words, reason: Reason) -> tuple[str, str]:
    match reason:
        case Reason.SCOPE:
            return (
                words.gettext("it asked for something that this password does not open"),
                words.gettext("Make a password for it if you need it."),
            )
        case Reason.READ_ONLY:
            return (
                words.gettext("it tried to change something, and this password only reads"),
                words.gettext("Make a password that reads and changes, if that is what you want."),
            )
        case Reason.DIRECTORY:
            return (
                words.gettext("it tried to change the list of employees"),
                words.gettext("That list comes from the company, and no device can change it."),
            )
        case Reason.ADDRESS:
            return (
                words.gettext("it came from a network that this password is not for"),
                words.gettext("If it was not you, delete this password."),
            )
        case Reason.PAUSED:
            return words.gettext("the password is paused"), words.gettext("Resume it when you need it again.")
        case Reason.EXPIRED:
            return words.gettext("the password has ended"), words.gettext("Make a new one for this device.")
        case Reason.REVOKED:
            return (
                words.gettext("the password was deleted"),
                words.gettext("To stop it asking, remove the account on that device."),
            )
        case Reason.ACCOUNT_INACTIVE:
            return words.gettext("the account is not active"), words.gettext("Ask your administrator.")
        case _:
            return (
                words.gettext("too many wrong attempts from that address"),
                words.gettext("Wait a few minutes, then copy the password once more."),
            )
