"""What the commands of one run share: the settings, and the services on the database, opened when first needed."""

import os
import pwd
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dav_gateway.config import Settings, load
from dav_gateway.config.addresses import SQLITE, is_embedded
from dav_gateway.core.errors import Refusal
from dav_gateway.core.moment import SECOND, Moment
from dav_gateway.service.services import Services

CONFIG_VARIABLE = "DAV_GATEWAY_CONFIG"


@dataclass
class Session:
    """One run of the program. `config` is the file that `--config` named."""

    config: Path | None = None

    def load(self, overrides: Mapping[str, str] | None = None) -> tuple[Settings, dict[str, str]]:
        """The settings of this run and where each came from. Raises ConfigurationError."""
        named = os.environ.get(CONFIG_VARIABLE)
        return load(self.config or (Path(named) if named else None), overrides=overrides)

    @cached_property
    def settings(self) -> Settings:
        """The settings of this run. Raises ConfigurationError."""
        return self.load()[0]

    def require_language(self, language: str | None) -> None:
        """Raises Refusal for a language that is not among the configured ones."""
        offered = self.settings.languages
        if language is not None and language not in offered:
            raise Refusal(f"{language!r} is not one of the configured languages {', '.join(offered)}")

    @contextmanager
    def services(self, *, create: bool = False) -> Iterator[Services]:
        """The services on the configured database, closed afterwards.

        Only a command that may be the first of an installation gives `create`: elsewhere a database that is not there
        means a forgotten `--config`, and an empty new one would hide that. Raises Refusal then.
        """
        from dav_gateway.bootstrap import open_services
        from dav_gateway.service.revocation import NoConnections

        if not create:
            require_database(self.settings)
        with open_services(self.settings, cutter=NoConnections()) as services:
            yield services


def require_database(settings: Settings) -> None:
    """Raises Refusal when the configured SQLite file is not there."""
    place = Path(settings.database.url.removeprefix(SQLITE))
    if is_embedded(settings.database.url) and not place.exists():
        raise Refusal(f"there is no database {place} yet: is --config missing? `account add` or `serve` makes one")


def now() -> Moment:
    """The time by the machine's clock."""
    return Moment(time.time_ns() * SECOND // 1_000_000_000)


def actor() -> str:
    """Who runs the command, as the audit names it: the user of the operating system."""
    try:
        return f"cli:{pwd.getpwuid(os.getuid()).pw_name}"
    except KeyError:
        return f"cli:{os.getuid()}"
