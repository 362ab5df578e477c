"""The examples for systemd, nginx and Caddy agree with the defaults in code; the programs themselves look at them
where they are installed."""

import re
import subprocess
from pathlib import Path

from tests.system import program

from dav_gateway.config import Settings
from dav_gateway.config.kinds import MIB

CONFIG = Path(__file__).parents[2] / "config"
UNIT = CONFIG / "systemd" / "dav-gateway.service"
NGINX = CONFIG / "nginx" / "dav-gateway.conf"
CADDY = CONFIG / "caddy" / "Caddyfile"


def words(file: Path) -> str:
    """The file without comments."""
    return re.sub(r"(?m)^\s*#.*$", "", file.read_text())


def test_proxies_reach_the_default_address_and_keep_nothing_back() -> None:
    listen = str(Settings().listen)
    assert f"proxy_pass http://{listen};" in words(NGINX)
    assert f"reverse_proxy {listen} {{" in words(CADDY)
    assert "proxy_buffering off;" in words(NGINX)
    assert "proxy_request_buffering off;" in words(NGINX)
    assert "flush_interval -1" in words(CADDY)


def test_proxies_share_no_connection_between_credentials() -> None:
    assert "proxy_set_header Connection close;" in words(NGINX)
    assert "keepalive off" in words(CADDY)


def test_proxies_say_the_address_that_they_saw_and_nothing_else() -> None:
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in words(NGINX)
    assert "header_up X-Forwarded-For {remote_host}" in words(CADDY)


def test_proxies_leave_the_answer_to_a_large_body_to_the_gateway() -> None:
    largest = Settings().limits.body_bytes
    for file, pattern in ((NGINX, r"client_max_body_size (\d+)m;"), (CADDY, r"max_size (\d+)MiB")):
        found = re.search(pattern, words(file))
        assert found is not None
        assert int(found[1]) * MIB > largest


def test_systemd_waits_for_the_graceful_stop() -> None:
    found = re.search(r"(?m)^TimeoutStopSec=(\d+)$", UNIT.read_text())
    assert found is not None
    assert int(found[1]) > Settings().limits.stop_seconds


def test_systemd_reads_the_unit(tmp_path: Path) -> None:
    analyze = program("systemd-analyze")
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/dav-gateway/bin/dav-gateway", program("true")))
    done = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_nginx_reads_the_site(tmp_path: Path) -> None:
    nginx, openssl = program("nginx"), program("openssl")
    make = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"]
    subprocess.run(
        [*make, "-subj", "/CN=dav.example.com", "-keyout", "privkey.pem", "-out", "fullchain.pem"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    (tmp_path / "site.conf").write_text(NGINX.read_text().replace("/etc/ssl/dav.example.com", str(tmp_path)))
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = " ".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in kinds)
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{ access_log off; {places} include site.conf; }}\n"
    )
    done = subprocess.run(
        [nginx, "-t", "-p", str(tmp_path), "-c", "nginx.conf"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_caddy_reads_the_file(tmp_path: Path) -> None:
    caddy = program("caddy")
    arguments = [caddy, "validate", "--adapter", "caddyfile", "--config", str(CADDY)]
    home = {"HOME": str(tmp_path), "PATH": "/usr/bin"}
    done = subprocess.run(arguments, env=home, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
