"""`check-config` and `print-config`: what the settings are, where each comes from, and whether they can work."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import click

from dav_gateway.cli.command import Command, json_option
from dav_gateway.cli.correctness import require_correct
from dav_gateway.cli.output import safe, show_json
from dav_gateway.cli.session import Session
from dav_gateway.config import Settings
from dav_gateway.config.checks import advice


@click.command("check-config", cls=Command, example="dav-gateway check-config --config /etc/dav-gateway/gateway.toml")
@click.pass_obj
def check_config(session: Session) -> None:
    """Tell every mistake of the configuration.

    Exit code 0 when there is none. Advice on set-ups that work badly goes to standard error.
    """
    settings = session.settings
    require_correct(settings)
    for sentence in advice(settings):
        click.echo(f"advice: {sentence}", err=True)
    click.echo(f"The configuration is correct. Clients connect to {settings.dav_url}")


@click.command("print-config", cls=Command, example="DAV_GATEWAY_LISTEN=0.0.0.0:8765 dav-gateway print-config")
@json_option
@click.pass_obj
def print_config(session: Session, as_json: bool) -> None:
    """Print the settings in effect, without passwords.

    As TOML, with a comment where a value that is not the default comes from.
    """
    settings, sources = session.load()
    shown = _shown(settings)
    if as_json:
        show_json(shown)
        return
    for line in _toml(shown, sources, ""):
        click.echo(line)


def _shown(settings: Any) -> dict[str, Any]:
    """Settings as TOML and JSON can hold them, without secrets."""
    result: dict[str, Any] = {}
    for item in fields(settings):
        value = getattr(settings, item.name)
        if is_dataclass(value):
            result[item.name] = _shown(value)
        elif item.repr:
            result[item.name] = _plain(value)
    if isinstance(settings, Settings):
        result["database"] = {"url": settings.database.redacted, **result["database"]}
    return result


def _plain(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return value
    if type(value) is tuple:
        return [_plain(each) for each in value]
    return str(value.value if isinstance(value, Enum) else value)


def _toml(shown: Mapping[str, Any], sources: Mapping[str, str], prefix: str) -> list[str]:
    lines = []
    for name, value in shown.items():
        if isinstance(value, dict):
            lines += ["", f"[{prefix}{name}]", *_toml(value, sources, f"{prefix}{name}.")]
        else:
            source = sources[prefix + name]
            lines.append(f"{name} = {_toml_value(value)}" + (f"  # {safe(source)}" if source != "default" else ""))
    return lines


def _toml_value(value: Any) -> str:
    # Numbers, booleans, lists and escapes of JSON are also TOML's, but for DEL and the halves of a surrogate pair,
    # which no setting can contain: each is refused as not printable.
    return json.dumps(value, ensure_ascii=False)
