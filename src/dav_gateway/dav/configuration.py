"""Radicale's configuration file, read by Radicale and checked for what the gateway relies on being off."""

import logging
from configparser import Error as IniError
from pathlib import Path

from radicale import config

REQUIRED: dict[tuple[str, str], tuple[object, str]] = {
    ("auth", "type"): ("dav_gateway_radicale.auth", "app passwords are the only sign-in"),
    ("auth", "cache_logins"): (False, "a login cache answers after a password was deleted"),
    ("auth", "delay"): (0.0, "a delay sleeps in a worker thread"),
    ("auth", "lc_username"): (False, "the verified name must not be rewritten"),
    ("auth", "uc_username"): (False, "the verified name must not be rewritten"),
    ("auth", "strip_domain"): (False, "the verified name must not be rewritten"),
    ("auth", "urldecode_username"): (False, "the verified name must not be rewritten"),
    ("rights", "type"): ("dav_gateway_radicale.rights", "scope is decided by the credential"),
    ("storage", "type"): ("dav_gateway_radicale.storage", "objects live in the gateway's database"),
    ("web", "type"): ("dav_gateway_radicale.web", "anonymous users reach Radicale's pages"),
    ("sharing", "type"): ("none", "a share outlives the password of whoever made it"),
    ("sharing", "collection_by_token"): (False, "a token address outlives every password"),
    ("sharing", "collection_by_map"): (False, "a share outlives the password of whoever made it"),
    ("server", "delay_on_error"): (0.0, "a delay sleeps in a worker thread"),
    ("server", "script_name"): ("", "the gateway fixes the prefix"),
    ("hook", "type"): ("none", "hooks run before the storage commits"),
}


class RadicaleConfigurationError(ValueError):
    """radicale.ini cannot be used; `str()` names every line that is wrong and why, one a line."""


def load(path: Path) -> config.Configuration:
    """Read `path`. Raises RadicaleConfigurationError for a missing or unreadable file or a setting that must be off."""
    try:
        configuration = config.load([(str(path), False)])
    except (RuntimeError, IniError, OSError, ValueError) as error:
        raise RadicaleConfigurationError(f"{path} cannot be read: {error}") from error
    wrong = [
        f"{path}: [{section}] {option} must be {expected!r}: {why}"
        for (section, option), (expected, why) in REQUIRED.items()
        if configuration.get(section, option) != expected
    ]
    wrong += [
        f"{path}: [headers] {name} must be left out: most answers are given without Radicale"
        for name in configuration.options("headers")
    ]
    if wrong:
        raise RadicaleConfigurationError("\n".join(wrong))
    # Not by log.set_level, which announces the level in the log at each start.
    logging.getLogger("radicale").setLevel(configuration.get("logging", "level").upper())
    return configuration
