"""Radicale `[web]`: nothing. People's pages live outside /dav/, and Radicale shows this one to anonymous users."""

from radicale import httputils, types
from radicale.web import BaseWeb


class Web(BaseWeb):
    """Answers every `/.web` address as not found."""

    def get(  # noqa: PLR0917 - Radicale calls it by position
        self,
        environ: types.WSGIEnviron,  # noqa: ARG002
        base_prefix: str,  # noqa: ARG002
        path: str,  # noqa: ARG002
        user: str,  # noqa: ARG002
        user_groups: set[str],  # noqa: ARG002
        request_info: dict[str, object],  # noqa: ARG002
    ) -> types.WSGIResponse:
        """404."""
        return httputils.NOT_FOUND

    post = get
