"""The page as an ASGI application: routes, who may reach them, and every error as a page of the same look.

A handler is a plain function that runs in a thread of a bounded number: it may read the database and hash passwords,
the event loop never does. What the server raises while a body arrives passes through untouched.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import partial
from types import MappingProxyType
from urllib.parse import parse_qsl

from anyio import CapacityLimiter, to_thread
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, Router

from dav_gateway.core.errors import GatewayError, NotFound, Refusal
from dav_gateway.service.caller import Caller
from dav_gateway.service.services import Services
from dav_gateway.service.standings import IdentityNeeded
from dav_gateway.service.throttle import TooOften
from dav_gateway.store.web_sessions import Stage
from dav_gateway.web import naming, static_files
from dav_gateway.web.context import Context, Form, Handler
from dav_gateway.web.cookies import Cookies
from dav_gateway.web.errors import error_page
from dav_gateway.web.guard import is_own_form, with_next
from dav_gateway.web.headers import ASGIApplication, Receive, Scope, Send, with_headers
from dav_gateway.web.language import choose, words
from dav_gateway.web.site import PageSite

LONGEST_FORM = 64 * 1024
MOST_FIELDS = 200
THREADS = 8
MOST_WAITING = 64

WAY_IN = MappingProxyType(
    {None: "/login", Stage.SECOND_STEP: "/login/second", Stage.ENROL: "/login/set-up", Stage.SIGNED_IN: "/login"}
)
"""Where a browser that is not signed in, or not yet, goes on."""

_log = logging.getLogger(__name__)


class Access(Enum):
    """Who reaches a handler."""

    ANYBODY = auto()
    SIGNED_IN = auto()
    RECENT = auto()  # proved a short while ago who they are
    ENROL = auto()  # must set up a second factor before the sign-in goes on
    ADMIN = auto()
    RECENT_ADMIN = auto()


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the table of routes. `quiet`: such a request is no sign of life, so it keeps no session alive.
    `changes`: a POST does something, so it must be a form of ours."""

    methods: Sequence[str]
    path: str
    handler: Handler
    access: Access = Access.SIGNED_IN
    quiet: bool = False
    changes: bool = True


