"""curl, as people script it: an object's life, the wrong password of two, one for reading, one that is revoked."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from bodies import MKCOL, PROPFIND, PROPPATCH, SYNC, card, event
from http_client import Client, Reply, clark
from live_gateway import AppPassword, Gateway

NEED_PRIVILEGES = {clark("D:need-privileges")}
HOMES = {"calendars": ("calendar", "ics", event), "contacts": ("contacts", "vcf", card)}


@pytest.fixture(scope="module")
def passwords(passwords_for):
    return passwords_for("curl")


@pytest.fixture
def curl(gateway: Gateway, tmp_path: Path) -> Callable[..., Reply]:
    """Runs curl; the credentials go through its standard input, as nobody should put them in an argument."""

    def run(method: str, path: str, password: AppPassword, *options: str, body: str | None = None) -> Reply:
        headers, received, sent = (tmp_path / name for name in ("headers", "received", "sent"))
        received.write_bytes(b"")
        arguments = ["curl", "--silent", "--show-error", "--max-time", "20", "--config", "-",
                     "--dump-header", str(headers), "--output", str(received), *options]  # fmt: skip
        arguments += ["--head"] if method == "HEAD" else ["--request", method]
        if body is not None:
            sent.write_bytes(body.encode())
            arguments += ["--data-binary", f"@{sent}"]
        secret = f'user = "{password.login}:{password.text}"\n'
        subprocess.run([*arguments, gateway.origin + path], input=secret, text=True, check=True, timeout=30)
        last = headers.read_bytes().decode().strip().split("\r\n\r\n")[-1].split("\r\n")
        fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in last[1:])}
        return Reply(int(last[0].split()[1]), fields, received.read_bytes())

    return run


@pytest.mark.parametrize("home", HOMES)
def test_discovery_from_the_bare_host(curl, passwords, home):
    well_known = {"calendars": "caldav", "contacts": "carddav"}[home]
    reply = curl("PROPFIND", f"/.well-known/{well_known}", getattr(passwords, home), "--location", "-H", "Depth: 0",
                 body=PROPFIND)  # fmt: skip
    (root,) = reply.members.values()
    principal = root.text("D:current-user-principal")
    assert principal == f"/dav/{passwords.account}/"
    reply = curl("PROPFIND", principal, getattr(passwords, home), "-H", "Depth: 0", body=PROPFIND)
    (found,) = reply.members.values()
    homes = {"calendars": "C:calendar-home-set", "contacts": "CR:addressbook-home-set"}
    assert found.text(homes.pop(home)) == f"{principal}{home}/"
    (other,) = homes.values()
    assert found.get(other) is None, "the other service does not exist for this password"


@pytest.mark.parametrize("home", HOMES)
def test_the_life_of_an_object(curl, passwords, home):
    collection, suffix, make = HOMES[home]
    password = getattr(passwords, home)
    path = f"/dav/{passwords.account}/{home}/{collection}/life.{suffix}"
    first, second = make("life"), make("life", "Another one")

    created = curl("PUT", path, password, "-H", "If-None-Match: *", "-H", "Expect: 100-continue", body=first)
    assert created.status == 201
    etag = created.headers["etag"]
    got = curl("GET", path, password)
    assert (got.status, got.body.decode(), got.headers["etag"]) == (200, first, etag)
    head = curl("HEAD", path, password)
    assert (head.status, head.headers["etag"], int(head.headers["content-length"])) == (200, etag, len(got.body))
    assert curl("GET", path, password, "-H", f"If-None-Match: {etag}").status == 304

    assert curl("PUT", path, password, "-H", "If-None-Match: *", body=second).status == 412
    assert curl("PUT", path, password, "-H", 'If-Match: "stale"', body=second).status == 412
    assert curl("DELETE", path, password, "-H", 'If-Match: "stale"').status == 412
    assert curl("GET", path, password).body == first.encode()

    changed = curl("PUT", path, password, "-H", f"If-Match: {etag}", body=second)
    assert changed.status == 204
    assert changed.headers["etag"] != etag
    assert curl("GET", path, password).body == second.encode()
    assert curl("DELETE", path, password, "-H", f"If-Match: {changed.headers['etag']}").status in (200, 204)
    assert curl("GET", path, password).status == 404
    assert curl("DELETE", path, password).status == 404


def test_a_chunked_upload_from_a_pipe(gateway, passwords):
    """`curl -T -` cannot know the length; Radicale alone refuses such a body."""
    path = f"/dav/{passwords.account}/calendars/calendar/piped.ics"
    body = event("piped").encode()
    config = f'user = "{passwords.calendars.login}:{passwords.calendars.text}"\n'
    reader = gateway.folder / "curl.config"
    reader.touch(0o600)
    reader.write_text(config)
    sent = subprocess.run(
        ["curl", "--silent", "--config", str(reader), "-T", "-", "--write-out", "%{http_code}", gateway.origin + path],
        input=body, capture_output=True, check=True, timeout=30,
    )  # fmt: skip
    assert sent.stdout[-3:] == b"201", sent.stdout
    with Client(gateway, passwords.calendars) as client:
        assert client.request("GET", path).body == body


def requests_on(home: str, account: str) -> dict[str, tuple[str, str, list[str], str | None]]:
    """Every way to reach into a home: method, path, options, body."""
    collection, suffix, make = HOMES[home]
    base = f"/dav/{account}/{home}/"
    here = f"{base}{collection}/"
    namespace, kind = ("caldav", "calendar") if home == "calendars" else ("carddav", "addressbook")
    mkcol = MKCOL.format(namespace=namespace, kind=kind)
    xml = ["-H", "Content-Type: application/xml; charset=utf-8"]
    return {
        "PROPFIND": ("PROPFIND", here, ["-H", "Depth: 1", *xml], PROPFIND),
        "PROPFIND home": ("PROPFIND", base, ["-H", "Depth: 1", *xml], PROPFIND),
        "REPORT": ("REPORT", here, ["-H", "Depth: 0", *xml], SYNC),
        "GET": ("GET", f"{here}kept.{suffix}", [], None),
        "HEAD": ("HEAD", f"{here}kept.{suffix}", [], None),
        "PUT": ("PUT", f"{here}kept.{suffix}", [], make("kept", "Overwritten")),
        "PUT new": ("PUT", f"{here}new.{suffix}", ["-H", "If-None-Match: *"], make("new")),
        "DELETE": ("DELETE", f"{here}kept.{suffix}", [], None),
        "DELETE all": ("DELETE", here, [], None),
        "PROPPATCH": ("PROPPATCH", here, xml, PROPPATCH),
        "MKCOL": ("MKCOL", f"{base}made/", xml, mkcol),
        "MKCALENDAR": ("MKCALENDAR", f"{base}made/", [], None),
        "COPY all": ("COPY", here, ["-H", f"Destination: {base}copied/"], None),
        "MOVE all": ("MOVE", here, ["-H", f"Destination: {base}moved/"], None),
        "MOVE": ("MOVE", f"{here}kept.{suffix}", ["-H", f"Destination: {here}moved.{suffix}"], None),
    }


READING = ("PROPFIND", "PROPFIND home", "REPORT", "GET", "HEAD")
CASES = [(home, name) for home in HOMES for name in requests_on(home, "")]


@pytest.fixture
def kept(gateway, passwords):
    """An object in each home that no refused request may touch; checked afterwards."""
    before = {}
    for home, (collection, suffix, make) in HOMES.items():
        path = f"/dav/{passwords.account}/{home}/{collection}/"
        with Client(gateway, getattr(passwords, home)) as client:
            assert client.request("PUT", f"{path}kept.{suffix}", make("kept")).status in (201, 204)
            before[home] = client.request("PROPFIND", path, PROPFIND, {"Depth": "1"})
    yield
    for home, (collection, suffix, make) in HOMES.items():
        path = f"/dav/{passwords.account}/{home}/{collection}/"
        with Client(gateway, getattr(passwords, home)) as client:
            assert client.request("GET", f"{path}kept.{suffix}").body == make("kept").encode()
            after = client.request("PROPFIND", path, PROPFIND, {"Depth": "1"})
            assert (after.status, after.body) == (207, before[home].body)
            made = client.request("PROPFIND", f"/dav/{passwords.account}/{home}/made/", PROPFIND, {"Depth": "0"})
            assert made.status == 404


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(("home", "name"), CASES)
def test_the_wrong_password_of_the_two(curl, passwords, home, name):
    wrong = passwords.contacts if home == "calendars" else passwords.calendars
    method, path, options, body = requests_on(home, passwords.account)[name]
    reply = curl(method, path, wrong, *options, body=body)
    assert reply.status == 403, "401 would make Thunderbird forget a right password"
    if method != "HEAD":
        assert reply.condition() == NEED_PRIVILEGES


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(("home", "name"), CASES)
def test_a_password_for_reading(curl, passwords, home, name):
    method, path, options, body = requests_on(home, passwords.account)[name]
    reply = curl(method, path, passwords.reading, *options, body=body)
    if name in READING:
        assert reply.status in (200, 207)
    elif name == "PROPPATCH" and reply.status == 207:
        (member,) = reply.members.values()  # macOS stops before it reads events when this is a bare 403
        assert member.found == {}
    else:
        assert reply.status == 403
        assert reply.condition() == NEED_PRIVILEGES


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(("home", "name"), CASES)
def test_a_revoked_password(curl, passwords, home, name):
    method, path, options, body = requests_on(home, passwords.account)[name]
    reply = curl(method, path, passwords.revoked, *options, body=body)
    assert reply.status == 401
    assert reply.headers["www-authenticate"].startswith('Basic realm="')


def test_a_password_that_is_revoked_while_it_is_in_use(gateway, passwords, curl):
    password = gateway.issue(passwords.account, "calendars")
    path = f"/dav/{passwords.account}/calendars/calendar/"
    assert curl("PROPFIND", path, password, "-H", "Depth: 0", body=PROPFIND).status == 207
    gateway.revoke(password)
    assert curl("PROPFIND", path, password, "-H", "Depth: 0", body=PROPFIND).status == 401
