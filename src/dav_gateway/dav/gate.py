"""What is decided from a request's head alone: whether its body may come.

The decision is made again, finally, when the body is there: the credential may have died while it was on its way.
"""

from collections.abc import Iterable

from dav_gateway.core import basic_auth, secret
from dav_gateway.core.scope import Permission, resource_at
from dav_gateway.dav import answers
from dav_gateway.dav.answers import Own
from dav_gateway.dav.application import PRIVILEGES
from dav_gateway.dav.site import PREFIX, Site
from dav_gateway.service.presented import Presented
from dav_gateway.service.request import DavRequest, EndOfRequest, serving
from dav_gateway.service.services import Services

Headers = Iterable[tuple[bytes, bytes]]


class Admission:
    """Answers the server's question; called in its worker threads."""

    def __init__(self, services: Services, site: Site) -> None:
        self._services = services
        self._site = site

    def admit(self, *, method: str, path: str, address: str, request_id: str, headers: Headers) -> Own | None:
        """None when the body may come, the refusal otherwise. `path` is below the DAV root."""
        headers = list(headers)
        # Two fields are one that is malformed, as in the environ: what nothing is claimed by is admitted to nothing.
        credentials = basic_auth.parse(b", ".join(value for key, value in headers if key == b"authorization"))
        presented = None
        if isinstance(credentials, basic_auth.Parsed):
            agent = (_header(headers, b"user-agent") or b"").decode("latin-1")
            presented = Presented(credentials.login, secret.parse(credentials.password), address, agent, request_id)
        try:
            with serving(DavRequest(self._services, presented, href=PREFIX + path)) as request:
                request.authenticate()
                return self._forbidden(request, method, path)
        except EndOfRequest as end:
            return answers.refused(end.reason, path=PREFIX + path, realm=self._site.realm, retry_after=end.retry_after)

    def _forbidden(self, request: DavRequest, method: str, path: str) -> Own | None:
        if method not in PRIVILEGES:
            return None
        resource = resource_at(path)
        if request.permission(resource) is not Permission.NONE:
            return None  # read-only is for the application to say: some of its answers are no 403
        reason = request.reason_of_denial(resource)
        request.note_refusal(reason, resource)
        return answers.need_privileges(PREFIX + path, PRIVILEGES[method], answers.MEANINGS[reason].sentence)


def _header(headers: Headers, name: bytes) -> bytes | None:
    return next((value for key, value in headers if key == name), None)
