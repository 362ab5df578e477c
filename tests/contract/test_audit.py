"""The audit: events come back as they were appended, newest first."""

from dav_gateway.core.moment import Moment
from dav_gateway.store import audit
from dav_gateway.store.audit import Event
from dav_gateway.store.database import Database


def test_events_come_back_newest_first(database: Database) -> None:
    issued = Event(
        at=Moment(1),
        event="issued",
        account="ana",
        credential_id="k7mqx",
        actor="luis",
        address="192.0.2.1",
        client_family="apple",
        request_id="r1",
        detail={"label": "Café", "scopes": ["calendars"], "n": 3},
    )
    bare = Event(at=Moment(2), event="throttled")
    other = Event(at=Moment(3), event="issued", account="bo", credential_id="zzzzz")
    again = Event(at=Moment(4), event="revoked", account="ana", credential_id="k7mqx")
    with database.write() as c:
        audit.append(c)
        audit.append(c, issued, bare)
        audit.append(c, other)
        audit.append(c, again)
    with database.read() as c:
        stored = audit.select(c)
        assert [_unnumbered(event) for event in stored] == [again, other, bare, issued]
        assert [event.id for event in stored] == sorted((event.id for event in stored), reverse=True)
        assert [_unnumbered(event) for event in audit.select(c, account="ana")] == [again, issued]
        assert [_unnumbered(event) for event in audit.select(c, credential_id="zzzzz")] == [other]
        assert audit.select(c, account="ana", credential_id="zzzzz") == []
        assert [_unnumbered(event) for event in audit.select(c, account="ana", limit=1)] == [again]


def test_a_page_is_what_was_stored_before_an_event(database: Database) -> None:
    events = [Event(Moment(10 - n), "used", "ana" if n % 2 else "bo", "k7mqx" if n % 4 else "zzzzz") for n in range(8)]
    with database.write() as c:
        audit.append(c, *events)
    with database.read() as c:
        newest = audit.page(c, 3)
        assert [_unnumbered(event) for event in newest] == events[:4:-1]
        assert [_unnumbered(each) for each in audit.page(c, 9, before=newest[-1].id)] == events[4::-1]
        assert [_unnumbered(each) for each in audit.page(c, 2, account="ana")] == [events[7], events[5]]
        assert [_unnumbered(each) for each in audit.page(c, 9, credential_id="zzzzz")] == [events[4], events[0]]
        assert audit.page(c, 9, before=newest[-1].id - 5) == []


def test_events_are_in_the_order_of_what_happened_not_of_when_it_was_stored(database: Database) -> None:
    late, early, same = Event(Moment(5), "revoked"), Event(Moment(2), "refused"), Event(Moment(5), "paused")
    with database.write() as c:
        for event in (late, early, same):
            audit.append(c, event)
    with database.read() as c:
        assert [_unnumbered(event) for event in audit.select(c)] == [same, late, early]
        assert [_unnumbered(event) for event in audit.select(c, limit=2)] == [same, late]


def _unnumbered(event: Event) -> Event:
    assert event.id > 0
    values = {name: getattr(event, name) for name in Event.__slots__ if name != "id"}
    return Event(**values)


def test_the_newest_of_some_kinds_among_the_last_that_were_stored(database: Database) -> None:
    old, used, refused, late = (
        Event(Moment(at), word) for at, word in ((1, "refused"), (2, "used"), (5, "refused"), (4, "throttled"))
    )
    with database.write() as c:
        audit.append(c, old, used, refused, late)
    with database.read() as c:
        found = audit.recent(c, ("refused", "throttled"), 10, looked_at=3)
        assert [_unnumbered(event) for event in found] == [refused, late]
        assert [_unnumbered(event) for event in audit.recent(c, ("refused", "throttled"), 1)] == [refused]
        assert audit.recent(c, ("renamed",), 10) == []
