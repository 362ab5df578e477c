"""DAViCal, from Debian (davical, php8.2-fpm, nginx), with PHP, web server and a PostgreSQL of the benchmark's own.

Its configuration in /etc/davical is read as the package brings it: the database comes through libpq's environment.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmarks.filling import by_http
from benchmarks.peers import BOOK, CALENDAR, PASSWORD, Absent, account
from benchmarks.peers.postgresql import Postgres
from benchmarks.peers.process import Process, basic, free_port, run, scratch
from benchmarks.requests import Place

_PAGES = Path("/usr/share/davical/htdocs")
_TABLES = Path("/usr/share/davical/dba/create-database.sh")
_PHP = next(iter(sorted(Path("/usr/sbin").glob("php-fpm8*"))), Path("/usr/sbin/php-fpm"))
_FPM = """\
[global]
error_log = {folder}/php.log
daemonize = no
[davical]
listen = 127.0.0.1:{php}
user = root
group = root
pm = static
pm.max_children = 4
env[PGHOST] = {host}
php_admin_value[error_reporting] = "E_ALL"
php_admin_value[opcache.validate_timestamps] = 0
"""
_NGINX = """\
daemon off;
user www-data;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  fastcgi_temp_path {folder}/fastcgi;
  proxy_temp_path {folder}/proxy;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_max_body_size 20m;
  keepalive_requests 1000000;
  upstream php {{ server 127.0.0.1:{php}; }}
  server {{
    listen 127.0.0.1:{http};
    location ~ ^(/caldav\\.php)(/.*)$ {{
      include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME {pages}/caldav.php;
      fastcgi_param SCRIPT_NAME $1;
      fastcgi_param PATH_INFO $2;
      fastcgi_pass php;
    }}
  }}
}}
"""
_ACCOUNT = """\
INSERT INTO usr (active, username, password, fullname, email, email_ok)
  VALUES (true, '{name}', '**{password}', '{name}', '{name}@example.com', now());
INSERT INTO principal (type_id, user_no, displayname, default_privileges)
  SELECT 1, user_no, fullname, 0::BIT(24) FROM usr WHERE username = '{name}';
"""


class Davical:
    """Four PHP processes behind nginx; PostgreSQL's CPU counts as its own."""

    name = "DAViCal"
    how = "nginx, php-fpm with opcache, PostgreSQL; passwords kept as text"
    most = 1000

    def __init__(self) -> None:
        self.version = ""
        self.port = free_port()
        self._folder = scratch("davical")
        self._postgres = Postgres(self._folder / "postgresql")
        self._processes: list[Process] = []

    def start(self, sizes: Sequence[int]) -> None:
        if not _PAGES.exists() or not _PHP.exists() or shutil.which("nginx") is None or shutil.which("psql") is None:
            raise Absent("apt-get install davical php8.2-fpm php8.2-pgsql nginx postgresql-client")
        if os.geteuid():
            raise Absent("its processes reach the database as root")
        self.version = run("dpkg-query", "--show", "--showformat", "${Version}", "davical").partition("-")[0]
        self._postgres.start()
        to_database = {"PGHOST": self._postgres.folder, "PGUSER": "postgres", "PATH": os.environ["PATH"]}
        run("sh", _TABLES, "davical", PASSWORD, environment=to_database)
        for size in sizes:
            statement = _ACCOUNT.format(name=account(size), password=PASSWORD)
            run("psql", "-qX", "-v", "ON_ERROR_STOP=1", "-c", statement, "davical", environment=to_database)
        php = free_port()
        names = {"folder": self._folder, "php": php, "http": self.port, "pages": _PAGES}
        (self._folder / "fpm.conf").write_text(_FPM.format(**names, host=self._postgres.folder))
        (self._folder / "nginx.conf").write_text(_NGINX.format(**names))
        self._folder.chmod(0o755)
        self._run(str(_PHP), "--nodaemonize", "--allow-to-run-as-root", "--fpm-config", str(self._folder / "fpm.conf"))
        self._processes[-1].wait_for(php)
        self._run("nginx", "-c", str(self._folder / "nginx.conf"))
        self._processes[-1].wait_for(self.port)
        for size in sizes:
            by_http(self.port, self.place(size))

    def _run(self, *command: str) -> None:
        self._processes.append(Process(command, self._folder / f"{Path(command[0]).name}.output"))

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.end()
        self._postgres.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def roots(self) -> list[int]:
        return [self._postgres.pid, *(process.pid for process in self._processes)]

    def place(self, size: int) -> Place:
        home = f"/caldav.php/{account(size)}/"
        return Place(size, home, f"{home}{CALENDAR}/", f"{home}{BOOK}/", basic(account(size), PASSWORD))
