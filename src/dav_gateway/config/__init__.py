"""Every setting of the gateway: its type, its bounds and its default. `config/gateway.toml` explains each in words.

The settings are closed: a key that is not here is an error. `load` returns them complete: paths absolute, the address
of the database with its password in it, the public address filled in, no object larger than a body.
"""
# ruff: noqa: RUF009 - setting() and table() make fields, as dataclasses.field() does

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from dav_gateway.config.addresses import (
    SQLITE,
    absolute,
    database_url,
    is_embedded,
    issuer_url,
    own_url,
    public_url,
    redacted,
    with_password,
)
from dav_gateway.config.kinds import (
    GIB,
    KIB,
    MIB,
    HostPort,
    Unfit,
    choice,
    host_port,
    network,
    optional_path,
    path,
    seconds,
    several,
    size,
    text,
    whole,
)
from dav_gateway.config.mail import MailSettings, ProfileSettings
from dav_gateway.config.reader import ConfigurationError, read, setting, table
from dav_gateway.core.credential import Network

_REALM = re.compile(r"[ !#-\[\]-~]{1,64}")
_NAME_LIMIT = 200


def _realm(given: str) -> str:
    if not _REALM.fullmatch(given):
        raise Unfit
    return given


def _name(given: str) -> str:
    if len(given) > _NAME_LIMIT:
        raise Unfit
    return given.strip()


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Where everything is kept. `url` contains the password, so it stays out of `repr`; show `redacted`."""

    url: str = setting(
        "",
        text('empty, "sqlite:////folder/file.db" or "postgresql://user@host/database"', database_url, secret=True),
    )
    password: str = setting("", text("text", str, secret=True))
    busy_timeout: float = setting(5.0, seconds(0.1, 60))
    pool_size: int = setting(16, whole(1, 256))

    @property
    def redacted(self) -> str:
        """The address as it may be shown."""
        return redacted(self.url)


@dataclass(frozen=True, slots=True)
class TLSSettings:
    """Certificate and key files, when the gateway itself speaks TLS."""

    certificate: Path | None = setting(None, optional_path())
    key: Path | None = setting(None, optional_path())


@dataclass(frozen=True, slots=True)
class AppPasswordSettings:
    """How app passwords are kept, and what happens when another kind of client presents one."""

    verifier: str = setting("argon2id", choice("argon2id", "blake2b"))
    client_family: str = setting("enforce", choice("enforce", "warn", "off"))


@dataclass(frozen=True, slots=True)
class SecuritySettings:
    """Signing in to the page. `load` puts the key file beside an embedded database when none is named."""

    key_file: Path | None = setting(None, optional_path())
    second_factor: str = setting("optional", choice("optional", "required"))


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """An OpenID provider that people may sign in with; without an issuer there is none."""

    issuer: str = setting("", text('empty, or an address such as "https://id.example.com/realm"', issuer_url))
    client_id: str = setting("", text("text", str))
    client_secret: str = setting("", text("text", str, secret=True))
    accounts: str = setting("email", choice("email", "linked"))


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """What clients may cost. Fields that the server enforces have the names of its own limits."""

    body_bytes: int = setting(10 * MIB, size(KIB, 2 * GIB))
    object_bytes: int = setting(10 * MIB, size(KIB, 256 * MIB))
    account_bytes: int = setting(0, size(0, 1024 * GIB))
    account_collections: int = setting(100, whole(2, 10_000))
    header_bytes: int = setting(32 * KIB, size(2 * KIB, MIB))
    header_count: int = setting(100, whole(16, 1000))
    header_seconds: float = setting(15.0, seconds(0.1, 600))
    body_seconds: float = setting(600.0, seconds(0.1, 86400))
    write_seconds: float = setting(60.0, seconds(0.1, 3600))
    idle_seconds: float = setting(120.0, seconds(0.1, 3600))
    stop_seconds: float = setting(20.0, seconds(0.1, 600))
    connections: int = setting(1000, whole(1, 1_000_000))
    threads: int = setting(8, whole(1, 256))
    waiting: int = setting(256, whole(1, 100_000))


@dataclass(frozen=True, slots=True)
class LoggingSettings:
    """What is logged, and as lines for people or for programs."""

    level: str = setting("info", choice("debug", "info", "warning", "error"))
    format: str = setting("text", choice("text", "json"))


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. As constructed they are the bare defaults; `load` makes them complete."""

    public_url: str = setting("", text('empty, or a host alone such as "https://dav.example.com"', public_url))
    listen: HostPort = setting(HostPort("127.0.0.1", 8765), host_port())
    workers: int = setting(0, whole(0, 128))
    data_directory: Path = setting(Path("var"), path())
    trusted_proxies: tuple[Network, ...] = setting((), several(network()))
    realm: str = setting("dav-gateway", text("1 to 64 ASCII characters without quotes or backslashes", _realm))
    company: str = setting("", text(f"text of at most {_NAME_LIMIT} characters", _name))
    languages: tuple[str, ...] = setting(("en", "es"), several(choice("en", "es"), at_least=1))
    radicale_config: Path | None = setting(None, optional_path())
    database: DatabaseSettings = table(DatabaseSettings)
    tls: TLSSettings = table(TLSSettings)
    app_passwords: AppPasswordSettings = table(AppPasswordSettings)
    security: SecuritySettings = table(SecuritySettings)
    oidc: OidcSettings = table(OidcSettings)
    mail: MailSettings = table(MailSettings)
    profiles: ProfileSettings = table(ProfileSettings)
    limits: LimitSettings = table(LimitSettings)
    logging: LoggingSettings = table(LoggingSettings)

    @property
    def dav_url(self) -> str:
        """The address that people type into their clients."""
        return f"{self.public_url}/dav/"


