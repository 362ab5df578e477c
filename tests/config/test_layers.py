"""Where a setting's value comes from, and how it is completed."""

from pathlib import Path

import pytest

from dav_gateway.config import Settings, load
from dav_gateway.config.kinds import MIB, HostPort
from dav_gateway.config.reader import kinds, variable

SHIPPED = Path(__file__).parents[2] / "config" / "gateway.toml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the configuration file; the working directory is another one."""
    (tmp_path / "etc").mkdir()
    return tmp_path / "etc"


def settings(folder: Path, toml: str = "", environ: dict[str, str] | None = None, **overrides: str) -> Settings:
    file = folder / "gateway.toml"
    file.write_text(toml)
    return load(file, environ=environ or {}, overrides=overrides, cwd=folder.parent)[0]


def test_the_shipped_file_says_every_setting_at_its_default(folder: Path) -> None:
    (folder / "copy.toml").write_bytes(SHIPPED.read_bytes())
    told, sources = load(folder / "copy.toml", environ={}, cwd=folder)
    assert told == settings(folder)
    assert set(sources.values()) == {str(folder / "copy.toml")}, "a setting is missing in config/gateway.toml"
    assert sources.keys() == {key for key, _, _ in kinds(Settings)}


def test_environment_variables_are_unambiguous() -> None:
    names = [variable(key) for key, _, _ in kinds(Settings)]
    assert len(set(names)) == len(names)
    assert {"DAV_GATEWAY_DATABASE_URL", "DAV_GATEWAY_LISTEN", "DAV_GATEWAY_PUBLIC_URL"} <= set(names)


def test_without_a_file_paths_start_from_the_working_directory(tmp_path: Path) -> None:
    got, sources = load(None, environ={}, cwd=tmp_path)
    assert got.database.url == f"sqlite:///{tmp_path}/var/gateway.db"
    assert set(sources.values()) == {"default"}


def test_paths_of_the_file_start_from_its_folder(folder: Path) -> None:
    assert settings(folder).database.url == f"sqlite:///{folder}/var/gateway.db"
    assert settings(folder, 'data_directory = "data"').database.url == f"sqlite:///{folder}/data/gateway.db"
    assert settings(folder, '[database]\nurl = "sqlite:///x.db"').database.url == f"sqlite:///{folder}/x.db"
    assert settings(folder, '[tls]\ncertificate = "a"\nkey = "/b"').tls.certificate == folder / "a"


def test_paths_of_the_environment_start_from_the_working_directory(folder: Path) -> None:
    assert settings(folder, environ={"DAV_GATEWAY_DATA_DIRECTORY": "d"}).data_directory == folder.parent / "d"
    url = settings(folder, environ={"DAV_GATEWAY_DATABASE_URL": "sqlite:///x.db"}).database.url
    assert url == f"sqlite:///{folder.parent}/x.db"


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(folder: Path) -> None:
    toml = 'listen = "127.0.0.1:1"\nrealm = "ours"\n'
    environ = {"DAV_GATEWAY_LISTEN": "127.0.0.1:2", "DAV_GATEWAY_REALM": ""}
    assert settings(folder, toml).listen == HostPort("127.0.0.1", 1)
    assert settings(folder, toml, environ).listen == HostPort("127.0.0.1", 2)
    assert settings(folder, toml, environ, listen="[::1]:3").listen == HostPort("::1", 3)
    assert settings(folder, toml, environ).realm == "ours", "an empty variable is not set"


def test_every_kind_is_read_from_the_environment(folder: Path) -> None:
    got = settings(
        folder,
        environ={
            "DAV_GATEWAY_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8,",
            "DAV_GATEWAY_LANGUAGES": "es",
            "DAV_GATEWAY_DATABASE_POOL_SIZE": "3",
            "DAV_GATEWAY_DATABASE_BUSY_TIMEOUT": "0.5",
            "DAV_GATEWAY_LIMITS_BODY_BYTES": "20 mib",
            "DAV_GATEWAY_LIMITS_OBJECT_BYTES": "2097152",
            "DAV_GATEWAY_APP_PASSWORDS_CLIENT_FAMILY": "warn",
            "DAV_GATEWAY_CONFIG": "elsewhere.toml",
            "DAV_GATEWAY_SERVICE_HOST": "10.0.0.1",
            "DAV_GATEWAY_PORT_8765_TCP_ADDR": "10.0.0.1",
        },
    )
    assert [str(network) for network in got.trusted_proxies] == ["127.0.0.1/32", "10.0.0.0/8"]
    assert got.languages == ("es",)
    assert (got.database.pool_size, got.database.busy_timeout) == (3, 0.5)
    assert (got.limits.body_bytes, got.limits.object_bytes) == (20 * 1024 * 1024, 2097152)
    assert got.app_passwords.client_family == "warn"


