"""The short ways tell the same as Radicale's dispatch, request by request, and are taken by whom they are meant for."""

import asyncio
import io
import zlib
from collections import Counter
from collections.abc import Iterable
from ipaddress import ip_network
from random import Random
from typing import Any

import pytest

from dav_gateway.core.scope import Access, Scope
from dav_gateway.dav import direct
from dav_gateway.dav.answers import Long, Own
from dav_gateway.dav.names import DECLARATIONS
from dav_gateway.dav.properties import TABLES
from dav_gateway.store import collections, credentials, objects
from dav_gateway.store.database import Database
from dav_gateway.store.objects import NewObject
from tests.dav.support import EVENT, Reply, Rig, calendar_object, rig_on, vcard

BOTH = {Scope.CALENDARS, Scope.CONTACTS}
NAMES = [
    *sorted({name for table in TABLES.values() for name in table}),
    "{http://apple.com/ns/ical/}calendar-color", "{urn:x}unknown", "{DAV:}lockdiscovery",
    "{urn:ietf:params:xml:ns:caldav}calendar-data", "{urn:ietf:params:xml:ns:carddav}address-data",
]  # fmt: skip
PATHS = [
    "/", "/ana/", "/ana", "/ben/", "/ana/calendars/", "/ana/contacts/", "/ana/tasks/", "/ana/calendars/calendar/",
    "/ana/calendars/calendar", "/ana/calendars/none/", "/ana/contacts/contacts/", "/ana/contacts/employees/",
    "/ana/calendars/calendar/e1.ics", "/ana/calendars/calendar/none.ics", "/ana/contacts/contacts/c1.vcf",
    "/ana/calendars/calendar/large.ics", "/ben/calendars/calendar/e1.ics", "/ana//calendars/calendar/",
    "/ana/calendars/../contacts/contacts/", "/ana/calendars/calendar/a b.ics", "/ana/calendars/calendar/.x",
    "/ana/calendars/calendar/\n.ics", "/.web/", "/ana/calendars/calendar/e1.ics/x",
]  # fmt: skip
TOKEN = f"<D:propfind {DECLARATIONS}><D:prop><D:sync-token/></D:prop></D:propfind>".encode()
LARGE = calendar_object("large", f"DESCRIPTION:{'x' * 60_000}")


def _prop(random: Random) -> str:
    parted = [name[1:].partition("}") for name in random.sample(NAMES, random.randint(0, 8))]
    names = "".join(f'<x:{local} xmlns:x="{namespace}"/>' for namespace, _, local in parted)
    return f"<D:prop>{names}</D:prop>"


def _propfind(random: Random) -> str:
    inside = random.choice(
        [_prop(random), _prop(random), "<D:allprop/>", "<D:propname/>", "<D:allprop/><D:propname/>", ""]
    )
    return f"<D:propfind {DECLARATIONS}>{inside}</D:propfind>"


def _report(random: Random, tokens: list[str]) -> str:
    hrefs = "".join(f"<D:href>/dav{random.choice(PATHS[:-4])}</D:href>" for _ in range(random.randint(0, 4)))
    sync = (
        f"<D:sync-token>{random.choice([*tokens, '', 'urn:x', tokens[0] + '9'])}</D:sync-token>"
        f"<D:sync-level>{random.choice(['1', '1', '1', 'infinite'])}</D:sync-level>"
    )
    limit = random.choice(["", "", "<D:limit><D:nresults>1</D:nresults></D:limit>"])
    everything = '<C:filter><C:comp-filter name="VCALENDAR"/></C:filter>'
    name, content = random.choice(
        [("D:sync-collection", sync + limit), ("D:sync-collection", sync), ("C:calendar-multiget", hrefs),
         ("CR:addressbook-multiget", hrefs), ("C:calendar-query", everything), ("CR:addressbook-query", "<CR:filter/>"),
         ("D:expand-property", '<D:property name="owner"/>'), ("D:principal-search-property-set", ""),
         ("D:unknown", "")]
    )  # fmt: skip
    return f"<{name} {DECLARATIONS}>{_prop(random)}{content}</{name}>"


