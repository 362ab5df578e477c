"""What an account finds at its first sign-in: a calendar for events and busy times, a task list, an address book.

Apple's devices make "Reminders" lists again and again in a home without a VTODO calendar; several clients cannot make a
collection at all. Whatever the person deletes or renames afterwards stays so.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from dav_gateway.core.moment import Moment
from dav_gateway.core.scope import Scope
from dav_gateway.store import accounts, collections

FALLBACK_LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class DefaultCollection:
    """One collection that every account gets. `titles` maps a language to its display name."""

    home: Scope
    name: str
    components: tuple[str, ...]
    titles: Mapping[str, str]


DEFAULTS = (
    DefaultCollection(Scope.CALENDARS, "calendar", ("VEVENT", "VFREEBUSY"), {"en": "Calendar", "es": "Calendario"}),
    DefaultCollection(Scope.CALENDARS, "tasks", ("VTODO",), {"en": "Tasks", "es": "Tareas"}),
    DefaultCollection(Scope.CONTACTS, "contacts", (), {"en": "Contacts", "es": "Contactos"}),
)

LANGUAGES = frozenset(DEFAULTS[0].titles)


def provide(connection: Connection, account_id: int, now: Moment) -> bool:
    """Make the default collections unless the account had them once; whether this call made them. Raises NotFound.

    The account stays locked until the transaction ends: of two first sign-ins at once, the second finds it done.
    """
    account = accounts.lock(connection, account_id)
    if account.provisioned:
        return False
    for default in DEFAULTS:
        title = default.titles.get(account.language, default.titles[FALLBACK_LANGUAGE])
        if collections.find(connection, account_id, default.home, default.name) is None:
            collections.create(
                connection,
                account_id=account_id,
                home=default.home,
                name=default.name,
                components=default.components,
                properties={"D:displayname": title},
                now=now,
            )
    accounts.change(connection, account_id, provisioned=True)
    return True
