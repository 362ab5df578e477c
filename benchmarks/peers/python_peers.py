"""Radicale and Xandikos, from PyPI, each in a virtual environment of its own that is made when it is first needed."""

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.filling import by_file
from benchmarks.peers import ANY, BOOK, BUILD, CALENDAR, PASSWORD, TASKS, Absent, account
from benchmarks.peers.process import Process, basic, free_port, run, scratch
from benchmarks.requests import Place


def environment(name: str, *packages: str) -> Path:
    """The `bin` of a virtual environment with these packages. Raises Absent when they cannot be had."""
    folder = BUILD / "environments" / name
    if not (folder / "ready").exists():
        try:
            run(sys.executable, "-m", "venv", "--clear", folder)
            run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", *packages)
        except RuntimeError as error:
            raise Absent(f"pip could not install {packages}: {error}") from None
        (folder / "ready").touch()
    return folder / "bin"


class _PythonPeer:
    """One process over a folder of its own."""

    name: str
    most = ANY

    def __init__(self) -> None:
        self.port = free_port()
        self._folder = scratch(self.name.lower())
        self._process: Process | None = None

    def _serve(self, *command: str | Path) -> None:
        self._process = Process([str(part) for part in command], self._folder / "server.log")
        self._process.wait_for(self.port)

    def stop(self) -> None:
        if self._process is not None:
            self._process.end()
        shutil.rmtree(self._folder, ignore_errors=True)

    def roots(self) -> list[int]:
        return [self._process.pid] if self._process is not None else []


class Radicale(_PythonPeer):
    """Its own server over its own files. Passwords are kept as text: bcrypt would cost it some 50 ms a request."""

    name = "Radicale"
    version = "3.9.0"
    how = "its own server, multifilesystem, htpasswd with plain passwords"

    def start(self, sizes: Sequence[int]) -> None:
        programs = environment("radicale", f"radicale=={self.version}")
        for size in sizes:
            home = self._folder / "collections" / "collection-root" / account(size)
            for name, tag in ((CALENDAR, "VCALENDAR"), (TASKS, "VCALENDAR"), (BOOK, "VADDRESSBOOK")):
                (home / name).mkdir(parents=True)
                (home / name / ".Radicale.props").write_text(json.dumps({"tag": tag, "D:displayname": name}))
            by_file(home / CALENDAR, home / BOOK, size)
        passwords = self._folder / "passwords"
        passwords.write_text("".join(f"{account(size)}:{PASSWORD}\n" for size in sizes))
        settings = self._folder / "config"
        settings.write_text(
            f"[server]\nhosts = 127.0.0.1:{self.port}\n"
            f"[auth]\ntype = htpasswd\nhtpasswd_filename = {passwords}\nhtpasswd_encryption = plain\ndelay = 0\n"
            f"[storage]\nfilesystem_folder = {self._folder / 'collections'}\n[logging]\nlevel = warning\n"
        )
        self._serve(programs / "python", "-m", "radicale", "--config", settings)

    def place(self, size: int) -> Place:
        home = f"/{account(size)}/"
        return Place(size, home, f"{home}{CALENDAR}/", f"{home}{BOOK}/", basic(account(size), PASSWORD))


class Xandikos(_PythonPeer):
    """Its own server over git. Without TLS it has no passwords at all, so it is spared their cost."""

    name = "Xandikos"
    version = "0.4.10"
    how = "its own server, git; no authentication (it has none without TLS)"

    def start(self, sizes: Sequence[int]) -> None:
        if shutil.which("git") is None:
            raise Absent("git is not installed")
        programs = environment("xandikos", f"xandikos=={self.version}")
        data = self._folder / "data"
        for size in sizes:
            calendars, books = (data / account(size) / kind for kind in ("calendars", "contacts"))
            calendars.mkdir(parents=True)
            books.mkdir()
            for name, kind in (
                (f"calendars/{CALENDAR}", "calendar"),
                (f"calendars/{TASKS}", "calendar"),
                (f"contacts/{BOOK}", "addressbook"),
            ):
                place = f"{account(size)}/{name}"
                run(programs / "xandikos", "create-collection", "-d", data, "--type", kind, "--name", place)
            by_file(calendars / CALENDAR, books / BOOK, size)
            for folder in (calendars / CALENDAR, books / BOOK):
                run("git", "add", "--all", cwd=folder)
                identity = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@example.com")
                run("git", *identity, "commit", "--quiet", "--message", "filled", cwd=folder)
        where = ("-d", data, "-l", "127.0.0.1", "-p", str(self.port))
        principal = ("--current-user-principal", f"/{account(sizes[0])}/", "--autocreate")
        self._serve(programs / "xandikos", "serve", *where, *principal, "--no-detect-systemd")

    def place(self, size: int) -> Place:
        home = f"/{account(size)}/"
        return Place(size, f"{home}calendars/", f"{home}calendars/{CALENDAR}/", f"{home}contacts/{BOOK}/")
