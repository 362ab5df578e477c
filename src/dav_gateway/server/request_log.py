"""One structured line for each request: what, how long, how much, under which credential. Never a header or a query."""

import json
import logging
import re
import sys
import time
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO

import structlog

from dav_gateway.server.answer import Answer
from dav_gateway.server.asgi import EXTENSION, ASGIApplication, Message, Receive, Scope, Send

LogStyle = Literal["json", "console"]

_logger = structlog.get_logger("dav_gateway.request")

_APP_PASSWORD = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]{5}(?:[- ]?[0-9A-Za-z]{5}){4}(?![0-9A-Za-z])")
"""The shape of an app password: people paste it into the wrong field, and then it stands in a path."""

_ONE_TIME = re.compile(r"(?<![A-Za-z0-9_-])(?:davgw_)?[A-Za-z0-9_-]{43}(?![A-Za-z0-9_.-])")
"""The shape of one-time secrets and API keys: set-up links and login flows carry them in the path. A dot behind it
means the name of an object, which is none."""


_encode = json.JSONEncoder(default=str).encode


def _to_json(event: object, **_: Any) -> str:
    """As `json.dumps`, which makes a new encoder for each line: half of its cost."""
    return _encode(event)


_stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
_QUOTED = re.compile("[ \t=\r\n\"']")
"""What makes the console's renderer quote a text."""


def configure_logging(style: LogStyle, stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Make structlog write one line an event to `stream` (standard error by default). Called once, at start."""
    processors: list[Any] = [
        structlog.processors.add_log_level,
        _stamp,
        structlog.processors.format_exc_info,
        _blot_out,
    ]
    if style == "json":
        processors += [structlog.processors.JSONRenderer(_to_json)]
    else:
        # The renderer's own choice, where rich is installed, prints local variables: logins and what people keep.
        plain = structlog.dev.plain_traceback
        processors += [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain)]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=stream if stream is not None else sys.stderr),
        cache_logger_on_first_use=False,
    )


def without_secrets(path: str) -> str:
    """The path with everything that could be an app password, a one-time secret or an API key blotted out."""
    # A one-time secret may hold what looks like an app password, so the longer shape goes first.
    return _APP_PASSWORD.sub("[redacted]", _ONE_TIME.sub("[redacted]", path))


def _blot_out(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An error may quote what it could not read."""
    if "exception" in event:
        event["exception"] = without_secrets(event["exception"])
    return event


def _in_json(_logger: object, _method: str, line: MutableMapping[str, Any]) -> str:
    """The line of a request as `JSONRenderer` writes it."""
    line["level"] = "info"
    return _to_json(line)


def _for_console(_logger: object, _method: str, line: MutableMapping[str, Any]) -> str:
    """The line of a request as `ConsoleRenderer` writes it."""
    path = line["path"]
    return (
        f"{line['timestamp']} [info     ] {line['event']:30} bytes={line['bytes']} credential={line['credential']}"
        f" cut={line['cut']} id={line['id']} method={line['method']} ms={line['ms']}"
        f" path={repr(path) if _QUOTED.search(path) else path} status={line['status']}"
    )


def log_refused(answer: Answer, address: str) -> None:
    """A refusal that no request came of: malformed, too long, too slow, too many."""
    assert isinstance(answer.body, bytes), "a refusal is one sentence"
    _logger.info("refused", status=answer.status, why=answer.body.decode().strip(), address=address)


class RequestLine:
    """Writes the line of one request. Made after `configure_logging`: its logger is bound once, because binding costs
    as much as the rest of the line.

    The line has always the same keys, so it is put together here in the form that is configured: the renderers, which
    look at each key and value of any event, were a tenth of a poll.
    """

    def __init__(self) -> None:
        renderer = structlog.get_config()["processors"][-1]
        form = _in_json if isinstance(renderer, structlog.processors.JSONRenderer) else _for_console
        self._logger = structlog.wrap_logger(None, [_stamp, form]).bind()

    def write(self, scope: Scope, path: str, *, status: int, size: int, began: float) -> None:
        """A request is over that was asked for at `path` and began at `time.perf_counter()`; `size` is its answer's."""
        state = scope["state"]
        self._logger.info(
            "request",
            id=state["request_id"],
            method=scope["method"],
            path=without_secrets(path).replace("\n", "%0A"),  # one line for each request
            status=status,
            ms=round((time.perf_counter() - began) * 1000, 1),
            bytes=size,
            credential=state.get("credential_id"),
            cut=scope["extensions"][EXTENSION].cut,
        )


class RequestLog:
    """ASGI middleware: logs each request when its answer is over, also when it was cut (`cut`) or the client left."""

    def __init__(self, application: ASGIApplication) -> None:
        self._application = application
        self._line = RequestLine()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begin = time.perf_counter()
        path = scope["path"]
        status = 0
        size = 0

        async def noted(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self._application(scope, receive, noted)
        finally:
            self._line.write(scope, path, status=status, size=size, began=begin)
