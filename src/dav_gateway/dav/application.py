"""Radicale's application, extended in this one place.

Every method is ours; Radicale's is its dispatch. Around all of them: the credential's permission first, the write
transaction decided by the status, refusals with the DAV precondition.
"""

from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any
from xml.etree.ElementTree import Element

from radicale import config, httputils
from radicale.app import Application as RadicaleApplication

from dav_gateway.core.credential import Reason
from dav_gateway.core.errors import GatewayError, Refusal
from dav_gateway.core.scope import Kind, Permission, Resource, resource_at
from dav_gateway.dav import (
    answers,
    delete,
    destination,
    get,
    get_collection,
    guard,
    if_header,
    make_collection,
    media_type,
    property_update,
    propfind,
    put,
    report,
    transfer,
)
from dav_gateway.dav.answers import Long, Pieces, Response
from dav_gateway.dav.options import allow, offered, with_dav_header
from dav_gateway.dav.site import PREFIX, Site
from dav_gateway.service.request import DavRequest, EndOfRequest, required_request

PRIVILEGES: Mapping[str, str] = {
    "PUT": "write-content",
    "DELETE": "unbind",
    "MOVE": "unbind",
    "PROPPATCH": "write-properties",
    "MKCALENDAR": "bind",
    "MKCOL": "bind",
}
"""The privilege that each changing method needs (RFC 3744 appendix B); all others read."""

LISTINGS = (Kind.ROOT, Kind.PRINCIPAL, Kind.HOME)
Handler = Callable[[DavRequest, Resource | None, Mapping[str, Any]], Long]


