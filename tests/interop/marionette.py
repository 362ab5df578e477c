"""Marionette, by which programs of Mozilla are driven: JSON behind its length in bytes and a colon, over TCP.

Protocol version 3 (firefox-source-docs, testing/marionette/Protocol): `[0, id, command, parameters]` is answered by
`[1, id, error or null, result]`.
"""

import json
import socket
from itertools import count
from typing import Any, Self


class ScriptError(AssertionError):
    """A command failed: what the other side said, with its stack."""


class Marionette:
    """One session. Scripts run in one sandbox with the rights of the program, which keeps what they leave in it."""

    def __init__(self, port: int, script_seconds: float = 20.0) -> None:
        self._ids = count(1)
        self._stream = socket.create_connection(("127.0.0.1", port), script_seconds + 10)
        greeting = self._receive()
        assert greeting["marionetteProtocol"] == 3, greeting
        self.ask("WebDriver:NewSession", {"timeouts": {"script": int(script_seconds * 1000)}})
        self.ask("Marionette:SetContext", {"value": "chrome"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def run(self, script: str, *arguments: object) -> Any:
        """The body of a function and its arguments; what it returns, awaited, as JSON.

        Raises ScriptError, also when it takes too long.
        """
        asked = {"script": script, "args": arguments, "sandbox": "system", "newSandbox": False}
        return self.ask("WebDriver:ExecuteScript", asked)["value"]

    def ask(self, command: str, parameters: dict[str, object]) -> Any:
        """One command; its result. Raises ScriptError."""
        number = next(self._ids)
        octets = json.dumps([0, number, command, parameters]).encode()
        self._stream.sendall(b"%d:%b" % (len(octets), octets))
        kind, answered, error, result = self._receive()
        assert (kind, answered) == (1, number)
        if error:
            raise ScriptError(f"{error['error']}: {error['message']}\n{error['stacktrace']}")
        return result

    def _receive(self) -> Any:
        length = b""
        while not length.endswith(b":"):
            length += self._exactly(1)
        return json.loads(self._exactly(int(length[:-1])))

    def _exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            part = self._stream.recv(size - len(parts))
            if not part:
                raise ConnectionError("the program has gone")
            parts += part
        return bytes(parts)
