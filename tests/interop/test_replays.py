"""The request shapes of clients that cannot be run here, from their first discovery to their writes."""

from functools import cache

import pytest
from http_client import Client
from live_gateway import Gateway
from replay import Session, replays


@pytest.fixture(scope="module")
def passwords_of(passwords_for):
    return cache(lambda client, service: passwords_for(client.replace("_", "-"), service))


@pytest.mark.parametrize("replay", replays(), ids=lambda each: f"{each.client}-{each.name}".replace(" ", "-"))
def test_replay(gateway: Gateway, passwords_of, replay):
    passwords = passwords_of(replay.client, replay.service)
    with Client(gateway, getattr(passwords, replay.password)) as client:
        Session(replay, client, {"account": passwords.account}).run()


def test_another_kind_of_client_is_refused_without_losing_its_password(gateway: Gateway, passwords_of):
    """One password, one device: what was made for Outlook does not open from a phone; 403 is no reason to forget."""
    passwords = passwords_of("caldav_synchronizer", "outlook")
    path = f"/dav/{passwords.account}/calendars/calendar/"
    with Client(gateway, passwords.calendars, "iOS/17.3.1 (21D61) dataaccessd/1.0") as phone:
        refused = phone.request("PROPFIND", path, headers={"Depth": "0"})
        assert refused.status == 403
        assert "www-authenticate" not in refused.headers
    with Client(gateway, passwords.calendars, "CalDavSynchronizer/4.6") as outlook:
        assert outlook.request("PROPFIND", path, headers={"Depth": "0"}).status == 207
