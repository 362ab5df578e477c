"""One request of the page, with everything that a handler asks for: who, which language, what was typed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

from starlette.responses import HTMLResponse, RedirectResponse, Response

from dav_gateway.core.account import Account
from dav_gateway.core.moment import Moment
from dav_gateway.service.caller import Caller
from dav_gateway.service.services import Services
from dav_gateway.service.web_sessions import Visit
from dav_gateway.web.cookies import Cookies
from dav_gateway.web.guard import csrf_word
from dav_gateway.web.language import Words
from dav_gateway.web.rendering import render
from dav_gateway.web.site import PageSite


@dataclass(frozen=True, slots=True)
class Form:
    """What was typed: the first value of each name, and all values where a name may stand several times."""

    pairs: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def get(self, name: str, otherwise: str = "") -> str:
        """The first value of this name."""
        return next((value for key, value in self.pairs if key == name), otherwise)

    def all(self, name: str) -> list[str]:
        """Every value of this name."""
        return [value for key, value in self.pairs if key == name]

    def first_values(self) -> Mapping[str, str]:
        """The first value of each name."""
        return dict(reversed(self.pairs))


@dataclass
class Context:
    """One request. Handlers run in a thread of their own and may block."""

    services: Services
    site: PageSite
    cookies: Cookies
    words: Words
    method: str
    path: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    form: Form
    asker: Caller
    session_value: str = field(default="", repr=False)
    visitor_value: str = field(default="", repr=False)
    visit: Visit | None = None
    leaving: tuple[str, str] = field(default=("", ""), repr=False)
    sets_language: str | None = None
    _after: list[Callable[[Response], None]] = field(default_factory=list)

    @property
    def visited(self) -> Visit:
        """The session; only for handlers that need one."""
        assert self.visit is not None, "the handler is only reached with a session"
        return self.visit

    @property
    def account(self) -> Account:
        """Who is signed in; only for handlers that need somebody to be."""
        return self.visited.account

    @property
    def now(self) -> Moment:
        """The moment of this request."""
        return self.services.clock()

    @property
    def bound_to(self) -> str:
        """What the forms of this browser are bound to; a browser without any cookie of ours gets one."""
        if self.visit is not None:
            return self.session_value
        if not self.visitor_value:
            value = self.visitor_value = token_hex(16)
            self._after.append(lambda response: self.cookies.set_visitor(response, value))
        return self.visitor_value

    def page(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """A page made from a template."""
        html = render(
            template,
            self.words,
            site=self.site,
            account=self.visit.account if self.visit and self.visit.signed_in else None,
            path=self.path,
            method=self.method,
            languages=self.site.languages,
            csrf=csrf_word(self.bound_to),
            now=self.now,
            **values,
        )
        return HTMLResponse(html, status)

    def redirect(self, path: str) -> Response:
        """See Other: the browser goes on with GET, to a path of ours."""
        return RedirectResponse(path, 303)

    def finish(self, response: Response) -> Response:
        """Put in the cookies that became due."""
        for change in self._after:
            change(response)
        if self.sets_language is not None:
            self.cookies.set_language(response, self.sets_language)
        return response


Handler = Callable[[Context], Response]
