"""Client families: User-Agents as they were seen on the wire, in sources and in logs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dav_gateway.core.client_family import (
    expected_families,
    families,
    family_at_issue,
    family_of,
    fits,
    title_of,
)
from dav_gateway.core.credential import Service


@pytest.mark.parametrize(
    ("user_agent", "family"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Thunderbird/153.7.0", "thunderbird"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:153.0) Gecko/20100101 Thunderbird/153.7.0", "thunderbird"),
        ("iOS/17.3.1 (21D61) dataaccessd/1.0", "ios"),
        ("iOS/17.3.1 (21D61) accountsd/1.0", "ios"),
        ("iOS/5.1.1 (9B206) Preferences/1.0", "ios"),
        ("Mac_OS_X/10.9 (13A476u) CalendarAgent/157.1", "macos"),
        ("Mac+OS+X/10.13.2 (17C205) CalendarAgent/399.2.2", "macos"),
        ("Mac+OS+X/10.10.5 (14F27) Calendar/2034.9-Calendar", "macos"),
        ("Mac OS X/10.11.2 (15C31f) AddressBook/1679.3", "macos"),
        ("AddressBook/6.1.3 (1091) CardDAVPlugin/200 CFNetwork/520.5.1 Mac_OS_X/10.7.5 (11G63)", "macos"),
        ("macOS/14.0 (23A344) dataaccessd/1.0", "macos"),
        ("macOS/15.4.1 (24E263) accountsd/1.0", "macos"),
        ("macOS/26.5.1 (25F80) remindd/3976", "macos"),
        ("DAVx5/4.5-ose (at.bitfire.davdroid)", "davx5"),
        ("DAVx5/4.4-ose (2024/10/01; dav4jvm; okhttp/4.12.0) Android/14", "davx5"),
        ("DAVdroid/1.9-ose (2017/10/19; dav4android; okhttp3) Android/7.1", "davx5"),
        ("CalDavSynchronizer/4.6", "caldav-synchronizer"),
        ("Evolution/3.46.4", "evolution"),
        ("vdirsyncer/0.21.0", "command-line"),
        ("python-caldav/3.6.0", "command-line"),
        ("cadaver/0.24 neon/0.32.5", "command-line"),
        ("Python-httplib2/0.20.4 (gzip)", "command-line"),
        ("node", "command-line"),
        ("curl/8.5.0", "command-line"),
        ("nodemailer/1.0", "other:nodemailer"),
        ("MyCal/1.0 (iOS/17)", "other:mycal"),
        ("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "other:mozilla"),
        ("", None),
        ("   ", None),
        ("(compatible)", None),
    ],
)
def test_the_family_that_a_user_agent_names(user_agent: str, family: str | None) -> None:
    assert family_of(user_agent) == family


@given(st.text(max_size=2000))
def test_any_user_agent_gets_a_short_plain_family(user_agent: str) -> None:
    family = family_of(user_agent)
    assert family is None or (len(family) <= 46 and family.isascii() and family == family.lower())


@pytest.mark.parametrize(
    ("service", "family"),
    [
        (Service.IPHONE, "ios"),
        (Service.MAC, "macos"),
        (Service.ANDROID, "davx5"),
        (Service.OUTLOOK, "caldav-synchronizer"),
        (Service.THUNDERBIRD, "thunderbird"),
        (Service.EVOLUTION, "evolution"),
        (Service.OTHER, None),
    ],
)
def test_the_service_chosen_at_issue_fixes_the_family(service: Service, family: str | None) -> None:
    assert expected_families(service) == ({family} if family else frozenset())
    assert family_at_issue(service) == family


def test_every_family_says_how_we_know() -> None:
    assert len(families()) == 7
    for family in families():
        assert family.source.partition(":")[0] in ("run", "source", "log")
        assert family.agents
        assert title_of(family.name) == family.title
    assert title_of("other:mycal") == "mycal"


def test_another_family_does_not_fit_and_no_user_agent_is_no_other_family() -> None:
    assert fits("ios", "ios")
    assert not fits("ios", "thunderbird")
    assert not fits("ios", "other:mycal")
    assert fits("ios", None)
    assert fits(None, "thunderbird")
