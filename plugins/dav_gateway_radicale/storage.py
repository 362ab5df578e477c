"""Radicale `[storage]`: the principal of who is signed in, and nothing else.

Radicale looks for it before it calls a handler, and would make one otherwise (3.9.0, `app/__init__.py`). Every handler
is ours and reads the store itself.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from radicale import pathutils, types
from radicale.storage import BaseCollection, BaseStorage

from dav_gateway.core.scope import Kind, resource_at
from dav_gateway.service.request import required_request


class Principal(BaseCollection):
    """It is there because the account is; Radicale asks no more of it."""

    def __init__(self, path: str) -> None:
        self._path = path

    @property
    def path(self) -> str:
        """Without slashes at its ends."""
        return self._path


class Storage(BaseStorage):
    """What Radicale would read or write on its own authority is not here."""

    _is_collision_free = True
    _supports_unicode = True
    _supports_trailing_whitespace = True
    _supports_problematic_chars = True

    def discover(
        self,
        path: str,
        depth: str = "0",  # noqa: ARG002
        child_context_manager: Callable[[str, str | None], AbstractContextManager[None]] | None = None,  # noqa: ARG002
        user_groups: set[str] | None = None,  # noqa: ARG002
    ) -> Iterator[types.CollectionOrItem]:
        """The principal, where `path` is that of who is signed in."""
        resource = resource_at(path)
        if resource is not None and resource.kind is Kind.PRINCIPAL and required_request().permission(resource):
            yield Principal(pathutils.strip_path(path))

    @contextmanager
    def acquire_lock(self, mode: str, user: str = "", *args: object, **kwargs: object) -> Iterator[None]:  # noqa: ARG002
        """Nothing to lock: the principal needs no read, and every handler that writes is ours."""
        if mode == "w":
            raise PermissionError("Radicale's own handlers do not write here")
        yield

    def verify(self) -> bool:
        """Radicale's `--verify-storage`; the database checks itself (`dav-gateway database status`)."""
        return True
