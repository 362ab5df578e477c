"""Gateways as processes, by their own command line: `dav-gateway serve`, one for each node."""

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from tests.stress import messages
from tests.stress.asking import ask
from tests.stress.events import Lapse

PROGRAM = [sys.executable, "-m", "dav_gateway"]
START_SECONDS = 30.0
STOP_SECONDS = 30.0
READY = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
_CUT = re.compile(
    rb"every authenticated connection is cut: (.+)"
    rb" \(process (\d+), connections (\d+), answering \d+,"
    rb" lease from boot time (\S+), cut from (\S+) to ([\d.]+)\)"
)
_AGAIN = re.compile(rb"followed again \(process (\d+), boot time ([\d.]+)\)")
_END = re.compile(rb"worker ended")
_SERIOUS = re.compile(rb"Traceback \(most recent call last\)|Logging error|Fatal Python error|Segmentation fault")

SERVING_THREADS = 3
"""A worker has one until it follows the database."""


class Node:
    """One `dav-gateway serve` with its workers."""

    def __init__(self, name: str, folder: Path, database_url: str, workers: int, **settings: str) -> None:
        """`settings` are environment variables without their prefix."""
        self.name, self.workers = name, workers
        self.port = _free_port()
        self.log = folder / f"{name}.log"
        self.environment: Mapping[str, str] = {
            f"DAV_GATEWAY_{key}": value
            for key, value in {
                "DATA_DIRECTORY": str(folder / name),
                "DATABASE_URL": database_url,
                "DATABASE_POOL_SIZE": "8",
                "LISTEN": f"127.0.0.1:{self.port}",
                "APP_PASSWORDS_VERIFIER": "blake2b",
                "LOGGING_LEVEL": "warning",
                "SECURITY_KEY_FILE": str(_key_file(folder)),
                **settings,
            }.items()
        }
        self.lapses: list[Lapse] = []
        """What its workers said about leases that they lost."""
        self.ends: list[float] = []
        """When it said that a worker had ended; times of `time.monotonic`."""
        self._again: dict[int, float] = {}
        self.process: subprocess.Popen[bytes]
        self._reader: threading.Thread

    def start(self) -> None:
        """Start it and wait until it serves."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("DAV_GATEWAY_")}
        own = dict(self.environment)
        if "PYTHONPATH" in kept and "PYTHONPATH" in own:
            own["PYTHONPATH"] += f":{kept['PYTHONPATH']}"
        # Through a pipe: a limit on the size of files must not hit its log.
        self.process = subprocess.Popen(
            [*PROGRAM, "serve", "--workers", str(self.workers)],
            env=kept | own,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()
        deadline = time.monotonic() + START_SECONDS
        while ask(self.port, READY, 1).status != 200 or len(self.worker_ids()) < self.workers:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} does not start:\n{self.said()[-2000:].decode(errors='replace')}")
            time.sleep(0.05)

    def worker_ids(self) -> list[int]:
        """Process ids of those that serve: the children of the command that have begun to follow the database. One that
        is just starting has no watchdog yet, and no connection."""
        return [pid for pid in self._children() if _threads(pid) >= SERVING_THREADS]

    def asleep(self) -> set[int]:
        """Those that have lost their lease, as they said, and do not serve yet."""
        return {
            lapse.process for lapse in tuple(self.lapses) if lapse.began > self._again.get(lapse.process, 0.0)
        } & set(self._children())

    def _children(self) -> list[int]:
        with suppress(psutil.NoSuchProcess):
            children = psutil.Process(self.process.pid).children()
            return [each.pid for each in children if each.status() != psutil.STATUS_ZOMBIE]
        return []

    def stop(self) -> int:
        """Tell it to stop as a service manager does, and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return -1
        finally:
            self._reader.join(5)

    def kill(self) -> None:
        """End it and its workers, whatever they do."""
        for pid in {*self._children(), self.process.pid}:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def said(self) -> bytes:
        """Its log."""
        return self.log.read_bytes() if self.log.exists() else b""

    def complaints(self) -> list[str]:
        """Each traceback of its log, with what stands around it."""
        text = self.said()
        places = [found.start() for found in _SERIOUS.finditer(text)]
        return [text[max(0, place - 300) : place + 1500].decode(errors="replace") for place in places]

    def _read(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        with self.log.open("ab") as log, process.stdout:
            for line in process.stdout:
                self._take(line)
                log.write(line)
                log.flush()

    def _take(self, line: bytes) -> None:
        if (lapse := told_cut(line, self.port)) is not None:
            self.lapses.append(lapse)
        elif found := _AGAIN.search(line):
            self._again[int(found[1])] = time.monotonic() - time.clock_gettime(time.CLOCK_BOOTTIME) + float(found[2])
        elif _END.search(line):
            self.ends.append(time.monotonic())


def told_cut(line: bytes, port: int) -> Lapse | None:
    """What a line of a log says of a lease that was lost; None when it says something else."""
    found = _CUT.search(line)
    if found is None:
        return None
    offset = time.monotonic() - time.clock_gettime(time.CLOCK_BOOTTIME)  # differs only when the machine has slept
    lease_from, began, ended = (offset + float(found[place]) for place in (4, 5, 6))
    return Lapse(port, int(found[2]), found[1].decode(), int(found[3]), lease_from, began, ended)


def _threads(pid: int) -> int:
    try:
        return int(psutil.Process(pid).num_threads())
    except psutil.NoSuchProcess:
        return 0


def _key_file(folder: Path) -> Path:
    """The key that all nodes of a database share."""
    file = folder / "key"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(f"{secrets.token_hex(32)}\n")
    return file


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def let_in(port: int, account: str, authorization: str) -> bool:
    """Whether a poll is answered as it should be."""
    return ask(port, messages.poll(account, authorization)).status == 207
