"""`serve`: run the gateway, a supervisor and its workers."""

import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
import structlog

from dav_gateway.cli.command import Command
from dav_gateway.cli.correctness import faults, require_correct
from dav_gateway.cli.session import Session
from dav_gateway.config import Settings
from dav_gateway.config.checks import advice
from dav_gateway.config.kinds import host_port
from dav_gateway.config.reader import ConfigurationError

if TYPE_CHECKING:
    from dav_gateway.server.generation import Plan
    from dav_gateway.server.seat import Seat


def _checked(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    kind = host_port()
    try:
        return value if value is None else str(kind.parse(value, Path()))
    except ValueError:
        raise click.BadParameter(f"{value!r} is not {kind.expects}") from None


@click.command("serve", cls=Command, example="dav-gateway serve --listen 127.0.0.1:8765 --workers 4")
@click.option("--listen", metavar="HOST:PORT", callback=_checked, help="Instead of the configured address.")
@click.option("--workers", metavar="N", type=click.IntRange(0, 128), help="How many processes; 0 is one for each core.")
@click.pass_obj
def serve(session: Session, listen: str | None, workers: int | None) -> None:
    """Run the gateway until it is told to stop.

    SIGTERM or Ctrl-C stop it: running requests are finished first. SIGHUP reads configuration and certificates again.
    """
    overrides = {} if listen is None else {"listen": listen}
    overrides |= {} if workers is None else {"workers": str(workers)}
    settings, _ = session.load(overrides)
    require_correct(settings)
    from dav_gateway.logs import start_logging
    from dav_gateway.server.supervisor import Supervisor

    def reread() -> "Plan":
        again, _ = session.load(overrides)
        wrong = faults(again)
        if wrong:
            raise ConfigurationError(wrong)
        start_logging(again.logging)
        _give(advice(again))
        return _plan(again)

    start_logging(settings.logging)
    _give(advice(settings))
    from dav_gateway.serving import preload  # after the log is begun: all of a worker comes with it

    preload(settings)
    # What exists now is never collected in a worker: a collection would touch, and so copy, every shared page.
    gc.collect()
    gc.freeze()
    Supervisor(_plan(settings), reread).run()


def _plan(settings: Settings) -> "Plan":
    from dav_gateway.server.generation import Plan
    from dav_gateway.serving import build_server

    def work(seat: "Seat") -> None:
        with build_server(settings, place=seat.place) as server:
            server.run(seat=seat)

    return Plan(
        host=settings.listen.host,
        port=settings.listen.port,
        workers=settings.workers or len(os.sched_getaffinity(0)),
        stop_seconds=settings.limits.stop_seconds,
        work=work,
        facts={"listen": str(settings.listen), "dav_url": settings.dav_url},
    )


def _give(sentences: list[str]) -> None:
    for sentence in sentences:
        structlog.get_logger("dav_gateway").warning("advice", sentence=sentence)