@pytest.mark.parametrize(
    ("body", "largest"), [("64 MiB", 10 * MIB), ("10 MiB", 10 * MIB), ("1 MiB", MIB)], ids=["more", "same", "less"]
)
def test_an_object_is_never_larger_than_a_body_by_default(folder: Path, body: str, largest: int) -> None:
    assert settings(folder, f'[limits]\nbody_bytes = "{body}"').limits.object_bytes == largest


def test_the_key_file_stands_beside_an_embedded_database(folder: Path) -> None:
    assert settings(folder).security.key_file == folder / "var" / "gateway.key"
    assert settings(folder, '[database]\nurl = "sqlite:///x.db"').security.key_file == folder / "x.key"
    assert settings(folder, '[security]\nkey_file = "own"').security.key_file == folder / "own"
    assert settings(folder, '[database]\nurl = "postgresql://a@b/c"').security.key_file is None


def test_an_openid_provider(folder: Path) -> None:
    (folder / "secret").write_text("hush\n")
    toml = '[oidc]\nissuer = "https://id.example.com/realm/"\nclient_id = "gate"\nclient_secret_file = "secret"'
    got = settings(folder, toml)
    assert (got.oidc.issuer, got.oidc.client_secret) == ("https://id.example.com/realm/", "hush")
    assert "hush" not in repr(got)


@pytest.mark.parametrize(
    ("toml", "public_url"),
    [
        ("", "http://127.0.0.1:8765"),
        ('listen = "0.0.0.0:80"', "http://localhost:80"),
        ('listen = "[::1]:8443"\n[tls]\ncertificate = "c"\nkey = "k"', "https://[::1]:8443"),
        ('public_url = "https://DAV.example.com/"', "https://dav.example.com"),
        ('public_url = "https://dav.example.com:8443"', "https://dav.example.com:8443"),
    ],
)
def test_the_public_address(folder: Path, toml: str, public_url: str) -> None:
    assert settings(folder, toml).public_url == public_url
    assert settings(folder, toml).dav_url == f"{public_url}/dav/"


def test_secrets_come_from_files_and_do_not_show(folder: Path) -> None:
    (folder / "url").write_text("postgres://gate@db.example.com:5433/dav?sslmode=require\n")
    (folder / "password").write_text("p@ss/w:rd\n")
    got = settings(folder, '[database]\nurl_file = "url"\npassword_file = "password"\npassword = ""')
    assert got.database.url == "postgresql://gate:p%40ss%2Fw%3Ard@db.example.com:5433/dav?sslmode=require"
    assert got.database.redacted == "postgresql://gate:***@db.example.com:5433/dav?sslmode=require"
    assert "w%3Ard" not in repr(got)
    assert "w:rd" not in repr(got)


def test_a_variable_replaces_the_secret_file_of_the_configuration(folder: Path) -> None:
    toml = '[database]\nurl_file = "not there"'
    got = settings(folder, toml, {"DAV_GATEWAY_DATABASE_URL": "postgresql://a:b@c/d"})
    assert got.database.url == "postgresql://a:b@c/d"
    (folder.parent / "url").write_text("postgresql://from/file")
    got = settings(folder, '[database]\nurl = "sqlite:////x"', {"DAV_GATEWAY_DATABASE_URL_FILE": "url"})
    assert got.database.url == "postgresql://from/file"


def test_a_password_in_the_query_is_redacted_too(folder: Path) -> None:
    got = settings(folder, '[database]\nurl = "postgresql:///dav?host=/run/pg&password=hush&user=gate"')
    assert got.database.redacted == "postgresql:///dav?host=/run/pg&password=***&user=gate"
