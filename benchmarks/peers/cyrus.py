"""Cyrus, from Debian (cyrus-caldav, sasl2-bin), with configuration, mailboxes and passwords in a temporary folder.

Started as root, since its processes become the user `cyrus`; what the Debian package keeps elsewhere is not touched.
"""

import imaplib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.filling import by_http
from benchmarks.peers import ANY, PASSWORD, Absent, account
from benchmarks.peers.process import Process, basic, free_port, run
from benchmarks.requests import Place

_MASTER = Path("/usr/lib/cyrus/bin/master")
_ADMINISTRATOR = "cyrus"
_SETTINGS = """\
servername: localhost
configdirectory: {folder}/configuration
partition-default: {folder}/mail
proc_path: {folder}/run/proc
mboxname_lockpath: {folder}/run/lock
idlesocket: {folder}/run/idle
notifysocket: {folder}/run/notify
lmtpsocket: {folder}/run/lmtp
sievedir: {folder}/sieve
hashimapspool: true
altnamespace: no
unixhierarchysep: yes
allowplaintext: yes
admins: {administrator}
httpmodules: caldav carddav
httpkeepalive: 60
caldav_create_default: no
carddav_create_default: no
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_mech_list: PLAIN
sasl_sasldb_path: {folder}/passwords
syslog_prefix: benchmark
"""
_SERVICES = """\
START {{
  recover cmd="ctl_cyrusdb -C {settings} -r"
}}
SERVICES {{
  imap cmd="imapd -C {settings}" listen="127.0.0.1:{imap}" prefork=0
  http cmd="httpd -C {settings}" listen="127.0.0.1:{http}" prefork=4 maxchild=40
}}
"""


class Cyrus:
    """Its processes are many: each connection has one of its own."""

    name = "Cyrus"
    most = ANY
    how = "httpd, prefork, passwords in sasldb"

    def __init__(self) -> None:
        self.version = _version()
        self.port = free_port()
        self._folder: Path | None = None
        self._process: Process | None = None

    def start(self, sizes: Sequence[int]) -> None:
        if not _MASTER.exists() or shutil.which("saslpasswd2") is None:
            raise Absent("apt-get install cyrus-caldav cyrus-imapd sasl2-bin")
        if os.geteuid():
            raise Absent("Cyrus starts as root only")
        folder = self._folder = Path(tempfile.mkdtemp(prefix="benchmark-cyrus-", dir="/var/tmp"))
        imap = free_port()
        for name in ("configuration", "mail", "run", "run/proc", "run/lock", "sieve"):
            (folder / name).mkdir()
        settings = folder / "imapd.conf"
        settings.write_text(_SETTINGS.format(folder=folder, administrator=_ADMINISTRATOR))
        (folder / "cyrus.conf").write_text(_SERVICES.format(settings=settings, imap=imap, http=self.port))
        for user in (_ADMINISTRATOR, *map(account, sizes)):
            subprocess.run(
                ["saslpasswd2", "-p", "-c", "-u", "localhost", "-f", str(folder / "passwords"), user],
                input=PASSWORD.encode(), check=True, capture_output=True,
            )  # fmt: skip
        owner = pwd.getpwnam("cyrus")
        for place in (folder, *folder.rglob("*")):
            os.chown(place, owner.pw_uid, owner.pw_gid)
        command = [str(_MASTER), "-C", str(settings), "-M", str(folder / "cyrus.conf")]
        self._process = Process([*command, "-p", str(folder / "run" / "pid")], folder / "log")
        self._process.wait_for(self.port)
        self._process.wait_for(imap)
        with imaplib.IMAP4("127.0.0.1", imap) as administrator:
            administrator.login(_ADMINISTRATOR, PASSWORD)
            for size in sizes:
                administrator.create(f"user/{account(size)}")
        for size in sizes:
            by_http(self.port, self.place(size))

    def stop(self) -> None:
        if self._process is not None:
            self._process.end()
        # Its children end a little after it, and still write.
        while self._folder is not None and self._folder.exists():
            shutil.rmtree(self._folder, ignore_errors=True)
            time.sleep(0.1)

    def roots(self) -> list[int]:
        return [self._process.pid] if self._process is not None else []

    def place(self, size: int) -> Place:
        name = account(size)
        home = f"/dav/calendars/user/{name}/"
        return Place(size, home, f"{home}team/", f"/dav/addressbooks/user/{name}/team/", basic(name, PASSWORD))


def _version() -> str:
    try:
        return run("dpkg-query", "--show", "--showformat", "${Version}", "cyrus-imapd").partition("-")[0]
    except (RuntimeError, OSError):
        return ""
