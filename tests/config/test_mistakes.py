"""Configuration mistakes: each is one sentence that names the setting, and all of a file are told at once."""

from pathlib import Path

import pytest

from dav_gateway.config import load
from dav_gateway.config.reader import ConfigurationError


def mistakes(folder: Path, toml: str = "", environ: dict[str, str] | None = None, **overrides: str) -> list[str]:
    """What is wrong, each without the folder's name."""
    file = folder / "gateway.toml"
    file.write_bytes(toml.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigurationError) as caught:
        load(file, environ=environ or {}, overrides=overrides, cwd=folder)
    assert str(caught.value) == "\n".join(caught.value.mistakes)
    return [mistake.replace(f"{folder}/", "") for mistake in caught.value.mistakes]


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        ("listn = 1", 'there is no setting "listn"; the nearest is "listen".'),
        ("busy_timeout = 1", 'there is no setting "busy_timeout"; the nearest is "database.busy_timeout".'),
        ('[database]\nurI = "x"', 'there is no setting "database.urI"; the nearest is "database.url".'),
        ('[databse]\nurl = "x"', 'there is no table "databse"; the nearest is "database".'),
        ("zzz = 1", 'there is no setting "zzz"; the nearest is "database.pool_size".'),
        ("database = 1", "database must be a table, written [database]."),
        ("[listen]\na = 1", 'listen must be HOST:PORT, such as "127.0.0.1:8765" or "[::1]:8765", not a table.'),
        ("listen = 8765", 'listen must be HOST:PORT, such as "127.0.0.1:8765" or "[::1]:8765", not 8765.'),
        ("realm = true", "realm must be 1 to 64 ASCII characters without quotes or backslashes, not true."),
        (
            'realm = "a\\u202eb"',
            'realm must be 1 to 64 ASCII characters without quotes or backslashes, not "a\\u202eb".',
        ),
        ('languages = ["en", "fr"]', 'languages must be a list, each of it "en" or "es", not ["en", "fr"].'),
        (
            "languages = [true, 1, [], {a = 1}]",
            'languages must be a list, each of it "en" or "es", not [true, 1, [], a table].',
        ),
        ("languages = []", 'languages must be a list, each of it "en" or "es", not [].'),
        ('languages = "en"', 'languages must be a list, each of it "en" or "es", not "en".'),
        ('[database]\npool_size = "many"', 'database.pool_size must be a whole number from 1 to 256, not "many".'),
        ("[database]\npool_size = 0", "database.pool_size must be a whole number from 1 to 256, not 0."),
        ("[database]\npool_size = true", "database.pool_size must be a whole number from 1 to 256, not true."),
        (
            "[database]\nbusy_timeout = inf",
            "database.busy_timeout must be a number of seconds from 0.1 to 60, not inf.",
        ),
        (
            "[database]\nbusy_timeout = nan",
            "database.busy_timeout must be a number of seconds from 0.1 to 60, not nan.",
        ),
        ('[limits]\nbody_bytes = "10 MB"', 'limits.body_bytes must be a size from "1 KiB" to "2 GiB", not "10 MB".'),
        ("[limits]\nbody_bytes = -1", 'limits.body_bytes must be a size from "1 KiB" to "2 GiB", not -1.'),
        ('[logging]\nlevel = "loud"', 'logging.level must be "debug", "info", "warning" or "error", not "loud".'),
        (
            '[oidc]\nissuer = "http://id.example.com"',
            'oidc.issuer must be empty, or an address such as "https://id.example.com/realm", not "http://id.example.com".',
        ),
        (
            '[oidc]\nissuer = "https://id.example.com?x"',
            (
                'oidc.issuer must be empty, or an address such as "https://id.example.com/realm", not'
                ' "https://id.example.com?x".'
            ),
        ),
        (
            '[security]\nsecond_factor = "always"',
            'security.second_factor must be "optional" or "required", not "always".',
        ),
        ("data_directory = ''", 'data_directory must be the path of a file or folder, not "".'),
        ("= 1", "is not valid TOML: Invalid statement (at line 1, column 1)."),
        ("realm = 'caf\udce9'", "is not UTF-8 text."),
        ('[database]\nurl_file = "gone"', "database.url_file: gone cannot be read: No such file or directory."),
        ("[database]\nurl_file = 7", "database.url_file must be the path of a text file in UTF-8."),
    ],
)
def test_a_mistake_of_the_file(tmp_path: Path, toml: str, sentence: str) -> None:
    assert mistakes(tmp_path, toml) == [f"gateway.toml: {sentence}"]


