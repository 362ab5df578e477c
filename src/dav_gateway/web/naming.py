"""Devices, programs, and what is synced, in the words of the page."""

from dav_gateway.core.account import Account
from dav_gateway.core.client_family import family_of, title_of
from dav_gateway.core.credential import Credential, Service
from dav_gateway.core.scope import EMPLOYEES, Access, Scope
from dav_gateway.web.language import Words

DEVICES = (
    Service.IPHONE,
    Service.ANDROID,
    Service.THUNDERBIRD,
    Service.OUTLOOK,
    Service.MAC,
    Service.EVOLUTION,
    Service.OTHER,
)


def device(words: Words, service: Service) -> str:
    """A service or device as the person chooses it."""
    match service:
        case Service.IPHONE:
            return words.gettext("iPhone or iPad")
        case Service.OTHER:
            return words.gettext("Something else")
        case _:
            return service.value.capitalize()


def short_device(words: Words, service: Service) -> str:
    """The same in a list, where a name stands beside it."""
    match service:
        case Service.IPHONE:
            return "iPhone"
        case Service.OTHER:
            return words.gettext("Other")
        case _:
            return service.value.capitalize()


def comment_for(words: Words, service: Service, display_name: str) -> str:
    """The comment that is proposed: `Ana's iPhone`."""
    if service is Service.OTHER:
        return words.gettext("Another device")
    name = next(iter(display_name.split()), display_name)
    return words.gettext("%(name)s's %(device)s", name=name, device=short_device(words, service))


def program(words: Words, family: str | None) -> str:
    """A client family as a person calls it."""
    match family:
        case None:
            return words.gettext("a program that does not say its name")
        case "ios":
            return "iPhone"
        case "davx5":
            return "DAVx5"
        case "caldav-synchronizer":
            return "Outlook"
        case "evolution":
            return "Evolution"
        case "command-line":
            return words.gettext("a command line program")
        case _:
            return title_of(family)


def last_program(words: Words, credential: Credential) -> str:
    """What the credential was last used with."""
    return program(words, family_of(credential.last_used_client or ""))


def kind_of(credential: Credential) -> str:
    """Which of the four choices the credential stands for, by what it may reach."""
    if credential.scopes == frozenset({Scope.CALENDARS}):
        return "calendar"
    if credential.scopes == frozenset({Scope.CONTACTS}):
        return "employees" if credential.collections == frozenset({EMPLOYEES}) else "contacts"
    return "both"


def choice(words: Words, kind: str) -> str:
    """One of the four choices."""
    match kind:
        case "calendar":
            return words.gettext("Calendar")
        case "contacts":
            return words.gettext("Contacts and employees")
        case "employees":
            return words.gettext("Employees only")
        case _:
            return words.gettext("Calendar and contacts")


def syncs(words: Words, credential: Credential) -> str:
    """`Calendar and contacts, read only`."""
    what = choice(words, kind_of(credential))
    if credential.access is Access.READ_ONLY:
        return words.gettext("%(what)s, read only", what=what)
    return words.gettext("%(what)s, read and change", what=what)


def actor(words: Words, by: str | None, reader: Account) -> str:
    """Who did something, as the reader calls them: `Deleted by you`."""
    if by == reader.name:
        return words.gettext("you")
    if by == "rotation":
        return words.gettext("the password that replaced it")
    if by is not None and by.startswith("api:"):
        return words.gettext("the portal %(name)s", name=by.removeprefix("api:"))
    return by or words.gettext("Nobody we know")


def browser(words: Words, user_agent: str) -> str:
    """A browser as its owner recognises it: `Firefox, Windows`. The order matters: many name several."""
    engine = _first(user_agent, ("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"),
                    ("CriOS/", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))  # fmt: skip
    system = _first(user_agent, ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
                    ("Mac OS X", "macOS"), ("Linux", "Linux"))  # fmt: skip
    known = ", ".join(filter(None, (engine, system)))
    return known or words.gettext("Unknown browser")


def _first(text: str, *marks: tuple[str, str]) -> str:
    return next((name for mark, name in marks if mark in text), "")
