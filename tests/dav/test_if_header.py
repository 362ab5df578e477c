"""The If header (RFC 4918 section 10.4), with sync tokens of collections as state tokens (RFC 6578 section 5)."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dav_gateway.core.moment import Moment
from dav_gateway.core.scope import Scope
from dav_gateway.dav import if_header
from dav_gateway.dav.guard import BadXML
from dav_gateway.dav.if_header import Condition, StateList
from dav_gateway.store import collections, objects
from tests.dav.support import Rig, calendar_object, vcard

CALENDAR = "/dav/ana/calendars/calendar/"
TASKS = "/dav/ana/calendars/tasks/"
OBJECT = f"{CALENDAR}e1.ics"
TOKEN = b'<D:propfind xmlns:D="DAV:"><D:prop><D:sync-token/></D:prop></D:propfind>'
T1 = Moment(1_790_000_000_001)
LOCK = "urn:uuid:181d4fae-7d8c-11d0-a765-00a0c91e6bf2"
ANOTHER = "urn:uuid:58f202ac-22cf-11d1-b12d-002035b29092"


@pytest.mark.parametrize(
    ("header", "lists"),
    [
        # The examples of RFC 4918 sections 10.4.6 to 10.4.11, and of RFC 6578 section 5.
        (
            f'(<{LOCK}> ["I am an ETag"]) (["I am another ETag"])',
            [
                StateList(None, (Condition(LOCK, False, False), Condition('"I am an ETag"', True, False))),
                StateList(None, (Condition('"I am another ETag"', True, False),)),
            ],
        ),
        (
            f"(Not <{LOCK}> <{ANOTHER}>)",
            [StateList(None, (Condition(LOCK, False, True), Condition(ANOTHER, False, False)))],
        ),
        (
            f"(<{LOCK}>) (Not <DAV:no-lock>)",
            [
                StateList(None, (Condition(LOCK, False, False),)),
                StateList(None, (Condition("DAV:no-lock", False, True),)),
            ],
        ),
        (
            f'</resource1> (<{LOCK}> [W/"A weak ETag"]) (["strong ETag"])',
            [
                StateList("/resource1", (Condition(LOCK, False, False), Condition('W/"A weak ETag"', True, False))),
                StateList("/resource1", (Condition('"strong ETag"', True, False),)),
            ],
        ),
        (
            f"<http://www.example.com/specs/> (<{LOCK}>)",
            [StateList("http://www.example.com/specs/", (Condition(LOCK, False, False),))],
        ),
        ('</a>(["1"])</b>(not["2"])', [
            StateList("/a", (Condition('"1"', True, False),)), StateList("/b", (Condition('"2"', True, True),))
        ]),
    ],
)  # fmt: skip
def test_headers_of_the_documents(header: str, lists: list[StateList]) -> None:
    assert if_header.parse(header) == lists


@pytest.mark.parametrize(
    "header",
    [
        "", " ", "()", "(", ")", "(Not)", '(Not Not ["a"])', '(["a"]', '["a"]', "</a>", '</a> </b> (["a"])',
        '(["a"]) </b>', '(["a"]) </b> (["b"])', '</a> (["a"]) </b>', '(["a"] (["b"]))', "(a)", "([a])", "(<a b>)",
        "Not", '(["a"]) x',
        '(["' + "a" * if_header.LONGEST + '"])',
    ],
)  # fmt: skip
def test_what_is_none_is_told_and_changes_nothing(header: str, rig: Rig) -> None:
    with pytest.raises(BadXML):
        if_header.parse(header)
    password = rig.password({Scope.CALENDARS})
    assert rig.request("PUT", OBJECT, calendar_object("e1"), password=password, extra=_if(header)).status == 400
    assert rig.request("GET", OBJECT, password=password).status == 404


@given(st.text(alphabet='()[]<>"Not W/a\n', max_size=40))
def test_any_text_is_read_or_refused(header: str) -> None:
    try:
        lists = if_header.parse(header)
    except BadXML:
        return
    assert lists
    assert all(each.conditions for each in lists)


def _if(header: str) -> dict[str, str]:
    return {"HTTP_IF": header}


def _token(rig: Rig, password: str, path: str) -> str:
    return rig.request("PROPFIND", path, TOKEN, password=password, extra={"HTTP_DEPTH": "0"}).text_of(
        "{DAV:}sync-token"
    )


def test_an_object_is_changed_only_as_it_was_seen(rig_anywhere: Rig) -> None:
    rig = rig_anywhere
    password = rig.password({Scope.CALENDARS})
    etag = rig.request("PUT", OBJECT, calendar_object("e1"), password=password).headers["ETag"]
    changed = calendar_object("e1", "SUMMARY:Changed")
    for wrong in ('(["nope"])', f"(Not [{etag}])", f"<{CALENDAR}> ([{etag}])", f"(<{LOCK}>)", f"([W/{etag}])"):
        for method, body in (
            ("PUT", changed),
            ("DELETE", b""),
            ("GET", b""),
            ("COPY", b""),
            ("PROPPATCH", _named("x")),
        ):
            extra = {**_if(wrong), "HTTP_DESTINATION": f"{CALENDAR}copy.ics"}
            assert rig.request(method, OBJECT, body, password=password, extra=extra).status == 412, (method, wrong)
    assert rig.request("GET", OBJECT, password=password).body == calendar_object("e1")
    for right in (
        f"([{etag}])",
        f'(["nope"]) ([{etag}] Not <DAV:no-lock>)',
        f"<https://dav.example.org{OBJECT}> ([{etag}])",
    ):
        assert rig.request("GET", OBJECT, password=password, extra=_if(right)).status == 200, right
    assert rig.request("PUT", OBJECT, changed, password=password, extra=_if(f"([{etag}])")).status == 204
    assert rig.request("PUT", OBJECT, changed, password=password, extra=_if(f"([{etag}])")).status == 412


def _named(name: str) -> bytes:
    return (
        '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x xmlns="urn:x">' + name + "</x></D:prop></D:set>"
        "</D:propertyupdate>"
    ).encode()


def test_a_calendar_is_changed_only_as_it_was_synced(rig_anywhere: Rig) -> None:
    """RFC 6578 section 5: "Servers MUST support use of DAV:sync-token values in If request headers.\""""
    rig = rig_anywhere
    password = rig.password({Scope.CALENDARS})
    token = _token(rig, password, CALENDAR)
    as_synced = _if(f"<{CALENDAR}> (<{token}>)")
    assert rig.request("PUT", OBJECT, calendar_object("e1"), password=password, extra=as_synced).status == 201
    assert rig.request("PUT", OBJECT, calendar_object("e1"), password=password, extra=as_synced).status == 412
    assert rig.request("DELETE", OBJECT, password=password, extra=as_synced).status == 412
    assert rig.request("PROPPATCH", CALENDAR, _named("x"), password=password, extra=_if(f"(<{token}>)")).status == 412
    newest = _token(rig, password, CALENDAR)
    assert rig.request("PROPPATCH", CALENDAR, _named("x"), password=password, extra=_if(f"(<{newest}>)")).status == 207
    others = f"<{TASKS}> (<{_token(rig, password, TASKS)}>)"
    assert rig.request("DELETE", OBJECT, password=password, extra=_if(others)).status == 204


