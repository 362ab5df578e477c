"""The app password that an address names, if it is the person's own; another's does not exist here."""

from dav_gateway.core.credential import Credential
from dav_gateway.core.errors import NotFound
from dav_gateway.store import credentials
from dav_gateway.web.context import Context


def owned(context: Context, *, alive: bool = False) -> Credential:
    """The credential of the path. `alive`: a deleted one does not count. Raises NotFound."""
    with context.services.database.read() as connection:
        found = credentials.get(connection, context.params["id"])
    if found is None or found.account_id != context.account.id or (alive and found.revoked_at is not None):
        raise NotFound("no such app password")
    return found


def all_of(context: Context) -> list[Credential]:
    """Every app password of who is signed in, deleted ones too."""
    with context.services.database.read() as connection:
        return credentials.of_account(connection, context.account.id)
