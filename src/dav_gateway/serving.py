"""Where the parts of a server meet: services, the DAV room, the page and the sockets, by settings."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from importlib import import_module
from typing import Literal, Protocol

from dav_gateway.bootstrap import open_services, profiles, radicale_ini
from dav_gateway.bus.watchdog import Watchdog as KernelWatchdog
from dav_gateway.config import Settings
from dav_gateway.config.addresses import is_embedded
from dav_gateway.core.moment import DAY, Moment
from dav_gateway.core.worker_place import WorkerPlace
from dav_gateway.dav.configuration import load as load_radicale
from dav_gateway.dav.gate import Admission
from dav_gateway.dav.site import Site
from dav_gateway.dav.wsgi import Gateway
from dav_gateway.doors import Gate, awake, quickly, soon
from dav_gateway.server.bridge import WsgiBridge
from dav_gateway.server.front import Front
from dav_gateway.server.limits import ServerLimits
from dav_gateway.server.peers import TrustedProxies
from dav_gateway.server.quick import QuickLane
from dav_gateway.server.registry import ConnectionRegistry
from dav_gateway.server.registry import Cutter as RegistryCutter
from dav_gateway.server.request_log import RequestLog
from dav_gateway.server.seat import Seat
from dav_gateway.server.serve import run, serve_on
from dav_gateway.server.settings import ServerSettings
from dav_gateway.service.services import Services
from dav_gateway.store import cuts
from dav_gateway.web.routes import pages
from dav_gateway.web.site import PageSite

_OF_A_WORKER = (
    "dav_gateway.service.profiles",
    *(f"dav_gateway_radicale.{name}" for name in ("auth", "rights", "storage", "web")),
    *(f"radicale.{name}.none" for name in ("group", "hook", "sharing")),
)
_SQLITE = ("sqlalchemy.dialects.sqlite",)
_POSTGRESQL = (
    "dav_gateway.bus.postgres_bus",
    "dav_gateway.store.postgres_backend",
    "dav_gateway.store.postgres_connections",
    "dav_gateway.store.postgres_loop_reader",
    "sqlalchemy.dialects.postgresql.psycopg",
)


class Run(Protocol):
    """Serves until a signal or `until` ends it, and tells the port when connections are accepted."""

    def __call__(
        self,
        on_started: Callable[[int], None] | None = None,
        until: threading.Event | None = None,
        seat: Seat | None = None,
    ) -> None:
        """In the seat of a worker, on its sockets; without one, on sockets of its own. Raises CannotListen."""


@dataclass(frozen=True, slots=True)
class Server:
    """Everything of a process that serves, assembled and not yet started. `place`: None for one that is alone."""

    services: Services
    run: Run
    place: WorkerPlace | None = None


@contextmanager
def build_server(settings: Settings, *, place: WorkerPlace | None = None) -> Iterator[Server]:
    """The server that these settings describe; what it opened is closed at the end. `place` is a worker's.

    Raises Refusal when the database or Radicale's configuration is not as it must be, StoreUnavailable, and
    GatewayError when the machine has no timer that would end a worker.
    """
    # Every limit but those of an object and an account is the server's, by the same name: a misspelt one fails here.
    own = {item.name: getattr(settings.limits, item.name) for item in fields(settings.limits)}
    of_dav = {name: own.pop(name) for name in ("object_bytes", "account_bytes", "account_collections")}
    limits = ServerLimits(**own)
    site = Site(settings.realm, settings.public_url, *of_dav.values())
    registry = ConnectionRegistry()
    # A process of its own, that the kernel may end; whoever embeds the server is spared.
    watchdog = None if place is None else KernelWatchdog()
    with open_services(settings, cutter=RegistryCutter(registry), watchdog=watchdog, place=place) as services:
        # Made at the first start, and read now: a wrong one should not show at somebody's sign-in.
        services.page.keys()

        def asleep() -> str | None:
            return None if services.watcher.healthy else "The database cannot be followed at the moment."

        dav = Gateway(services, load_radicale(radicale_ini(settings)), site)
        proxies = TrustedProxies(settings.trusted_proxies)
        gate = Gate(Admission(services, site), asleep)
        scheme: Literal["http", "https"] = "https" if settings.public_url.startswith("https:") else "http"
        bridge = WsgiBridge(awake(dav, asleep), gate, registry=registry, limits=limits, proxies=proxies, scheme=scheme)
        ask = soon(dav, asleep) if services.database.waits else quickly(dav, asleep)
        lane = QuickLane(ask, bridge.answer, gate, registry=registry, proxies=proxies, scheme=scheme)
        listening = ServerSettings(
            host=settings.listen.host,
            port=settings.listen.port,
            certificate=settings.tls.certificate,
            key=settings.tls.key,
            limits=limits,
        )
        page_site = PageSite(
            settings.public_url,
            settings.dav_url,
            settings.company,
            settings.languages,
            proxies.address,
            settings.realm,
        )
        app = RequestLog(
            Front(
                bridge,
                limits=limits,
                ready=asleep,
                pages=pages(services, page_site, profiles(settings)),
                origin=settings.public_url,
            )
        )

        def serve(
            on_started: Callable[[int], None] | None = None,
            until: threading.Event | None = None,
            seat: Seat | None = None,
        ) -> None:
            # The company's name may have changed since the cards of the directory were written.
            with services.database.write() as connection:
                now = services.clock()
                services.directory.refresh(connection, now)
                cuts.forget(connection, Moment(now - DAY))
            services.start()
            try:
                if seat is None:
                    run(app, listening, registry, on_started=on_started, on_stop=bridge.close, until=until, lane=lane)
                else:
                    serve_on(
                        seat.sockets, app, listening, registry,
                        on_stop=bridge.close, seat=seat, lane=lane, asleep=asleep,
                    )  # fmt: skip
            finally:
                services.stop()

        yield Server(services, serve, place)


def preload(settings: Settings) -> None:
    """Import what a worker with these settings needs beside this module, so that those forked afterwards share it and
    start sooner.

    What hardly any worker ever needs is imported where it is needed: the libraries of passkeys, single sign-on, X.509,
    QR codes and migrations, and the other engine's.
    """
    engine = _SQLITE if is_embedded(settings.database.url) else _POSTGRESQL
    for name in (*_OF_A_WORKER, *engine):
        import_module(name)
