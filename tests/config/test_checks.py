"""What a look at the machine tells about settings."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dav_gateway.config import Settings, load
from dav_gateway.config.checks import mistakes, radicale_file

NOBODY = 65534


def settings(folder: Path, **values: str) -> Settings:
    return load(None, environ={f"DAV_GATEWAY_{key}": value for key, value in values.items()}, cwd=folder)[0]


@pytest.fixture
def readable() -> Iterator[Path]:
    """A folder that every user may look into and only its owner may write; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)


@contextmanager
def without_privileges() -> Iterator[None]:
    """Root may write anywhere, so it becomes nobody for a while."""
    user = os.geteuid()
    if user:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_data_directory_that_cannot_be_made(readable: Path) -> None:
    with without_privileges():
        assert mistakes(settings(readable)) == [
            f"data_directory: {readable}/var cannot be made: {readable} cannot be written by the user that runs this."
        ]
    assert not (readable / "var").exists()


def test_a_data_directory_that_cannot_be_written(readable: Path) -> None:
    with without_privileges():
        [mistake] = mistakes(settings(readable, DATA_DIRECTORY=str(readable)))
        assert mistake == f"data_directory: {readable} cannot be written by the user that runs this."
        [mistake] = mistakes(settings(readable, DATABASE_URL=f"sqlite:///{readable}/x.db"))
        assert mistake == f"database.url: {readable} cannot be written by the user that runs this."


def test_a_folder_below_one_that_may_not_be_looked_into(readable: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o000)
    try:
        with without_privileges():
            [mistake] = mistakes(settings(readable, DATA_DIRECTORY=str(tmp_path / "a" / "b")))
    finally:
        tmp_path.chmod(0o700)
    assert mistake.startswith(f"data_directory: {tmp_path}/a/b cannot be made: ")


def test_a_folder_that_is_not_used_is_not_looked_at(readable: Path) -> None:
    key = readable / "gateway.key"
    key.write_text("ab" * 32)
    with without_privileges():
        assert mistakes(settings(readable, DATABASE_URL="postgresql://a@b/c", SECURITY_KEY_FILE=str(key))) == []


def test_beside_postgresql_a_key_file_is_needed(readable: Path) -> None:
    [mistake] = mistakes(settings(readable, DATABASE_URL="postgresql://a@b/c"))
    assert mistake.startswith("security.key_file is needed beside PostgreSQL")
    path = readable / "gateway.key"
    [mistake] = mistakes(settings(readable, DATABASE_URL="postgresql://a@b/c", SECURITY_KEY_FILE=str(path)))
    assert mistake == f"security.key_file: {path} cannot be read by the user that runs this."
    path.touch(mode=0o000)
    with without_privileges():
        assert len(mistakes(settings(readable, DATABASE_URL="postgresql://a@b/c", SECURITY_KEY_FILE=str(path)))) == 1


def test_a_folder_that_can_be_made(tmp_path: Path) -> None:
    assert mistakes(settings(tmp_path, DATA_DIRECTORY="a/b/c")) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"[auth\nfoo", "is no INI file: see line 1."),
        (b"[auth]\ntype = none\nnonsense\n", "is no INI file: see line 3."),
        (b"[auth]\ndelay = 1\ndelay = 1\n", "is no INI file: see line 3."),
        (b"[auth]\nx = caf\xe9\n", "is not UTF-8 text."),
        (None, "cannot be read: No such file or directory."),
    ],
)
def test_a_radicale_file_that_cannot_be_read(tmp_path: Path, content: bytes | None, sentence: str) -> None:
    path = tmp_path / "radicale.ini"
    if content is not None:
        path.write_bytes(content)
    assert radicale_file(settings(tmp_path, RADICALE_CONFIG="radicale.ini")) == [f"radicale_config: {path} {sentence}"]


def test_a_radicale_file_that_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "radicale.ini").write_text("[auth]\ntype = none\n")
    assert radicale_file(settings(tmp_path, RADICALE_CONFIG="radicale.ini")) == []
    assert radicale_file(settings(tmp_path)) == []
