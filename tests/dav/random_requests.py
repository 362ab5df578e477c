"""Requests at random, and answers in a form in which those of different ways can be compared."""

import zlib
from random import Random
from typing import Any

from dav_gateway.core.scope import Access, Scope
from dav_gateway.dav.names import DECLARATIONS
from dav_gateway.dav.properties import TABLES
from tests.dav.support import EVENT, Reply, Rig, calendar_object, vcard

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


def reading(random: Random, passwords: list[str], tokens: list[str]) -> dict[str, Any]:
    """A PROPFIND, REPORT, GET or HEAD of anything by anybody, now and then malformed."""
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


def fill(rig: Rig) -> tuple[list[str], list[str]]:
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


def plain(reply: Reply) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and octets; compressed ones as they were, because the two compress differently."""
    headers, body = dict(reply.headers), reply.body
    if headers.pop("Content-Encoding", "") == "gzip" and body:
        body = zlib.decompress(body, wbits=31)
    headers.pop("Content-Length", None)
    if "Vary" in headers:
        headers["Vary"] = headers["Vary"].removesuffix("Accept-Encoding").removesuffix(", ")
    return reply.status, {name: value for name, value in headers.items() if value}, body


def writing(random: Random, etags: list[str]) -> dict[str, Any]:
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