def _request(random: Random, passwords: list[str], tokens: list[str]) -> dict[str, Any]:
    method = random.choice(["PROPFIND", "PROPFIND", "REPORT", "REPORT", "GET", "HEAD"])
    body = "" if method in ("GET", "HEAD") else _propfind(random) if method == "PROPFIND" else _report(random, tokens)
    if random.random() < 0.03:
        body = random.choice(["<", "<!DOCTYPE x><x/>", "", "<x/>", body[:40]])
    extra = {}
    if random.random() < 0.3:
        extra["HTTP_PREFER"] = random.choice(["return=minimal", "return-minimal", "depth-noroot", "x"])
    if random.random() < 0.1:
        extra["HTTP_BRIEF"] = "t"
    if method in ("GET", "HEAD") and random.random() < 0.5:
        extra[random.choice(["HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH"])] = random.choice(["*", '"x"', 'W/"x"'])
    if random.random() < 0.2:
        extra["HTTP_ACCEPT_ENCODING"] = random.choice(["gzip", "gzip;q=0", "br, gzip;q=0.5", "identity"])
    return {
        "method": method, "path": "/dav" + random.choice([*PATHS, *[PATHS[7]] * 12]), "body": body.encode(),
        "password": random.choice(passwords), "login": random.choice(["ana"] * 9 + ["ANA@example.org", "ben"]),
        "depth": random.choice([None, "0", "0", "1", "1", "infinity", "2"]), "extra": extra,
    }  # fmt: skip


def _fill(rig: Rig) -> tuple[list[str], list[str]]:
    """Objects, passwords of every kind that have been used, and sync tokens of two states."""
    rig.seed()
    everything = rig.password(BOTH)
    base = "/dav/ana/calendars/calendar/"
    tokens = []
    for number in range(3):
        rig.request("PUT", f"{base}n{number}.ics", calendar_object(f"n{number}"), password=everything)
        poll = rig.request("PROPFIND", base, TOKEN, password=everything, depth="0")
        tokens.append(poll.text_of("{DAV:}sync-token"))
    rig.request("DELETE", f"{base}n1.ics", password=everything)
    rig.request("PUT", f"{base}large.ics", LARGE, password=everything)
    rig.request("PUT", "/dav/ana/contacts/contacts/c2.vcf", vcard("c2"), password=everything)
    passwords = [
        everything, rig.password({Scope.CALENDARS}), rig.password({Scope.CONTACTS}, access=Access.READ_ONLY),
        rig.password(BOTH, collections={"calendar"}), rig.password(BOTH),
    ]  # fmt: skip
    for password in passwords:
        rig.request("PROPFIND", "/dav/", password=password, depth="0")
    rig.services.revocation.revoke([passwords[-1][:5]], by="test", why="test")
    return [*[everything] * 4, *passwords, "wrong", "k7mqx-3f9tb-x2wne-hd4r8-6pzay"], tokens


def _plain(reply: Reply) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and octets; compressed ones as they were, because the two compress differently."""
    headers, body = dict(reply.headers), reply.body
    if headers.pop("Content-Encoding", "") == "gzip" and body:
        body = zlib.decompress(body, wbits=31)
    headers.pop("Content-Length", None)
    if "Vary" in headers:
        headers["Vary"] = headers["Vary"].removesuffix("Accept-Encoding").removesuffix(", ")
    return reply.status, {name: value for name, value in headers.items() if value}, body


@pytest.mark.parametrize("seed", range(4))
def test_the_short_ways_tell_what_radicales_dispatch_tells(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    passwords, tokens = _fill(rig)
    random = Random(seed)
    taken: Counter[str] = Counter()
    for number in range(1500):
        asked = _request(random, passwords, tokens)
        with monkeypatch.context() as patch:
            patch.setattr(direct, "answer", lambda *_: None)
            long = _plain(rig.request(**asked))
        short = rig.request(**asked)
        assert _plain(short) == long, (number, asked)
        quick = _quick(rig, asked)
        if quick is not None:
            taken[f"{asked['method']} {quick[0]}"] += 1
            if asked["method"] == "HEAD":
                quick = quick[0], quick[1], b""
            assert quick == long, (number, asked)
    assert taken["PROPFIND 207"] > 20
    assert taken["REPORT 207"] > 2
    assert taken["GET 200"] > 2


def test_one_statement_tells_what_a_snapshot_tells(
    postgres_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL: what is answered without a transaction, and what turns out to need one, is the long way's answer."""
    rig = rig_on(postgres_database)
    passwords, tokens = _fill(rig)
    random = Random(5)
    taken: Counter[bool] = Counter()
    once = direct._read_once

    def noted(*asked: Any) -> Long | None:
        found = once(*asked)
        taken[found is not None] += 1
        return found

    monkeypatch.setattr(direct, "_read_once", noted)
    for number in range(1200):
        asked = _request(random, passwords, tokens)
        with monkeypatch.context() as patch:
            patch.setattr(direct, "answer", lambda *_: None)
            long = _plain(rig.request(**asked))
        assert _plain(rig.request(**asked)) == long, (number, asked)
    assert taken[True] > 100
    assert taken[False] > 20


