"""One log for everything that runs in the gateway: what libraries say through `logging` is written as our own lines."""

import logging
import sys

import structlog

from dav_gateway.config import LoggingSettings
from dav_gateway.server.request_log import configure_logging, without_secrets

OURS = "dav_gateway"


def start_logging(settings: LoggingSettings) -> None:
    """Write the log to standard error from now on. Called once, by the process that serves."""
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    configure_logging("json" if settings.format == "json" else "console", sys.stderr, level)
    logging.basicConfig(handlers=[_IntoOurs()], level=max(level, logging.WARNING), force=True)
    logging.getLogger(OURS).setLevel(level)


class _IntoOurs(logging.Handler):
    """Hands records on, with everything blotted out that could be an app password: libraries quote what they got."""

    def emit(self, record: logging.LogRecord) -> None:
        # vobject names every time zone that it does not know, on the root logger, as an error.
        level = logging.DEBUG if record.name == "root" else record.levelno
        if not logging.getLogger(OURS).isEnabledFor(level):
            return
        try:
            sentence = without_secrets(record.getMessage())
        except (TypeError, ValueError):
            sentence = without_secrets(str(record.msg))
        structlog.get_logger(record.name).log(level, sentence, exc_info=record.exc_info)