class Pages:
    """All pages of one installation."""

    def __init__(self, services: Services, site: PageSite, entries: Iterable[Entry]) -> None:
        """`entries` are tried in their order; two of one path with different methods are one route each."""
        self._services = services
        self._site = site
        self._cookies = Cookies(secure=site.is_secure)
        self._limiter: CapacityLimiter | None = None
        routes: list[BaseRoute] = [Route("/static/{name}", static_files.serve, methods=["GET"])]
        by_path: dict[str, dict[str, Entry]] = {}
        for entry in entries:
            by_path.setdefault(entry.path, {}).update(dict.fromkeys(entry.methods, entry))
        routes += [Route(path, partial(self._serve, found), methods=list(found)) for path, found in by_path.items()]
        self._shown = frozenset(path for path, found in by_path.items() if "GET" in found)
        self._router = Router(routes, redirect_slashes=False)

    def mount(self, routes: Iterable[BaseRoute]) -> None:
        """Add endpoints that read their requests themselves: what programs call. They get the headers of every page."""
        self._router.routes.extend(routes)

    async def show(self, request: Request, handler: Handler) -> Response:
        """The page that a mounted endpoint answers with; it changes nothing, so it needs no form of ours."""
        return await self._in_thread(request, Form(), Entry((), "", handler, Access.ANYBODY, changes=False))

    def application(self) -> ASGIApplication:
        """The ASGI application, with the headers of every answer."""
        return with_headers(self._answer)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self  # the router then raises HTTPException where it has no route
        request = Request(scope, receive)
        try:
            _refuse_long(request)
            await self._router(scope, receive, send)
        except HTTPException as error:
            response = await self.show(request, partial(_fail, error))
            await response(scope, receive, send)
        except ClientDisconnect:
            return

    async def _serve(self, entries: dict[str, Entry], request: Request) -> Response:
        entry = entries["GET" if request.method == "HEAD" else request.method]
        form = Form()
        if request.method == "POST":
            form = await _read_form(request)
        return await self._in_thread(request, form, entry)

    async def _in_thread(self, request: Request, form: Form, entry: Entry) -> Response:
        if self._limiter is None:
            self._limiter = CapacityLimiter(THREADS)
        if self._limiter.statistics().tasks_waiting >= MOST_WAITING:
            return Response("Too many requests at once.\n", 503, {"retry-after": "2"}, "text/plain")
        return await to_thread.run_sync(self._run, request, form, entry, limiter=self._limiter)

    def _run(self, request: Request, form: Form, entry: Entry) -> Response:
        context = self._context(request, form)
        try:
            response = self._guarded(context, request, entry)
        except HTTPException as error:
            response = error_page(context, error.status_code, headers=dict(error.headers or {}))
        except NotFound:
            response = error_page(context, 404)
        except TooOften as error:
            response = error_page(context, 429, headers={"retry-after": str(error.retry_after)})
        except Refusal:
            # What a person may rightly mistype is answered by its own page; this is the rest.
            response = error_page(context, 400)
        except GatewayError as error:
            _log.warning("a page could not be served: %s", error)
            response = error_page(context, 503, headers={"retry-after": "2"})
        except Exception:  # noqa: BLE001 - whatever it is, the person gets a page and the log the rest
            _log.exception("a page failed")
            response = error_page(context, 500)
        return context.finish(response)

    def _context(self, request: Request, form: Form) -> Context:
        cookies, query = request.cookies, request.query_params
        wished = query.get("lang")
        code = choose(
            self._site.languages,
            wished,
            self._cookies.language(cookies),
            accept=request.headers.get("accept-language", ""),
        )
        return Context(
            services=self._services,
            site=self._site,
            cookies=self._cookies,
            words=words(code),
            method=request.method,
            path=request.url.path,
            params={name: str(value) for name, value in request.path_params.items()},
            query=query,
            form=form,
            asker=Caller(
                self._site.address_of(request.scope),
                request.headers.get("user-agent", ""),
                request.scope.get("state", {}).get("request_id", ""),
                browser=naming.browser(words(code), request.headers.get("user-agent", "")),
                known=self._cookies.known(cookies),
            ),
            session_value=self._cookies.session(cookies),
            visitor_value=self._cookies.visitor(cookies),
            leaving=self._cookies.leaving(cookies),
            sets_language=wished if wished in self._site.languages else None,
        )

    def _guarded(self, context: Context, request: Request, entry: Entry) -> Response:
        if context.session_value:
            context.visit = self._services.sessions.find(context.session_value, touch=not entry.quiet)
        if context.visit is not None:
            context.asker = replace(context.asker, session=context.visit.session.digest)
        self._speak(context, request)
        visit = context.visit
        if entry.access is Access.ENROL and (visit is None or visit.session.stage is not Stage.ENROL):
            return context.redirect(WAY_IN[None if visit is None else visit.session.stage])
        if entry.access not in {Access.ANYBODY, Access.ENROL} and (visit is None or not visit.signed_in):
            wanted = context.path if context.method != "POST" else ""
            return context.redirect(with_next(WAY_IN[None if visit is None else visit.session.stage], wanted))
        if (
            entry.changes
            and context.method == "POST"
            and not is_own_form(
                request.headers,
                context.form.first_values(),
                bound_to=context.session_value if visit else context.visitor_value,
                public_url=self._site.public_url,
            )
        ):
            return error_page(context, 403, about_form=True)
        if entry.access in {Access.ADMIN, Access.RECENT_ADMIN} and not context.account.admin:
            return error_page(context, 403)
        ask_again = with_next("/account/confirm", context.path if entry.path in self._shown else "")
        asks = entry.access in {Access.RECENT, Access.RECENT_ADMIN}
        if asks and not self._services.page.standings.is_recent(context.visited.sign_in):
            return context.redirect(ask_again)
        try:
            return entry.handler(context)
        except IdentityNeeded:
            return context.redirect(ask_again)

    def _speak(self, context: Context, request: Request) -> None:
        """The account's language, unless another one was chosen in this browser."""
        chosen = context.sets_language or self._cookies.language(request.cookies)
        if context.visit is not None and chosen not in self._site.languages:
            language = choose(self._site.languages, context.visit.account.language)
            context.words = words(language)


def _fail(error: HTTPException, _context: Context) -> Response:
    raise error


def _refuse_long(request: Request) -> None:
    announced = request.headers.get("content-length", "0")
    if not announced.isdigit() or int(announced) > LONGEST_FORM:
        raise HTTPException(413, headers={"connection": "close"})


async def _read_form(request: Request) -> Form:
    """The fields of a form. Raises HTTPException for what is no form of ours, or too long."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415, headers={"connection": "close"})
    octets = bytearray()
    async for piece in request.stream():
        octets += piece
        if len(octets) > LONGEST_FORM:
            raise HTTPException(413, headers={"connection": "close"})
    try:
        pairs = parse_qsl(octets.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise HTTPException(400) from None
    return Form(tuple(pairs))
