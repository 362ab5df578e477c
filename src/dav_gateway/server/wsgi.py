"""Calling a WSGI application to its end, in a worker thread."""

from types import TracebackType
from typing import Any

from dav_gateway.server.answer import Answer
from dav_gateway.server.asgi import Environ, WSGIApplication

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType]


def call(application: WSGIApplication, environ: Environ) -> Answer:
    """The application's whole answer (PEP 3333). Raises what the application raises, also for a bad status or header.

    The body is collected here, so that a slow client holds memory but no thread.
    """
    started: list[tuple[str, list[tuple[str, str]]]] = []
    written: list[bytes] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], exc_info: _ExcInfo | None = None
    ) -> Any:  # nothing was sent yet, so an error may always replace what was said before
        if started and exc_info is None:
            raise RuntimeError("start_response was called twice")
        started[:] = [(status, headers)]
        return written.append

    parts = application(environ, start_response)
    try:
        written.extend(parts)
    finally:
        close = getattr(parts, "close", None)
        if close is not None:
            close()
    if not started:
        raise RuntimeError("the application did not call start_response")
    status, headers = started[0]
    return Answer.make(int(status[:3]), headers, written[0] if len(written) == 1 else b"".join(written))
