"""The key file: 32 random bytes as hexadecimal text, beside the embedded database or where the configuration says.

It is kept apart from the database on purpose: a copy of the database alone gives nobody's second factor away. Losing it
means that every second factor has to be set up again.
"""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from dav_gateway.core.errors import Refusal, StoreUnavailable
from dav_gateway.core.keyring import KEY_LENGTH, Keyring

_OWNER_ONLY = 0o600
_OTHERS = 0o027


def read(path: Path) -> Keyring:
    """The key of this file. Raises Refusal, naming the file, when it is none or when everybody may read it."""
    try:
        if path.stat().st_mode & _OTHERS:
            raise Refusal(f"the key file {path} can be read by everybody or changed by others: chmod 600 it")
        text = path.read_bytes()
    except FileNotFoundError:
        raise Refusal(f"there is no key file {path}: restore the one of this installation") from None
    except OSError as error:
        raise Refusal(f"the key file {path} cannot be read: {error.strerror}") from None
    try:
        return Keyring(bytes.fromhex(text.decode("ascii").strip()))
    except ValueError:
        # Nothing of the content is repeated: it may be a key with a slip in it.
        raise Refusal(f"the key file {path} does not hold {KEY_LENGTH * 2} hexadecimal digits") from None


def read_or_make(path: Path, choose: Callable[[int], bytes] = secrets.token_bytes) -> Keyring:
    """The key of this file, which is made when it is not there; of two processes at once, one makes it.

    Raises Refusal as `read` does, and StoreUnavailable when the file cannot be made.
    """
    if not path.exists():
        try:
            _make(path, choose(KEY_LENGTH))
        except OSError as error:
            raise StoreUnavailable(f"the key file {path} cannot be made: {error.strerror}") from error
    return read(path)


def _make(path: Path, key: bytes) -> None:
    """Written whole under another name, then linked: nobody ever reads half of it, and nobody's is replaced."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.hex().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        draft.unlink()
