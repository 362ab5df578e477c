"""The key file: made once and whole, read by its owner only, never replaced."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from dav_gateway.core.errors import Refusal, StoreUnavailable
from dav_gateway.store import key_file


def test_it_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "var" / "gateway.key"
    first = key_file.read_or_make(path, random.Random(1).randbytes)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["gateway.key"]
    again = key_file.read_or_make(path, random.Random(2).randbytes)
    assert again.digest("a", "x") == first.digest("a", "x") == key_file.read(path).digest("a", "x")


def test_of_several_processes_at_once_one_makes_it(tmp_path: Path) -> None:
    path = tmp_path / "gateway.key"
    program = (
        "import sys; from pathlib import Path; from dav_gateway.store import key_file;"
        "print(key_file.read_or_make(Path(sys.argv[1])).digest('a', 'x'))"
    )
    command = [sys.executable, "-c", program, str(path)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    told = {process.communicate(timeout=60)[0] for process in processes}
    assert len(told) == 1
    assert len(told.pop().strip()) == 64


@pytest.mark.parametrize(
    ("content", "mode", "complaint"),
    [
        (b"00" * 31, 0o600, "64 hexadecimal digits"),
        (b"", 0o600, "64 hexadecimal digits"),
        (b"zz" * 32, 0o600, "64 hexadecimal digits"),
        (b"\xff" * 64, 0o600, "64 hexadecimal digits"),
        (b"00" * 32, 0o604, "chmod 600"),
        (b"00" * 32, 0o620, "chmod 600"),
    ],
)
def test_another_file_is_refused_and_not_quoted(tmp_path: Path, content: bytes, mode: int, complaint: str) -> None:
    path = tmp_path / "gateway.key"
    path.write_bytes(content)
    path.chmod(mode)
    for read in (key_file.read, key_file.read_or_make):
        with pytest.raises(Refusal, match=complaint) as refused:
            read(path)
        assert "zz" not in str(refused.value)
    assert path.read_bytes() == content


def test_a_file_that_is_not_there_or_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="there is no key file"):
        key_file.read(tmp_path / "gateway.key")
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="cannot be made"):
        key_file.read_or_make(tmp_path / "file" / "gateway.key")
    with pytest.raises(Refusal, match="cannot be read"):
        key_file.read_or_make(tmp_path)
