"""The cookies: the session, the browser before it signs in, what comes back from single sign-on, browsers that signed
in before, and the language.

The first two are `__Host-` cookies wherever the page is reached by https: a neighbouring host cannot plant them (RFC
6265bis section 4.1.3.2).
"""

from collections.abc import Mapping

from starlette.responses import Response

from dav_gateway.service.web_sessions import ABSOLUTE

_LEAVING = 10 * 60
_YEAR = 365 * 24 * 3600


class Cookies:
    """Names and attributes of the cookies, for one site."""

    def __init__(self, *, secure: bool) -> None:
        self._secure = secure
        prefix = "__Host-" if secure else ""
        self._session = f"{prefix}dav-gateway-session"
        self._visitor = f"{prefix}dav-gateway-visitor"
        self._leaving = f"{prefix}dav-gateway-leaving"
        self._known = f"{prefix}dav-gateway-known"
        self._language = "dav-gateway-language"

    def session(self, cookies: Mapping[str, str]) -> str:
        """The value of the session, empty when there is none."""
        return cookies.get(self._session, "")

    def visitor(self, cookies: Mapping[str, str]) -> str:
        """The value that a browser has before it signs in, empty when there is none."""
        return cookies.get(self._visitor, "")

    def language(self, cookies: Mapping[str, str]) -> str | None:
        """The language that was chosen in this browser."""
        return cookies.get(self._language)

    def set_session(self, response: Response, value: str) -> None:
        """Give the browser its session. Forms of before the sign-in are worth nothing any more."""
        self._set(response, self._session, value, ABSOLUTE // 1000)
        self._end(response, self._visitor)

    def end_session(self, response: Response) -> None:
        """Take the session away."""
        self._end(response, self._session)

    def set_visitor(self, response: Response, value: str) -> None:
        """Give a browser that is not signed in a value that its forms are bound to."""
        self._set(response, self._visitor, value, None)

    def set_language(self, response: Response, code: str) -> None:
        """Keep the language that was chosen."""
        self._set(response, self._language, code, _YEAR)

    def leaving(self, cookies: Mapping[str, str]) -> tuple[str, str]:
        """What a browser that was sent to the provider is known by, and where it wanted to go."""
        binding, _, going = cookies.get(self._leaving, "").partition(" ")
        return binding, going

    def set_leaving(self, response: Response, binding: str, going: str) -> None:
        """Give a browser that is sent to the provider something to be known by."""
        self._set(response, self._leaving, f"{binding} {going}", _LEAVING)

    def end_leaving(self, response: Response) -> None:
        """It came back."""
        self._end(response, self._leaving)

    def known(self, cookies: Mapping[str, str]) -> str:
        """The mark of a browser in which somebody signed in before."""
        return cookies.get(self._known, "")

    def set_known(self, response: Response, mark: str) -> None:
        """Mark a browser in which somebody signed in."""
        self._set(response, self._known, mark, _YEAR)

    def _set(self, response: Response, name: str, value: str, age: int | None) -> None:
        response.set_cookie(name, value, max_age=age, path="/", secure=self._secure, httponly=True, samesite="lax")

    def _end(self, response: Response, name: str) -> None:
        response.delete_cookie(name, path="/", secure=self._secure, httponly=True, samesite="lax")
