"""Calling a WSGI application to its end, in a worker thread."""

from types import TracebackType
from typing import Any

from dav_gateway.server.answer import Answer
from dav_gateway.server.asgi import Environ, WSGIApplication
from dav_gateway.server.spooled import Collected

IN_MEMORY = 512 * 1024
"""Octets of a body that are kept in memory."""

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType]


def call(application: WSGIApplication, environ: Environ) -> Answer:
    """The application's whole answer (PEP 3333). Raises what the application raises, also for a bad status or header.

    The body is collected here, a long one in a file, so that a slow client holds no thread and little memory.
    """
    started: list[tuple[str, list[tuple[str, str]]]] = []
    written = Collected(IN_MEMORY)

    def start_response(
        status: str, headers: list[tuple[str, str]], exc_info: _ExcInfo | None = None
    ) -> Any:  # nothing was sent yet, so an error may always replace what was said before
        if started and exc_info is None:
            raise RuntimeError("start_response was called twice")
        started[:] = [(status, headers)]
        written.drop()
        return written.write

    try:
        parts = application(environ, start_response)
        try:
            for part in parts:
                written.write(part)
        finally:
            close = getattr(parts, "close", None)
            if close is not None:
                close()
        if not started:
            raise RuntimeError("the application did not call start_response")
        status, headers = started[0]
        return Answer.make(int(status[:3]), headers, written.body())
    except BaseException:
        written.drop()
        raise
