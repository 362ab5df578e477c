"""Radicale `[auth]`: an app password is the only thing that opens DAV."""

from radicale import types
from radicale.auth import AuthContext, BaseAuth

from dav_gateway.service.request import current_request, required_request

PRESENTED = "presented to the request"
"""Stands for the password where Radicale wants one."""


class Auth(BaseAuth):
    """Validates app passwords against the issuing store, on every request, without a cache."""

    def get_external_login(self, environ: types.WSGIEnviron) -> tuple[()] | tuple[str, str]:  # noqa: ARG002
        """The login as parsed strictly from the header, so that Radicale's own parsing never runs, and no secret.

        Radicale decodes the header in the charset of the body's Content-Type and answers a malformed one with a
        traceback (3.9.0, `app/__init__.py`).
        """
        request = current_request()
        if request is None or request.presented is None:
            return ()
        return request.presented.login, PRESENTED

    def _login_ext_with_groups(self, login: str, password: str, context: AuthContext) -> tuple[str, set[str]]:  # noqa: ARG002
        """The account's name and its scopes as `scope:calendars` groups; ends the request where verification refuses.

        What is verified is what the request presented, whatever Radicale hands back.
        """
        grant = required_request().authenticate()
        return grant.account.name, {f"scope:{scope}" for scope in grant.credential.scopes}

    def _sleep_for_constant_exec_time(self, time_ns_begin: int) -> None:
        """Never sleep: Radicale's delay only grows, until restart, with the slowest failure it has seen."""