def test_the_event_loop_tells_what_a_thread_tells(postgres_database: Database) -> None:
    """PostgreSQL: what one statement answers, in the loop that asked for it."""
    rig = rig_on(postgres_database)
    passwords, tokens = _fill(rig)
    random = Random(6)
    taken: Counter[str] = Counter()
    with asyncio.Runner() as runner:
        _until_connected(rig, runner)
        for number in range(3000):
            asked = _request(random, passwords, tokens)
            long = _plain(rig.request(**asked))
            quick = _quick(rig, asked, runner)
            if quick is not None:
                taken[f"{asked['method']} {quick[0]}"] += 1
                if asked["method"] == "HEAD":
                    quick = quick[0], quick[1], b""
                assert quick == long, (number, asked)
    assert taken["PROPFIND 207"] > 10
    assert taken["REPORT 207"] > 2
    assert taken["GET 200"] > 2


def test_a_loop_whose_connection_is_severed_gets_another(postgres_database: Database) -> None:
    rig = rig_on(postgres_database)
    asked = {**POLL, "password": rig.password({Scope.CALENDARS})}
    rig.request(**asked)
    with asyncio.Runner() as runner:
        _until_connected(rig, runner)
        assert _quick(rig, asked, runner) is not None
        with postgres_database.write() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        while _quick(rig, asked, runner) is not None:
            runner.run(asyncio.sleep(0.01))
        _until_connected(rig, runner)


SYNC = (
    "<D:sync-collection {}><D:sync-token>{}</D:sync-token><D:sync-level>1</D:sync-level>"
    "<D:prop><C:calendar-data/></D:prop></D:sync-collection>"
)
MULTIGET = (
    "<C:calendar-multiget {}><!-- sync-collection {} --><D:prop><D:getetag/></D:prop>"
    "<D:href>/dav/ana/calendars/calendar/1.ics</D:href></C:calendar-multiget>"
)


@pytest.mark.parametrize("report", [SYNC, MULTIGET])
@pytest.mark.parametrize("to_do", ["nothing", "revoke"])
def test_what_needs_a_snapshot_asks_for_the_credential_in_it(
    postgres_database: Database, monkeypatch: pytest.MonkeyPatch, to_do: str, report: str
) -> None:
    """A credential that dies between the one statement and the snapshot that has to follow opens nothing."""
    rig = rig_on(postgres_database)
    [everything, *_], tokens = _fill(rig)
    once = direct._read_once

    def slowly(*asked: Any) -> Long | None:
        found = once(*asked)
        assert found is None
        if to_do == "revoke":
            rig.services.revocation.revoke([everything[:5]], by="test", why="test")
        return found

    monkeypatch.setattr(direct, "_read_once", slowly)
    body = report.format(DECLARATIONS, tokens[0]).encode()
    reply = rig.request("REPORT", "/dav/ana/calendars/calendar/", body, password=everything)
    assert reply.status == {"nothing": 207, "revoke": 401}[to_do]


