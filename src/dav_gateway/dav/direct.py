"""The short way of what devices ask all day, with a secret that this process has proven already: reading requests, and
objects that are put or deleted.

They go to the same handlers as everything else, past Radicale's dispatch, which costs as much as the answer to a poll.
Whatever has anything unusual about it takes the long way: the first use of a password, every refusal, odd paths.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from io import BytesIO
from typing import Any

from dav_gateway.core.scope import Kind, Resource
from dav_gateway.core.secret import Mistyped
from dav_gateway.dav.answers import Long, Own, whole
from dav_gateway.dav.application import Application
from dav_gateway.dav.encoding import encoded
from dav_gateway.service.request import DavRequest, TooMuch
from dav_gateway.service.verification import NotAsExpected
from dav_gateway.store import sight
from dav_gateway.store.collections import SYNC_TOKEN_PREFIX
from dav_gateway.store.sight import Question, Sight

READING = frozenset(["PROPFIND", "REPORT", "GET", "HEAD"])
METHODS = READING | {"PUT", "DELETE"}

_TOKEN = re.compile(re.escape(SYNC_TOKEN_PREFIX).encode() + rb"[0-9a-f]+:([0-9]{1,18})(?![0-9:])")
QUICK_RESOURCES = 64
QUICK_OCTETS = 32 * 1024
"""What an answer in the event loop may tell of at most, and the largest object in it; nobody else is served meanwhile.
It is done in about the time that a computing thread keeps the interpreter in any case (`server.serve`)."""


def answer(application: Application, request: DavRequest, environ: Mapping[str, Any]) -> Long | None:
    """The answer to a request of `METHODS`, None when it has to take the long way. Raises EndOfRequest."""
    method = environ["REQUEST_METHOD"]
    resource = request.resource
    if resource is None or not _is_plain(request.path, environ) or not _is_ours(method, resource):
        return None
    if method not in READING:
        return _written(application, request, resource, environ)
    if request.services.database.waits and request.most_resources is None and _may_be_one_read(resource, environ):
        found = _read_once(application, request, resource, environ)
        if found is not None:
            return found
    if not request.authenticate_proven(resource, _since(resource, environ)):
        return None
    return application.without_dispatch(environ)


def _read_once(
    application: Application, request: DavRequest, resource: Resource, environ: Mapping[str, Any]
) -> Long | None:
    """The answer that one statement has all of; None when it takes more, which is then a snapshot from its begin."""
    request.reads_once = True
    try:
        # Whole: what an answer in pieces reads later would be of another snapshot than the credential.
        if not request.authenticate_proven(resource, _since(resource, environ)):
            return None
        return whole(application.without_dispatch(environ))
    except TooMuch:
        environ["wsgi.input"].seek(0)
        return None
    finally:
        request.reads_once = False
        request.finish(commit=False)


def _written(
    application: Application, request: DavRequest, resource: Resource, environ: Mapping[str, Any]
) -> Long | None:
    """The answer to a change. Who has written before is looked at behind the lock, and nowhere else; who has not, or
    turns out to be another there, is looked at in front of it first."""
    if request.expect_to_write(resource):
        with suppress(NotAsExpected):
            found = application.without_dispatch(environ)
            if not request.expecting:
                return found
        environ["wsgi.input"].seek(0)
    request.reads_once = True
    try:
        if not request.authenticate_proven():
            return None
    finally:
        request.reads_once = False
    return application.without_dispatch(environ)


def quick(application: Application, request: DavRequest, environ: Mapping[str, Any]) -> Own | None:
    """As `answer`, for what is done in about a millisecond; None for what may take longer, or waits to write."""
    if environ["REQUEST_METHOD"] not in READING or not _may_be_short(environ):
        return None
    request.most_resources, request.most_octets = QUICK_RESOURCES, QUICK_OCTETS
    try:
        found = answer(application, request, environ)
        return None if found is None else encoded(environ, whole(found))
    except TooMuch:
        return None


def one_read(request: DavRequest, environ: Mapping[str, Any]) -> Question | None:
    """The statement that a reading request may be answered with, if nothing else is needed; None where it is."""
    method, resource = environ["REQUEST_METHOD"], request.resource
    if method not in READING or resource is None or request.presented is None:
        return None
    password = request.presented.password
    if isinstance(password, Mistyped) or not _is_plain(request.path, environ) or not _is_ours(method, resource):
        return None
    if not _may_be_one_read(resource, environ):
        return None
    since = _since(resource, environ)
    return sight.question(password.id, resource, most_octets=QUICK_OCTETS, since=since)


def told(application: Application, request: DavRequest, environ: Mapping[str, Any], seen: Sight | None) -> Own | None:
    """As `quick`, after `one_read` with what was seen."""
    assert request.resource is not None
    request.most_resources, request.most_octets, request.reads_once = QUICK_RESOURCES, QUICK_OCTETS, True
    try:
        if not request.authenticate_seen(request.resource, seen):
            return None
        return encoded(environ, whole(application.without_dispatch(environ)))
    except TooMuch:
        return None


def _may_be_short(environ: Mapping[str, Any]) -> bool:
    """False for what shows at once that it is long, so that it is not begun twice."""
    if environ["REQUEST_METHOD"] == "REPORT":
        body = _body(environ)
        return b"sync-collection" in body or (b"-multiget" in body and body.count(b"href>") <= 2 * QUICK_RESOURCES)
    return True


def _may_be_one_read(resource: Resource, environ: Mapping[str, Any]) -> bool:
    """False for what shows at once that it takes more."""
    if resource.kind not in (Kind.COLLECTION, Kind.OBJECT):
        return False
    if environ["REQUEST_METHOD"] == "REPORT":
        # With a sync token it is asked all day, and mostly nothing has changed; without one everything is told.
        return b"sync-collection" in _body(environ) and SYNC_TOKEN_PREFIX.encode() in _body(environ)
    if environ["REQUEST_METHOD"] in ("GET", "HEAD"):
        return resource.kind is Kind.OBJECT
    return bool(environ["REQUEST_METHOD"] != "PROPFIND" or environ.get("HTTP_DEPTH", "0") == "0")


def _since(resource: Resource, environ: Mapping[str, Any]) -> int | None:
    """The change that a sync-collection asks to hear of from on, as it seems: who answers it reads its sync token."""
    if environ["REQUEST_METHOD"] != "REPORT" or resource.kind is not Kind.COLLECTION:
        return None
    body = _body(environ)
    found = _TOKEN.search(body) if b"sync-collection" in body else None
    return None if found is None else int(found[1])


def _body(environ: Mapping[str, Any]) -> bytes:
    """A body that is in memory; nothing of one that is not."""
    body = environ["wsgi.input"]
    return body.getvalue() if isinstance(body, BytesIO) else b""


def _is_plain(path: str, environ: Mapping[str, Any]) -> bool:
    """Whether Radicale would leave the path as it is (`pathutils.sanitize_path`) and take it; and nothing is asked of
    other resources by an If header."""
    return "HTTP_IF" not in environ and path.isprintable() and "//" not in path and "/." not in path


def _is_ours(method: str, resource: Resource) -> bool:
    if method in ("GET", "HEAD"):
        return resource.kind in (Kind.COLLECTION, Kind.OBJECT)
    return method in METHODS and (method in ("PROPFIND", "REPORT") or resource.kind is Kind.OBJECT)
