"""What bootstrap makes of settings."""

import logging
from dataclasses import fields
from pathlib import Path

import pytest
import structlog

from dav_gateway import bootstrap, doors, serving
from dav_gateway.config import LimitSettings, LoggingSettings, Settings, load
from dav_gateway.core.errors import Refusal, StoreUnavailable
from dav_gateway.core.verifier import SCHEMES
from dav_gateway.logs import start_logging
from dav_gateway.server.limits import ServerLimits
from dav_gateway.service.cutter import NoConnections
from dav_gateway.service.provisioning import LANGUAGES


def settings(folder: Path, **values: str) -> Settings:
    return load(None, environ={f"DAV_GATEWAY_{key}": value for key, value in values.items()}, cwd=folder)[0]


def test_every_limit_is_one_of_the_server_or_of_the_dav_room() -> None:
    known = {item.name for item in fields(ServerLimits)}
    assert {item.name for item in fields(LimitSettings)} - known == {
        "object_bytes",
        "account_bytes",
        "account_collections",
    }


def test_choices_are_those_of_the_parts(tmp_path: Path) -> None:
    for scheme in SCHEMES:
        assert settings(tmp_path, APP_PASSWORDS_VERIFIER=scheme).app_passwords.verifier == scheme
    assert set(Settings().languages) == LANGUAGES


def test_an_embedded_database_is_made_and_brought_up_to_date(tmp_path: Path) -> None:
    chosen = settings(tmp_path, COMPANY="Nogal", LANGUAGES="es")
    with bootstrap.open_services(chosen, cutter=NoConnections()) as services:
        added = services.accounts.add(name="ana", email="ana@example.com", by="test")
        assert added.language == "es"
    file = tmp_path / "var" / "gateway.db"
    assert file.exists()
    assert file.stat().st_mode & 0o077 == 0
    with bootstrap.open_services(chosen, cutter=NoConnections()) as services:
        assert [each.name for each in services.accounts.every()] == ["ana"]


def test_another_database_is_only_used_at_head(tmp_path: Path, empty_postgres_url: str) -> None:
    chosen = settings(tmp_path, DATABASE_URL=empty_postgres_url)
    with pytest.raises(Refusal, match="database upgrade"), bootstrap.open_services(chosen, cutter=NoConnections()):
        pytest.fail("it was opened")


def test_the_gateways_own_radicale_configuration_is_found_and_right(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    assert bootstrap.radicale_ini(chosen).name == "radicale.ini"
    assert bootstrap.check_radicale(chosen) == []
    other = settings(tmp_path, RADICALE_CONFIG="other.ini")
    assert bootstrap.radicale_ini(other) == tmp_path / "other.ini"
    assert len(bootstrap.check_radicale(other)) == 1


def test_a_process_that_hears_no_revocations_answers_503() -> None:
    calls: list[object] = []

    def application(environ: dict[str, object], _start: object) -> list[bytes]:
        calls.append(environ)
        return [b""]

    reasons = iter([None, "deaf"])
    awake = doors.awake(application, lambda: next(reasons))
    awake({}, lambda *_: None)
    with pytest.raises(StoreUnavailable, match="deaf"):
        awake({}, lambda *_: None)
    assert len(calls) == 1


def test_what_libraries_log_stands_in_our_log_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    ours = structlog.get_config()
    try:
        start_logging(LoggingSettings(format="json"))
        logging.getLogger("some.library").warning("got %r", "k7mqx-3f9tb-x2wne-hd4r8-6pzay")
        logging.getLogger("some.library").info("chatter")
        logging.getLogger("dav_gateway.dav").info("of our own")
    finally:
        root.handlers[:] = before[1]
        root.setLevel(before[0])
        structlog.configure(**ours)
    told = capsys.readouterr().err
    assert "got '[redacted]'" in told
    assert "of our own" in told
    assert "chatter" not in told


def test_a_server_makes_its_key_and_refuses_a_wrong_one(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    with serving.build_server(chosen):
        key = tmp_path / "var" / "gateway.key"
        assert key.stat().st_mode & 0o777 == 0o600
    key.chmod(0o644)
    with pytest.raises(Refusal, match="chmod 600"), serving.build_server(chosen):
        pytest.fail("it was built")


def test_an_openid_provider_is_wired_only_when_there_is_one(tmp_path: Path) -> None:
    with bootstrap.open_services(settings(tmp_path), cutter=NoConnections()) as services:
        assert services.page.single_sign_on is None
    chosen = settings(tmp_path, OIDC_ISSUER="https://id.example.com", OIDC_CLIENT_ID="a", OIDC_CLIENT_SECRET="b")
    with bootstrap.open_services(chosen, cutter=NoConnections()) as services:
        assert services.page.single_sign_on is not None
