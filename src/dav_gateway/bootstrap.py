"""The only place where the parts meet: settings in, services or a whole server out."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from dav_gateway.config import Settings
from dav_gateway.config.addresses import is_embedded
from dav_gateway.core.client_family import FamilyPolicy
from dav_gateway.core.keyring import Keyring
from dav_gateway.core.moment import DAY, Moment
from dav_gateway.core.sign_in import Policy
from dav_gateway.core.verifier import SCHEMES
from dav_gateway.core.worker_place import WorkerPlace
from dav_gateway.service.cutter import Cutter
from dav_gateway.service.keys import no_key
from dav_gateway.service.oidc_registration import Registration
from dav_gateway.service.page_services import PageOptions
from dav_gateway.service.services import Services, assemble
from dav_gateway.service.watch import Watchdog
from dav_gateway.store import cuts, key_file, migration
from dav_gateway.store.database import Database, open_database

if TYPE_CHECKING:
    from dav_gateway.server.seat import Seat
    from dav_gateway.service.mail.sender import Post
    from dav_gateway.service.profiles import Profiles

_ROOM = Path(__file__).parent

_OF_A_WORKER = (
    "dav_gateway.bus.watchdog",
    "dav_gateway.dav.gate",
    "dav_gateway.dav.wsgi",
    "dav_gateway.doors",
    "dav_gateway.server.bridge",
    "dav_gateway.server.front",
    "dav_gateway.server.serve",
    "dav_gateway.service.profiles",
    "dav_gateway.web.routes",
    *(f"dav_gateway_radicale.{name}" for name in ("auth", "rights", "storage", "web")),
    *(f"radicale.{name}.none" for name in ("group", "hook", "sharing")),
)
_SQLITE = ("sqlalchemy.dialects.sqlite",)
_POSTGRESQL = (
    "dav_gateway.bus.postgres_bus",
    "dav_gateway.store.postgres_backend",
    "dav_gateway.store.postgres_connections",
    "sqlalchemy.dialects.postgresql.psycopg",
)


@contextmanager
def open_bare_database(settings: Settings) -> Iterator[Database]:
    """The configured database at whatever revision it is, closed at the end. Raises StoreUnavailable."""
    database = open_database(
        settings.database.url, busy_timeout=settings.database.busy_timeout, pool_size=settings.database.pool_size
    )
    try:
        yield database
    finally:
        database.dispose()


@contextmanager
def open_services(
    settings: Settings, *, cutter: Cutter, watchdog: Watchdog | None = None, place: WorkerPlace | None = None
) -> Iterator[Services]:
    """The use cases on the configured database, which is closed at the end. Their background work is not started.

    An embedded database is brought up to date first. `watchdog` and `place` are those of a worker. Raises Refusal when
    another database is not up to date, and StoreUnavailable.
    """
    with open_bare_database(settings) as database:
        if is_embedded(settings.database.url):
            current, head = migration.status(database)
            if current != head:
                migration.upgrade(database)
        else:
            migration.require_head(database)
        yield assemble(
            database,
            cutter=cutter,
            profile=SCHEMES[settings.app_passwords.verifier],
            family_policy=FamilyPolicy(settings.app_passwords.client_family),
            company=settings.company,
            language=settings.languages[0],
            watchdog=watchdog,
            place=place,
            page=PageOptions(
                public_url=settings.public_url,
                company=settings.company,
                policy=Policy(settings.security.second_factor),
                read_key=lambda: _key(settings),
                provider=_provider(settings),
            ),
            post=post(settings),
        )


def _provider(settings: Settings) -> Registration | None:
    oidc = settings.oidc
    if not oidc.issuer:
        return None
    return Registration(oidc.issuer, oidc.client_id, oidc.client_secret, by_email=oidc.accounts == "email")


def _key(settings: Settings) -> Keyring:
    """The installation's key: beside an embedded database it is made when it is first needed."""
    path = settings.security.key_file
    if path is None:
        return no_key()
    return key_file.read_or_make(path) if is_embedded(settings.database.url) else key_file.read(path)


