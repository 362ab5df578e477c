"""Where a request comes from, for those endpoints that stand outside the pages."""

from collections.abc import Callable

from starlette.requests import Request

AddressOf = Callable[[Request], str]
"""Gives the client's address, with trusted proxies taken into account by whoever mounts the endpoints."""


def peer_address(request: Request) -> str:
    """The address of the connection itself."""
    return request.client.host if request.client else ""


def request_id(request: Request) -> str:
    """The id of the request in the log, empty where nobody gave it one."""
    return str(getattr(request.state, "request_id", "") or "")