def _quick(
    rig: Rig, asked: dict[str, Any], runner: asyncio.Runner | None = None
) -> tuple[int, dict[str, str], bytes] | None:
    """What the quick lane says to this request, which the server would have handed to it; in the event loop of `runner`
    where a database is waited for."""
    environs: list[dict[str, Any]] = []

    def note(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        environs.append({**environ, "wsgi.input": io.BytesIO(asked["body"])})
        start_response("200 OK", [])
        return []

    rig.request(**asked, call=note)
    if runner is None:
        answer = rig.gateway.quick(environs[0])
    else:
        coming = rig.gateway.soon(environs[0])
        answer = None if coming is None else runner.run(coming)
    if answer is None:
        return None
    status, headers, body, _ = answer
    return _plain(Reply(int(status), dict(headers), body or b""))


def test_dead_properties_of_objects_take_the_quick_lane_while_they_are_small(rig: Rig) -> None:
    rig.seed()
    password = rig.password({Scope.CALENDARS})
    calendar = "/dav/ana/calendars/calendar/"
    first = b'<D:propfind xmlns:D="DAV:"><D:prop><D:sync-token/></D:prop></D:propfind>'
    token = rig.request("PROPFIND", calendar, first, password=password, depth="0").text_of("{DAV:}sync-token")
    for number in range(4):
        body = calendar_object(f"k{number}")
        assert rig.request("PUT", f"{calendar}k{number}.ics", body, password=password).status == 201
    sync = (
        f'<D:sync-collection xmlns:D="DAV:"><D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level><D:prop>'
        '<a xmlns="urn:y"/></D:prop></D:sync-collection>'
    ).encode()
    asked: list[dict[str, Any]] = [
        {"method": "PROPFIND", "path": f"{calendar}k0.ics", "body": b"", "password": password, "depth": "0"},
        {"method": "REPORT", "path": calendar, "body": sync, "password": password},
    ]
    for size, expected in ((100, [True, True]), (12_000, [True, False])):
        for number in range(4):
            value = f'<D:set><D:prop><a xmlns="urn:y">{"x" * size}</a></D:prop></D:set>'
            update = f'<D:propertyupdate xmlns:D="DAV:">{value}</D:propertyupdate>'.encode()
            assert rig.request("PROPPATCH", f"{calendar}k{number}.ics", update, password=password).status == 207
        answers = [_quick(rig, each) for each in asked]
        assert [answer is not None for answer in answers] == expected
        for each, answer in zip(asked, answers, strict=True):
            long = _plain(rig.request(**each))
            assert b"x" * size in long[2]
            assert answer in (None, long)


def _writes(random: Random, etags: list[str]) -> dict[str, Any]:
    """A PUT or DELETE in Ana's homes: right, wrong, on condition, and where nothing may be written."""
    number = random.randint(0, 5)
    bodies = [calendar_object(f"w{number}", f"SUMMARY:{random.randint(0, 3)}"), calendar_object("w0"), b"x", b"", EVENT]
    path = random.choice([f"/ana/calendars/calendar/w{number}.ics"] * 8 + PATHS)
    extra = {}
    if random.random() < 0.4:
        condition = random.choice(["HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"])
        extra[condition] = random.choice(["*", '"x"', *etags[-3:]])
    if random.random() < 0.2:
        extra["HTTP_PREFER"] = "return=representation"
    if random.random() < 0.05:
        extra[random.choice(["HTTP_CONTENT_RANGE", "HTTP_CONTENT_ENCODING"])] = "gzip"
    return {
        "method": random.choice(["PUT", "PUT", "DELETE"]), "path": f"/dav{path}", "body": random.choice(bodies),
        "extra": extra,
    }  # fmt: skip


def _swapped(text: str) -> str:
    return text.replace("ana", "\0").replace("ben", "ana").replace("\0", "ben")


@pytest.mark.parametrize("seed", range(3))
def test_writes_come_out_the_same(rig: Rig, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Ana's go by the long way, Ben's the same by the short one; what there is in the end is the same too."""
    random = Random(seed)
    passwords = {
        login: [rig.password(BOTH, account=login), rig.password(BOTH, account=login, access=Access.READ_ONLY),
                rig.password({Scope.CONTACTS}, account=login), "wrong"]
        for login in ("ana", "ben")
    }  # fmt: skip
    for login in ("ana", "ben"):
        for password in passwords[login][:3]:
            rig.request("PROPFIND", "/dav/", password=password, login=login, depth="0")
    etags, taken = ['"y"'], Counter[int]()
    short = direct.answer
    monkeypatch.setattr(direct, "answer", lambda *asked: noted(short(*asked)))

    def noted(answer: Own | None) -> Own | None:
        taken[0] += answer is not None
        return answer

    for number in range(600):
        asked, which = _writes(random, etags), random.choice([0] * 9 + [1, 2, 3])
        with monkeypatch.context() as patch:
            patch.setattr(direct, "answer", lambda *_: None)
            long = _plain(rig.request(**asked, password=passwords["ana"][which]))
        mirrored = {**asked, "path": _swapped(asked["path"])}
        status, headers, body = _plain(rig.request(**mirrored, login="ben", password=passwords["ben"][which]))
        told = {name: _swapped(value) for name, value in headers.items()}
        assert (status, told, _swapped(body.decode())) == (long[0], long[1], long[2].decode()), (number, asked)
        assert _quick(rig, {**asked, "password": passwords["ana"][0]}) is None
        etags += [headers["ETag"]] if "ETag" in headers else []
        taken[status] += 1
    assert taken[0] > 150
    assert {201, 204, 403, 404, 412} <= set(taken)
    with rig.services.database.read() as connection:
        stored = [
            [one[:6] for one in objects.every(connection, each.id)]
            for account in (1, 2)
            for each in collections.in_home(connection, account, "calendars")
        ]
    half = len(stored) // 2
    assert stored[:half] == stored[half:]


SYNC = "<D:sync-collection {}><D:sync-token/><D:sync-level>1</D:sync-level><D:prop/></D:sync-collection>"
QUERY = '<C:calendar-query {}><C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>'
POLL = {"method": "PROPFIND", "path": "/dav/ana/calendars/calendar/", "body": TOKEN, "depth": "0", "login": "ana"}


def test_the_first_use_of_a_password_takes_the_long_way(rig: Rig) -> None:
    asked = {**POLL, "password": rig.password({Scope.CALENDARS})}
    assert _quick(rig, asked) is None
    assert rig.request(**asked).status == 207
    assert _quick(rig, asked) is not None


@pytest.mark.parametrize("how", ["revoked", "paused", "expired", "deactivated", "narrowed", "other client"])
def test_who_may_no_longer_is_not_answered_quickly(rig: Rig, how: str) -> None:
    """What is remembered of a secret says nothing of its credential: its row is read every time."""
    _who_may_no_longer(rig, how)


@pytest.mark.parametrize("how", ["revoked", "paused", "expired", "deactivated", "narrowed", "other client"])
def test_who_may_no_longer_is_not_answered_in_the_loop_of_postgres(postgres_database: Database, how: str) -> None:
    rig = rig_on(postgres_database)
    with asyncio.Runner() as runner:
        _until_connected(rig, runner)
        _who_may_no_longer(rig, how, runner)


def _until_connected(rig: Rig, runner: asyncio.Runner) -> None:
    """The loop's connection is opened by the side, at the first request that could have used it."""
    asked = {**POLL, "password": rig.password({Scope.CALENDARS})}
    for _ in range(500):
        rig.request(**asked)
        if _quick(rig, asked, runner) is not None:
            return
        runner.run(asyncio.sleep(0.01))
    raise AssertionError("there is no connection")


def _who_may_no_longer(rig: Rig, how: str, runner: asyncio.Runner | None = None) -> None:
    password = rig.password({Scope.CALENDARS})
    asked: dict[str, Any] = {**POLL, "password": password}
    rig.request(**asked)
    assert _quick(rig, asked, runner) is not None
    services, one = rig.services, [password[:5]]
    match how:
        case "revoked":
            services.revocation.revoke(one, by="test", why="test")
        case "paused":
            services.revocation.pause(one[0], by="test")
        case "expired":
            with services.database.write() as connection:
                credentials.change(connection, one[0], expires_at=services.clock())
        case "deactivated":
            services.accounts.deactivate("ana", by="test")
        case "narrowed":
            with services.database.write() as connection:
                credentials.change(connection, one[0], networks=[ip_network("198.51.100.0/24")])
        case _:
            asked["extra"] = {"HTTP_USER_AGENT": "DAVx5/4.4"}
    assert _quick(rig, asked, runner) is None
    assert rig.request(**asked).status in (401, 403)


def test_a_database_that_is_busy_is_left_to_who_can_wait(rig: Rig) -> None:
    asked = {**POLL, "password": rig.password({Scope.CALENDARS})}
    rig.request(**asked)
    assert _quick(rig, asked) is not None
    file = rig.services.database.file
    assert file is not None
    moved = file.path.with_suffix(".away")
    file.path.rename(moved)
    assert _quick(rig, asked) is None
    moved.rename(file.path)
    assert _quick(rig, asked) is not None


ETAG = "<D:propfind {}><D:prop><D:getetag/></D:prop></D:propfind>"
CALENDAR = "/dav/ana/calendars/calendar/"


def _multiget(names: Iterable[str], content: str = "<D:prop><D:getetag/><C:calendar-data/></D:prop>") -> str:
    hrefs = "".join(f"<D:href>{CALENDAR}{name}.ics</D:href>" for name in names)
    return f"<C:calendar-multiget {{}}>{content}{hrefs}</C:calendar-multiget>"


def _is_quick(rig: Rig, password: str, method: str, path: str, body: str, depth: str = "0") -> bool:
    """Whether the event loop answers, and tells the same."""
    octets = body.replace("{}", DECLARATIONS).encode()
    asked = {"method": method, "path": path, "body": octets, "depth": depth, "password": password, "login": "ana"}
    long = rig.request(**asked)
    assert long.status in (200, 207)
    quick = _quick(rig, asked)
    assert quick in (None, _plain(long))
    return quick is not None


def _stored(rig: Rig, number: int, octets: int) -> None:
    with rig.services.database.write() as connection:
        calendar = collections.find(connection, 1, "calendars", "calendar")
        assert calendar is not None
        held = [
            NewObject(f"n{n}.ics", f"n{n}", "VEVENT", calendar_object(f"n{n}", f"DESCRIPTION:{'x' * octets}"))
            for n in range(number)
        ]
        objects.put_many(connection, calendar.id, held, rig.services.clock())


def test_what_may_take_long_is_not_done_in_the_event_loop(rig: Rig) -> None:
    """Queries, large objects, parts of objects, listings that tell of dead properties."""
    password = _fill(rig)[0][0]
    for asked in [
        ("PROPFIND", CALENDAR, "", "1"),
        ("REPORT", CALENDAR, QUERY, "1"),
        ("REPORT", CALENDAR, _multiget(["large"])),
        (
            "REPORT",
            CALENDAR,
            _multiget(["e1"], "<D:prop><C:calendar-data><C:comp name='VCALENDAR'/></C:calendar-data></D:prop>"),
        ),
        ("GET", CALENDAR + "large.ics", ""),
    ]:
        assert not _is_quick(rig, password, *asked), asked


@pytest.mark.parametrize(("number", "octets", "quick"), [(250, 1, True), (260, 1, False), (40, 4000, False)])
def test_short_listings_are_made_in_the_event_loop(rig: Rig, number: int, octets: int, quick: bool) -> None:
    """Up to 256 objects that are together 128 KiB: nobody else is served meanwhile."""
    password = rig.password({Scope.CALENDARS})
    rig.request("PROPFIND", "/dav/", password=password, depth="0")
    _stored(rig, number, octets)
    assert _is_quick(rig, password, "PROPFIND", CALENDAR, ETAG, "1") is quick
    assert _is_quick(rig, password, "REPORT", CALENDAR, SYNC) is quick


@pytest.mark.parametrize(("number", "octets", "quick"), [(64, 1, True), (65, 1, False), (40, 4000, False)])
def test_short_multigets_are_made_in_the_event_loop(rig: Rig, number: int, octets: int, quick: bool) -> None:
    """Up to 64 objects that are together 128 KiB, each href once, and what is not there beside them."""
    password = rig.password({Scope.CALENDARS})
    rig.request("PROPFIND", "/dav/", password=password, depth="0")
    _stored(rig, number, octets)
    names = [f"n{n}" for n in range(1, number)]
    assert _is_quick(rig, password, "REPORT", CALENDAR, _multiget([*names, "none"])) is quick
