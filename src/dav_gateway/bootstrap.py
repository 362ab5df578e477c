"""Where the parts meet: settings in, services out. `serving` makes a whole server of them."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dav_gateway.config import Settings
from dav_gateway.config.addresses import is_embedded
from dav_gateway.core.client_family import FamilyPolicy
from dav_gateway.core.keyring import Keyring
from dav_gateway.core.sign_in import Policy
from dav_gateway.core.verifier import SCHEMES
from dav_gateway.core.worker_place import WorkerPlace
from dav_gateway.service.cutter import Cutter
from dav_gateway.service.keys import no_key
from dav_gateway.service.lease import Watchdog
from dav_gateway.service.oidc_registration import Registration
from dav_gateway.service.page_services import PageOptions
from dav_gateway.service.services import Services, assemble
from dav_gateway.store import key_file, migration
from dav_gateway.store.database import Database, open_database

if TYPE_CHECKING:
    from dav_gateway.service.mail.sender import Post
    from dav_gateway.service.profiles import Profiles

_ROOM = Path(__file__).parent


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