def test_who_waits_for_another_writer_is_asked_behind_that_one(rig_anywhere: Rig) -> None:
    rig = rig_anywhere
    password = rig.password({Scope.CALENDARS})
    rig.request("PUT", f"{TASKS}t.ics", calendar_object("t", component="VTODO"), password=password)
    as_synced = _if(f"<{TASKS}> (<{_token(rig, password, TASKS)}>)")
    ana = rig.services.accounts.get("ana")
    with ThreadPoolExecutor(1) as pool:
        with rig.services.database.write() as c:
            tasks = collections.find(c, ana.id, Scope.CALENDARS, "tasks")
            assert tasks is not None
            objects.remove(c, tasks.id, "t.ics", T1)
            put = pool.submit(rig.request, "PUT", OBJECT, calendar_object("e1"), password=password, extra=as_synced)
            time.sleep(0.5)
            assert not put.done()
        assert put.result().status == 412


def test_nothing_is_told_of_what_a_password_does_not_open(rig: Rig) -> None:
    theirs = rig.password({Scope.CONTACTS}, account="ben")
    card = "/dav/ben/contacts/contacts/c1.vcf"
    etag = rig.request("PUT", card, vcard("c1"), password=theirs, login="ben").headers["ETag"]
    password = rig.password({Scope.CALENDARS})
    rig.request("PUT", OBJECT, calendar_object("e1"), password=password)
    for header in (f"<{card}> ([{etag}])", f"<http://other.example{OBJECT}> (Not <DAV:no-lock>) (<x:y>)"):
        statuses = {rig.request("GET", OBJECT, password=password, extra=_if(each)).status for each in (header,)}
        assert statuses == {412 if card in header else 200}
    assert rig.request("GET", OBJECT, password=password, extra=_if(f"<{card}> (Not [{etag}])")).status == 200