def post(settings: Settings) -> "Post | None":
    """How mail leaves by these settings; None when it does not."""
    from dav_gateway.service.mail.messages import Letterhead
    from dav_gateway.service.mail.sender import Post
    from dav_gateway.service.mail.transport import Console, Folder, Smtp, Transport

    mail = settings.mail
    transport: Transport
    match mail.transport:
        case "smtp":
            transport = Smtp(mail.host, mail.port, mail.tls, mail.user, mail.password)
        case "directory":
            assert mail.directory is not None, "the settings are complete"
            transport = Folder(mail.directory)
        case "console":
            transport = Console()
        case _:
            return None
    return Post(transport, Letterhead(mail.from_address, settings.company, settings.public_url))


def profiles(settings: Settings) -> "Profiles":
    """The maker of Apple profiles that these settings describe."""
    from dav_gateway.service.profiles import Profiles

    certificate, key = settings.profiles.certificate, settings.profiles.key
    if certificate is None or key is None:
        return Profiles(settings.public_url, settings.company)
    from dav_gateway.core.profile_signature import ProfileSigner

    def signer() -> ProfileSigner:
        return ProfileSigner(certificate.read_bytes(), key.read_bytes())

    return Profiles(settings.public_url, settings.company, signer)


def radicale_ini(settings: Settings) -> Path:
    """The Radicale configuration in force: the one that is configured, else the gateway's own."""
    packaged = _ROOM / "radicale.ini"
    own = packaged if packaged.exists() else _ROOM.parents[1] / "config" / "radicale.ini"
    return settings.radicale_config or own


def check_radicale(settings: Settings) -> list[str]:
    """Why the Radicale configuration cannot be used; a sentence each, none when it can."""
    from dav_gateway.dav import configuration

    # Without any handler Radicale's word about its log level would land on standard error.
    logging.getLogger("radicale").addHandler(logging.NullHandler())
    try:
        configuration.load(radicale_ini(settings))
    except configuration.RadicaleConfigurationError as error:
        return str(error).splitlines()
    return []


class Run(Protocol):
    """Serves until a signal or `until` ends it, and tells the port when connections are accepted."""

    def __call__(
        self,
        on_started: Callable[[int], None] | None = None,
        until: threading.Event | None = None,
        seat: "Seat | None" = None,
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
    from dav_gateway.bus.watchdog import Watchdog as KernelWatchdog
    from dav_gateway.dav.configuration import load as load_radicale
    from dav_gateway.dav.gate import Admission
    from dav_gateway.dav.site import Site
    from dav_gateway.dav.wsgi import Gateway
    from dav_gateway.doors import Gate, awake, quickly
    from dav_gateway.server.bridge import WsgiBridge
    from dav_gateway.server.front import Front
    from dav_gateway.server.limits import ServerLimits
    from dav_gateway.server.peers import TrustedProxies
    from dav_gateway.server.quick import QuickLane
    from dav_gateway.server.registry import ConnectionRegistry
    from dav_gateway.server.registry import Cutter as RegistryCutter
    from dav_gateway.server.request_log import RequestLog
    from dav_gateway.server.serve import ServerSettings, run, serve_on
    from dav_gateway.web.routes import pages
    from dav_gateway.web.site import PageSite

    # Every limit but those of an object and an account is the server's, by the same name: a misspelt one fails here.
    own = {item.name: getattr(settings.limits, item.name) for item in fields(settings.limits)}
    limits = ServerLimits(
        **{name: value for name, value in own.items() if name not in ("object_bytes", "account_bytes")}
    )
    site = Site(settings.realm, settings.public_url, settings.limits.object_bytes, settings.limits.account_bytes)
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
        lane = QuickLane(quickly(dav, asleep), gate, registry=registry, proxies=proxies, scheme=scheme)
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
            seat: "Seat | None" = None,
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
                    serve_on(seat.sockets, app, listening, registry, on_stop=bridge.close, seat=seat, lane=lane)
            finally:
                services.stop()

        yield Server(services, serve, place)


def preload(settings: Settings) -> None:
    """Import all that a worker with these settings needs, so that those forked afterwards share it and start sooner.

    What hardly any worker ever needs is imported where it is needed: the libraries of passkeys, single sign-on, X.509,
    QR codes and migrations, and the other engine's.
    """
    engine = _SQLITE if is_embedded(settings.database.url) else _POSTGRESQL
    for name in (*_OF_A_WORKER, *engine):
        import_module(name)
