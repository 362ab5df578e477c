"""python caldav: the library that most scripts and many programs use."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import caldav
import pytest
from bodies import event, task
from caldav.lib import error
from http_client import Client
from live_gateway import AppPassword, Gateway


@pytest.fixture(scope="module")
def passwords(passwords_for):
    return passwords_for("python-caldav")


@pytest.fixture
def connect(gateway: Gateway) -> Iterator[Callable[[AppPassword], caldav.DAVClient]]:
    """Opens the library's client the way its documentation does; closed at the end of the test."""
    with ExitStack() as opened:

        def make(password: AppPassword) -> caldav.DAVClient:
            client = caldav.DAVClient(url=password.dav_url, username=password.login, password=password.text)
            return opened.enter_context(client)

        yield make


@pytest.fixture
def calendar(connect, passwords) -> caldav.Calendar:
    found = {each.id: each for each in connect(passwords.calendars).principal().calendars()}
    return found["calendar"]


def test_it_finds_the_calendars(connect, passwords):
    principal = connect(passwords.calendars).principal()
    assert principal.get_display_name() == "Tester of python-caldav"
    found = {each.id: each for each in principal.calendars()}
    assert set(found) == {"calendar", "tasks"}
    assert found["calendar"].get_supported_components() == ["VEVENT", "VFREEBUSY"]
    assert found["tasks"].get_supported_components() == ["VTODO"]


def test_an_event_there_and_back(calendar, gateway, passwords):
    made = calendar.save_event(event("there-and-back", "First"))
    assert "SUMMARY:First" in calendar.event_by_uid("there-and-back").data
    with made.edit_icalendar_component() as component:
        component["SUMMARY"] = "Second"
    made.save()
    found = calendar.search(
        start=datetime(2026, 12, 3, tzinfo=UTC), end=datetime(2026, 12, 4, tzinfo=UTC), event=True, expand=False
    )
    assert [str(each.icalendar_component["SUMMARY"]) for each in found] == ["Second"]
    made.delete()
    with pytest.raises(error.NotFoundError):
        calendar.event_by_uid("there-and-back")
    with Client(gateway, passwords.calendars) as client:
        assert client.request("GET", made.url.path).status == 404


def test_tasks(connect, passwords):
    tasks = connect(passwords.calendars).principal().calendar(cal_id="tasks")
    made = tasks.save_todo(task("sand-the-top", "Sand the top"))
    assert [str(each.icalendar_component["SUMMARY"]) for each in tasks.todos()] == ["Sand the top"]
    made.complete()
    assert tasks.todos() == []
    assert len(tasks.todos(include_completed=True)) == 1
    made.delete()


def test_sync_by_token_sees_what_changed_and_what_went(calendar):
    kept = calendar.save_event(event("kept"))
    gone = calendar.save_event(event("gone"))
    synced = calendar.objects_by_sync_token(load_objects=True)
    assert {each.url.path for each in synced} >= {kept.url.path, gone.url.path}
    assert list(calendar.objects_by_sync_token(sync_token=synced.sync_token)) == []

    gone.delete()
    added = calendar.save_event(event("added"))
    updated, deleted = synced.sync()
    assert [each.url.path for each in updated] == [added.url.path]
    assert [each.url.path for each in deleted] == [gone.url.path]
    kept.delete()
    added.delete()


def test_it_makes_and_removes_a_calendar(connect, passwords):
    principal = connect(passwords.calendars).principal()
    made = principal.make_calendar(name="Übergaben", cal_id="handovers", supported_calendar_component_set=["VEVENT"])
    assert {each.id for each in principal.calendars()} == {"calendar", "tasks", "handovers"}
    assert made.get_display_name() == "Übergaben"
    made.save_event(event("handover"))
    made.delete()
    assert {each.id for each in principal.calendars()} == {"calendar", "tasks"}


def test_a_stale_copy_does_not_overwrite(calendar):
    calendar.save_event(event("stale", "First"))
    mine, theirs = calendar.event_by_uid("stale"), calendar.event_by_uid("stale")
    with theirs.edit_icalendar_component() as component:
        component["SUMMARY"] = "Theirs"
    theirs.save()
    with mine.edit_icalendar_component() as component:
        component["SUMMARY"] = "Mine"
    with pytest.raises(error.DAVError):
        mine.save()
    assert "SUMMARY:Theirs" in calendar.event_by_uid("stale").data
    calendar.event_by_uid("stale").delete()


def test_a_contacts_password_has_no_calendars(connect, passwords):
    client = connect(passwords.contacts)
    assert not client.check_cdav_support()
    principal = client.principal()
    assert principal.calendars() == []
    calendar = client.calendar(url=f"{passwords.contacts.dav_url}{passwords.account}/calendars/calendar/")
    with pytest.raises(error.AuthorizationError):
        calendar.save_event(event("across"))
    with pytest.raises(error.AuthorizationError):
        calendar.events()


def test_a_password_for_reading_reads_and_no_more(connect, passwords, calendar):
    calendar.save_event(event("read-me"))
    reader = connect(passwords.reading).principal().calendar(cal_id="calendar")
    found = reader.event_by_uid("read-me")
    with pytest.raises(error.AuthorizationError):
        reader.save_event(event("write-me"))
    with found.edit_icalendar_component() as component:
        component["SUMMARY"] = "Changed"
    with pytest.raises(error.AuthorizationError):
        found.save()
    with pytest.raises((error.AuthorizationError, error.DeleteError)):
        found.delete()
    assert [str(each.icalendar_component["UID"]) for each in calendar.events()] == ["read-me"]
    assert "SUMMARY:Measure the kitchen" in calendar.event_by_uid("read-me").data


def test_a_revoked_password_is_refused(connect, passwords):
    with pytest.raises(error.AuthorizationError):
        connect(passwords.revoked).principal().calendars()
