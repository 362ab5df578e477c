"""Which part of the gateway answers: DAV below /dav and its aliases, discovery, health, and the pages for the rest."""

from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlsplit

from dav_gateway.server.answer import Answer, deliver
from dav_gateway.server.asgi import EXTENSION, ASGIApplication, Message, Receive, Scope, Send
from dav_gateway.server.body import BodyRefused, LimitedReceive
from dav_gateway.server.limits import ServerLimits

DAV_ROOT = "/dav"
ALIASES = ("/remote.php/dav", "/principals")
"""DAVx5 uses the first after its login flow; Apple clients fall back to the second (and to `/`)."""

_WELL_KNOWN = frozenset(["/.well-known/caldav", "/.well-known/carddav"])
_PAGE_METHODS = frozenset(["GET", "HEAD", "POST"])


class Front:
    """The outermost ASGI application. `ready` gives None or the reason why this process should get no requests.

    `discovery` is where /.well-known leads (RFC 6764 section 5), for every method and before any sign-in; 301, because
    CalDav Synchronizer does not follow 308. It is told with `origin` where the client came by that very name, as
    clients of RFC 2616 want it; under any other name it is a path alone, which never leads elsewhere.
    """

    def __init__(
        self,
        dav: ASGIApplication,
        *,
        limits: ServerLimits,
        ready: Callable[[], str | None],
        pages: ASGIApplication | None = None,
        discovery: str = f"{DAV_ROOT}/",
        origin: str = "",
    ) -> None:
        self._dav = dav
        self._pages = pages
        self._limits = limits
        self._ready = ready
        self._discovery = discovery
        self._origin = origin
        self._host = urlsplit(origin).netloc.lower().encode("ascii", "replace")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if _is_below(path, DAV_ROOT):
            await self._to_dav(scope, receive, send, root=DAV_ROOT, alias="")
            return
        if path.rstrip("/") in _WELL_KNOWN:
            where = [("location", self._origin_for(scope) + self._discovery)]
            moved = Answer.make(HTTPStatus.MOVED_PERMANENTLY, where, b"")
            await deliver(moved, scope, send)
            return
        for alias in ALIASES:
            if _is_below(path, alias):
                await self._to_dav(scope, receive, send, root=alias, alias=alias)
                return
        if path == "/" and scope["method"] not in _PAGE_METHODS:
            await self._to_dav(scope, receive, send, root="", alias="/")
        elif path == "/healthz":
            await deliver(Answer.plain(200, "alive"), scope, send)
        elif path == "/readyz":
            reason = self._ready()
            await deliver(Answer.plain(200, "ready") if reason is None else Answer.plain(503, reason), scope, send)
        else:
            await self._to_pages(scope, receive, send)

    def _origin_for(self, scope: Scope) -> str:
        hosts = [value.lower() for name, value in scope["headers"] if name == b"host"]
        return self._origin if hosts == [self._host] else ""

    async def _to_dav(self, scope: Scope, receive: Receive, send: Send, *, root: str, alias: str) -> None:
        scope["path"] = scope["path"][len(root) :] or "/"
        scope["root_path"] = DAV_ROOT
        scope["state"]["alias"] = alias
        await self._dav(scope, receive, send)

    async def _to_pages(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._pages is None:
            answer = _WELCOME if scope["path"] == "/" and scope["method"] in {"GET", "HEAD"} else _NOTHING
            await deliver(answer, scope, send)
            return
        started = False

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._pages(scope, LimitedReceive(receive, self._limits), noted)
        except BodyRefused as refused:
            if started:
                scope["extensions"][EXTENSION].reset()
            else:
                await deliver(refused.answer, scope, send)


_WELCOME = Answer.plain(200, "This is a calendar and contacts gateway. Point your client at this address.")
_NOTHING = Answer.plain(404, "Nothing is here.")


def _is_below(path: str, root: str) -> bool:
    return path.startswith(root) and (len(path) == len(root) or path[len(root)] == "/")