@pytest.mark.parametrize("listen", ["", "localhost", "::1:80", "[::1:80", "[zz]:80", "a:65536", "a:b", ":80", "a b:80"])
def test_addresses_that_cannot_be_listened_on(tmp_path: Path, listen: str) -> None:
    assert len(mistakes(tmp_path, f'listen = "{listen}"')) == 1


@pytest.mark.parametrize(
    "url",
    [
        "dav.example.com",
        "ftp://dav.example.com",
        "https://",
        "https://dav.example.com/base",
        "https://dav.example.com?x",
        "https://dav.example.com#x",
        "https://me:pw@dav.example.com",
        "https://dav.example.com:99999",
        "https://dav.example.com:port",
        "https://dav .example.com",
        "https://[::1",
    ],
)
def test_public_addresses_that_are_none(tmp_path: Path, url: str) -> None:
    [mistake] = mistakes(tmp_path, f'public_url = "{url}"')
    assert mistake.startswith("gateway.toml: public_url must be empty, or a host alone")


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///", "sqlite:///:memory:?x", "mysql://a:hush@b/c", "postgresql://a:hush@b", "hush", "a://["],
)
def test_database_addresses_that_are_none_are_not_repeated(tmp_path: Path, url: str) -> None:
    [mistake] = mistakes(tmp_path, f'[database]\nurl = "{url}"')
    assert mistake == (
        'gateway.toml: database.url must be empty, "sqlite:////folder/file.db" or "postgresql://user@host/database".'
    )


def test_mistakes_of_variables_and_options_name_them(tmp_path: Path) -> None:
    environ = {"DAV_GATEWAY_DATABASE_UR": "x", "DAV_GATEWAY_LIMITS_THREADS": "-4", "DAV_GATEWAY_TLS_KEY": "\x07"}
    assert mistakes(tmp_path, "", environ, listen="nowhere") == [
        "there is no variable DAV_GATEWAY_DATABASE_UR; the nearest is DAV_GATEWAY_DATABASE_URL.",
        '--listen must be HOST:PORT, such as "127.0.0.1:8765" or "[::1]:8765", not "nowhere".',
        'DAV_GATEWAY_TLS_KEY must be the path of a file or folder, or empty, not "\\u0007".',
        "DAV_GATEWAY_LIMITS_THREADS must be a whole number from 1 to 256, not -4.",
    ]


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    toml = 'colour = 1\nlisten = 1\n[database]\npool_size = 0\n[limits]\nbody_bytes = "x"\nspeed = 2\n[tls]\nkey = 1\n'
    assert len(mistakes(tmp_path, toml)) == 6


def test_settings_that_contradict_each_other(tmp_path: Path) -> None:
    toml = '[database]\npassword = "hush"\n[tls]\nkey = "k"\n[limits]\nbody_bytes = "1 MiB"\nobject_bytes = "2 MiB"\n'
    assert mistakes(tmp_path, toml) == [
        "tls.certificate and tls.key must be given together.",
        "limits.object_bytes must not be larger than limits.body_bytes.",
        "database.password needs a database.url with a user and no password in it.",
    ]


def test_a_secret_is_given_once(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://a@b/c")
    toml = '[database]\nurl_file = "url"\nurl = "postgresql://a:hush@b/c"'
    assert mistakes(tmp_path, toml) == [
        "gateway.toml: database.url and gateway.toml: database.url_file are both given; leave one out."
    ]
    (tmp_path / "empty").write_text("\n")
    assert mistakes(tmp_path, '[database]\nurl_file = "empty"') == ["gateway.toml: database.url_file: empty is empty."]


def test_a_file_that_is_not_there_or_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gone\.toml: cannot be read: No such file or directory\."):
        load(tmp_path / "gone.toml", environ={}, cwd=tmp_path)
    with pytest.raises(ConfigurationError, match=r"cannot be read: Is a directory\."):
        load(tmp_path, environ={}, cwd=tmp_path)


@pytest.mark.parametrize("given", ["issuer", "client_id", "client_secret"])
def test_an_openid_provider_is_given_wholly_or_not_at_all(tmp_path: Path, given: str) -> None:
    value = "https://id.example.com" if given == "issuer" else "x"
    [mistake] = mistakes(tmp_path, f'[oidc]\n{given} = "{value}"')
    assert mistake == "oidc.issuer, oidc.client_id and oidc.client_secret must be given together."