class Application(RadicaleApplication):
    """The DAV application; `wsgi` calls it with a request in the context."""

    def __init__(self, configuration: config.Configuration, site: Site) -> None:
        super().__init__(configuration)
        self._site = site

    def takes(self, method: str) -> bool:
        """Whether there is such a method. Radicale's own answer to any other does not name those that there are."""
        return hasattr(self, f"do_{method}")

    def without_dispatch(self, environ: Mapping[str, Any]) -> Long:
        """The answer to an authenticated request past Radicale's dispatch: PROPFIND and REPORT of anything, GET, HEAD,
        PUT and DELETE of an object. Raises EndOfRequest, and KeyError for another method."""
        handlers: Mapping[str, Handler] = {
            "PROPFIND": self._propfind,
            "REPORT": self._report,
            "GET": self._get,
            "HEAD": self._get,
            "PUT": self._put,
            "DELETE": self._delete,
        }
        return self._answered(handlers[environ["REQUEST_METHOD"]], environ)

    def _answered(self, handler: Handler, environ: Mapping[str, Any]) -> Long:
        """Run one handler: permission, then the handler, then commit or roll back by the status."""
        request = required_request()
        method = environ["REQUEST_METHOD"]
        resource = request.resource
        needed = Permission.WRITE if method in PRIVILEGES else Permission.READ
        if request.grant is None:  # Radicale does not ask the auth plug-in about an empty user name
            raise EndOfRequest(Reason.UNKNOWN)
        if request.permission(resource) < needed and not _harmless(method, request, resource):
            return self._denied(request, resource, request.href, PRIVILEGES.get(method, "read"))
        try:
            if "HTTP_IF" in environ:
                if_header.require(request, self._site, environ, writes=needed is Permission.WRITE)
            response = handler(request, resource, environ)
        except guard.BadXML as bad:
            request.finish(commit=False)
            return answers.plain(HTTPStatus.BAD_REQUEST, str(bad))
        except Refusal as refusal:
            request.finish(commit=False)
            return answers.plain(HTTPStatus.CONFLICT, f"{refusal}.")
        except GatewayError as error:
            raise EndOfRequest.of(error) from error
        status, headers, body, logged = response
        if isinstance(body, Pieces):  # they are still to be read, in the transaction that `serving` ends
            return status, headers, Pieces(_with_own_faults(body)), logged
        request.finish(commit=status < HTTPStatus.BAD_REQUEST)
        return response

    def _whole(self, handler: Handler, environ: Mapping[str, Any]) -> Response:
        try:
            return answers.whole(self._answered(handler, environ))
        except answers.Instead as instead:
            return instead.answer

    def _denied(self, request: DavRequest, resource: Resource | None, href: str, privilege: str) -> Response:
        request.finish(commit=False)
        reason = request.reason_of_denial(resource)
        request.note_refusal(reason, resource)
        sentence = answers.MEANINGS[reason].sentence
        return answers.need_privileges(href, privilege, sentence)

    def _octets(self, environ: Mapping[str, Any]) -> bytes:
        return httputils.read_raw_request_body(self.configuration, environ)

    def _xml(self, environ: Mapping[str, Any]) -> Element | None:
        return guard.parse(self._octets(environ))

    def do_OPTIONS(self, environ: Any, base_prefix: str, path: str, *_: Any) -> Response:  # noqa: ARG002
        """What works here, shaped by the credential; without one, everything: clients ask before they sign in."""
        return answers.empty(HTTPStatus.OK, offered(required_request(), required_request().resource))

    def do_PROPFIND(self, environ: Any, base_prefix: str, path: str, *_: Any) -> Response:  # noqa: ARG002
        """See propfind.py."""
        return self._whole(self._propfind, environ)

    def _propfind(self, request: DavRequest, resource: Resource | None, environ: Mapping[str, Any]) -> Long:
        octets = self._octets(environ)
        return with_dav_header(request, propfind.answer(request, self._site, _known(resource), environ, octets))

    def do_REPORT(self, environ: Any, base_prefix: str, path: str, *_: Any) -> Response:  # noqa: ARG002
        """See report.py."""
        return self._whole(self._report, environ)

    def _report(self, request: DavRequest, resource: Resource | None, environ: Mapping[str, Any]) -> Long:
        return report.answer(request, self._site, _known(resource), environ, self._xml(environ))

    def do_PUT(self, environ: Any, base_prefix: str, path: str, *_: Any) -> Response:  # noqa: ARG002
        """See put.py."""
        return self._whole(self._put, environ)

    def _put(self, request: DavRequest, resource: Resource | None, environ: Mapping[str, Any]) -> Response:
        return put.answer(request, self._site, _known(resource), environ, self._octets(environ))

    def do_PROPPATCH(self, environ: Any, base_prefix: str, path: str, *_: Any) -> Response:  # noqa: ARG002
        """See property_update.py."""
        return self._whole(
            lambda request, resource, asked: property_update.proppatch(
                request, self._site, _known(resource), asked, self._xml(asked)
            ),
            environ,
        )

    def do_MKCALENDAR(self, environ: Any, base_prefix: str, path: str, *_: Any) -> Response:  # noqa: ARG002
        """See make_collection.py."""
        return self._whole(self._make, environ)

    def do_MKCOL(self, environ: Any, base_prefix: str, path: str, *_: Any) -> Response:  # noqa: ARG002
        """See make_collection.py."""
        return self._whole(self._make, environ)

    def _make(self, request: DavRequest, resource: Resource | None, environ: Mapping[str, Any]) -> Response:
        try:
            body = self._xml(environ)
        except guard.BadXML:
            if media_type.is_foreign_to_xml(environ):
                return answers.plain(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "A new collection is described in XML.")
            raise
        return make_collection.make(request, self._site, resource, environ["REQUEST_METHOD"], body)

    def do_GET(self, environ: Any, base_prefix: str, path: str, *rest: Any) -> Response:  # noqa: ARG002
        """An object as it was stored, or a whole collection; 304 when the client has it already."""
        return self._whole(self._get, environ)

    def _get(self, request: DavRequest, resource: Resource | None, environ: Mapping[str, Any]) -> Long:
        if resource is not None and resource.kind is Kind.OBJECT:
            return get.on_condition(environ, get.answer(request, self._site, resource))
        if resource is not None and resource.kind is Kind.COLLECTION:
            return get.on_condition(environ, get_collection.answer(request, self._site, resource))
        return answers.not_allowed(
            allow(resource), "This is an address for calendar and contact programs (CalDAV, CardDAV)."
        )

    def do_HEAD(self, environ: Any, base_prefix: str, path: str, *rest: Any) -> Response:
        """GET without its body, which Radicale's call leaves out."""
        return self.do_GET(environ, base_prefix, path, *rest)

    def do_DELETE(self, environ: Any, base_prefix: str, path: str, *_: Any) -> Response:  # noqa: ARG002
        """See delete.py; what only lists is never permitted."""
        return self._whole(self._delete, environ)

    def _delete(self, request: DavRequest, resource: Resource | None, environ: Mapping[str, Any]) -> Response:
        return delete.answer(request, _known(resource), environ)

    def do_COPY(self, environ: Any, base_prefix: str, path: str, *_: Any) -> Response:  # noqa: ARG002
        """See transfer.py; the source is read, the destination written."""
        return self._whole(self._transfer, environ)

    def do_MOVE(self, environ: Any, base_prefix: str, path: str, *_: Any) -> Response:  # noqa: ARG002
        """See transfer.py; both ends are written."""
        return self._whole(self._transfer, environ)

    def _transfer(self, request: DavRequest, resource: Resource | None, environ: Mapping[str, Any]) -> Response:
        target = destination.destination(environ, self._site)
        if not isinstance(target, str):
            return target
        to_resource = resource_at(target.removeprefix(PREFIX))
        if request.permission(to_resource) < Permission.WRITE:
            return self._denied(request, to_resource, target, "bind")
        keep = environ["REQUEST_METHOD"] == "COPY"
        return transfer.answer(request, self._site, _known(resource), _known(to_resource), environ, keep=keep)

    def do_POST(self, environ: Any, base_prefix: str, path: str, *_: Any) -> Response:  # noqa: ARG002
        """Nothing takes a POST here; Radicale's own is for its web pages and sharing."""
        return answers.not_allowed(allow(required_request().resource), "Nothing takes a POST here.")


def _with_own_faults(pieces: Pieces) -> Iterator[bytes]:
    try:
        yield from pieces
    except GatewayError as error:
        raise EndOfRequest.of(error) from error


def _known(resource: Resource | None) -> Resource:
    assert resource is not None, "nothing is permitted at an unknown address"
    return resource


def _harmless(method: str, request: DavRequest, resource: Resource | None) -> bool:
    """Requests that change nothing where they are not permitted, and have a better answer than 403.

    PUT outside collections is 405 (Thunderbird probes). PROPPATCH is a 207 that refuses each property: macOS
    Calendar reads no events after a plain 403.
    """
    if resource is None or not request.permission(resource):
        return False
    return method == "PROPPATCH" or (method == "PUT" and resource.kind in LISTINGS)
