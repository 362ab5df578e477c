"""Radicale `[rights]`: permission letters from the credential of the request and the path, nothing else.

Our handlers ask the same grant without the letters; Radicale 3.9.0 asks for them only before it would make a principal,
and a handler of a later version that is not overridden yet would.
"""

from radicale.rights import BaseRights

from dav_gateway.core.scope import Kind, Permission, resource_at
from dav_gateway.service.request import current_request

COLLECTION_LETTERS = {Permission.NONE: "", Permission.READ: "r", Permission.WRITE: "rw"}


class Rights(BaseRights):
    """`R` on what only lists (root, principal, homes), `r` or `rw` on calendars and address books, else nothing."""

    def authorization(self, user: str, user_groups: set[str], path: str) -> str:  # noqa: ARG002
        """Letters for `path`. The groups are not asked: Radicale passes none for the target of a MOVE.

        An object has no letters of its own; Radicale reads those of its collection.
        """
        request = current_request()
        if request is None or request.grant is None or request.grant.account.name != user:
            return ""
        resource = resource_at(path)
        if resource is None or resource.kind is Kind.OBJECT:
            return ""
        permission = request.permission(resource)
        if resource.kind is Kind.COLLECTION:
            return COLLECTION_LETTERS[permission]
        return "R" if permission else ""