def load(
    file: Path | None,
    *,
    environ: Mapping[str, str] = os.environ,
    overrides: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> tuple[Settings, dict[str, str]]:
    """Complete settings from a TOML file (None: none), the environment and command line options (dotted key: text).

    Also returns where each value came from. Raises `ConfigurationError` with every mistake at once.
    """
    cwd = cwd or Path.cwd()
    settings, sources = read(Settings, file=file, environ=environ, overrides=overrides or {}, cwd=cwd)
    mistakes = []
    if (settings.tls.certificate is None) != (settings.tls.key is None):
        mistakes.append("tls.certificate and tls.key must be given together.")
    if len({bool(settings.oidc.issuer), bool(settings.oidc.client_id), bool(settings.oidc.client_secret)}) > 1:
        mistakes.append("oidc.issuer, oidc.client_id and oidc.client_secret must be given together.")
    mistakes += [*settings.mail.mistakes(), *settings.profiles.mistakes()]
    if sources["limits.object_bytes"] == "default":
        least = min(settings.limits.object_bytes, settings.limits.body_bytes)
        settings = replace(settings, limits=replace(settings.limits, object_bytes=least))
    if settings.limits.object_bytes > settings.limits.body_bytes:
        mistakes.append("limits.object_bytes must not be larger than limits.body_bytes.")
    base = file.absolute().parent if file and sources["database.url"] == str(file) else cwd
    url = absolute(settings.database.url, base) or f"sqlite:///{settings.data_directory / 'gateway.db'}"
    if settings.database.password:
        try:
            url = with_password(url, settings.database.password)
        except ValueError:
            mistakes.append("database.password needs a database.url with a user and no password in it.")
    if mistakes:
        raise ConfigurationError(mistakes)
    public = settings.public_url or own_url(settings.listen, tls=settings.tls.certificate is not None)
    if settings.security.key_file is None and is_embedded(url):
        beside = Path(url.removeprefix(SQLITE)).with_suffix(".key")
        settings = replace(settings, security=replace(settings.security, key_file=beside))
    return replace(settings, public_url=public, database=replace(settings.database, url=url, password="")), sources
