"""`serve`: run the gateway."""

from pathlib import Path

import click
import structlog

from dav_gateway.cli.command import Command
from dav_gateway.cli.correctness import require_correct
from dav_gateway.cli.session import Session
from dav_gateway.config.checks import advice
from dav_gateway.config.kinds import host_port


def _checked(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    kind = host_port()
    try:
        return value if value is None else str(kind.parse(value, Path()))
    except ValueError:
        raise click.BadParameter(f"{value!r} is not {kind.expects}") from None


@click.command("serve", cls=Command, example="dav-gateway serve --listen 127.0.0.1:8765")
@click.option("--listen", metavar="HOST:PORT", callback=_checked, help="Instead of the configured address.")
@click.pass_obj
def serve(session: Session, listen: str | None) -> None:
    """Run the gateway until it is told to stop.

    SIGTERM or Ctrl-C stop it: running requests are finished first. SIGHUP reads the certificate again.
    """
    settings, _ = session.load({"listen": listen} if listen else None)
    from dav_gateway.bootstrap import build_server
    from dav_gateway.logs import start_logging

    require_correct(settings)
    start_logging(settings.logging)
    log = structlog.get_logger("dav_gateway")
    for sentence in advice(settings):
        log.warning("advice", sentence=sentence)

    def tell(_port: int) -> None:
        log.info("started", listen=str(settings.listen), dav_url=settings.dav_url)

    with build_server(settings) as server:
        server.run(tell)
