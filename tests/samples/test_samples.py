"""What other projects feed to their parsers: each is stored and given back as sent, or refused for a right reason.

"Right" is decided by `judge`, which shares no code with the gateway: an object without a fault must be stored, a
refusal must name a precondition that one of the object's faults violates. An object with a fault may be stored all the
same; whatever is stored, no report may stumble over it.
"""

import re
from datetime import date
from urllib.parse import quote
from xml.sax.saxutils import escape

import pytest
from distributions import PROJECTS, Sample, samples
from http_client import NAMESPACES, Client, Reply, clark
from judge import faults

from dav_gateway.core.scope import Scope
from dav_gateway.dav import analysis, ordinary
from dav_gateway.dav.invalid import InvalidObject
from dav_gateway.example import objects, people

HOMES = {False: "/dav/sampler/calendars/samples/", True: "/dav/sampler/contacts/contacts/"}
TYPES = {False: "text/calendar; charset=utf-8", True: "text/vcard; charset=utf-8"}
DECLARED = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())

MUST_BE_STORED = (
    "icalendar/src/icalendar/tests/calendars/alarm_thunderbird_snoozed_until_1457.ics",
    "icalendar/src/icalendar/tests/calendars/america_new_york.ics",
    "icalendar/src/icalendar/tests/calendars/america_new_york_forward_reference.ics",
    "icalendar/src/icalendar/tests/calendars/issue_127_categories_with_commas.ics",
    "icalendar/src/icalendar/tests/calendars/issue_156_RDATE_with_PERIOD_TZID_khal_2.ics",
    "icalendar/src/icalendar/tests/calendars/issue_466_respect_unique_timezone.ics",
    "icalendar/src/icalendar/tests/calendars/pacific_fiji.ics",
    "icalendar/src/icalendar/tests/calendars/period_with_timezone.ics",
    "icalendar/src/icalendar/tests/calendars/timezoned.ics",
    "vobject/test_files/ms_tzid.ics",
    "vobject/test_files/radicale-0827.ics",
    "vobject/test_files/radicale-1238-0.ics",
    "vobject/test_files/recurrence.ics",
    "vobject/test_files/simple_2_0_test.ics",
    "vobject/test_files/tzid_8bit.ics",
    "vobject/test_files/vtodo.ics",
)


@pytest.fixture(scope="session")
def everything() -> list[Sample]:
    return samples()


@pytest.mark.parametrize("project", PROJECTS)
def test_each_is_given_back_as_sent_or_refused_rightly(client, everything, project):
    mine = [sample for sample in everything if sample.name.startswith(f"{project}/")]
    assert len(mine) >= 25, "the download has lost its samples"
    complaints = [f"{sample.name}: {complaint}" for sample in mine for complaint in take(client, sample)]
    assert not complaints, "\n".join(complaints)


def test_ordinary_samples_are_stored(client, everything):
    """Refusing everything would be a clean answer too; these are ordinary."""
    by_name = {sample.name: sample for sample in everything}
    for name in MUST_BE_STORED:
        assert put(client, by_name[name]).status == 201, name
        client.request("DELETE", path_of(by_name[name]))


@pytest.mark.parametrize("person", people(), ids=lambda person: person.name)
def test_the_example_company_is_stored(client, person):
    mine = [Sample(name, octets) for _, _, name, octets in objects(person, date(2026, 11, 22))]
    complaints = [f"{sample.name}: {complaint}" for sample in mine for complaint in take(client, sample)]
    assert not complaints, "\n".join(complaints)
    for sample in mine:
        assert faults(sample.octets, card=sample.is_card) == {}, sample.name


def take(client: Client, sample: Sample) -> list[str]:
    """Send one sample and look at it from all sides; what is wrong with the answers."""
    found = faults(sample.octets, card=sample.is_card)
    answer = put(client, sample)
    if 400 <= answer.status < 500:
        return list(wrong_refusal(client, sample, answer, found))
    if answer.status != 201:
        return [f"PUT -> {answer}"]
    complaints = [*wrong_octets(client, sample, answer), *wrong_reports(client, sample)]
    removed = client.request("DELETE", path_of(sample))
    return complaints if removed.status in (200, 204) else [*complaints, f"DELETE -> {removed}"]


def path_of(sample: Sample) -> str:
    name = re.sub(r"[^A-Za-z0-9@._-]+", "-", sample.name.removeprefix("icalendar/src/icalendar/tests/"))
    return HOMES[sample.is_card] + quote(name)


def put(client: Client, sample: Sample) -> Reply:
    headers = {"Content-Type": TYPES[sample.is_card], "If-None-Match": "*"}
    return client.request("PUT", path_of(sample), sample.octets, headers)


def wrong_refusal(client: Client, sample: Sample, answer: Reply, found: dict[str, set[str]]):
    fitting = {clark(condition) for conditions in found.values() for condition in conditions}
    if not found:
        yield f"has no fault, but {answer}"
    elif not answer.condition() & fitting:
        yield f"the faults are {found}, but {answer}"
    if client.request("GET", path_of(sample)).status != 404:
        yield "was refused and is there"


def wrong_octets(client: Client, sample: Sample, answer: Reply):
    got = client.request("GET", path_of(sample))
    if got.body != sample.octets:
        yield f"GET gives other octets: {got}"
    if not got.headers.get("etag") or got.headers["etag"] != answer.headers.get("etag"):
        yield f"the ETag of PUT {answer.headers.get('etag')} is not that of GET {got.headers.get('etag')}"


def wrong_reports(client: Client, sample: Sample):
    """Every kind of report has to get past the object, whatever is inside it."""
    path, data = path_of(sample), "CR:address-data" if sample.is_card else "C:calendar-data"
    for title, body in (CARD_REPORTS if sample.is_card else CALENDAR_REPORTS).items():
        reply = client.request("REPORT", HOMES[sample.is_card], body.format(href=escape(path)), {"Depth": "1"})
        if reply.status not in (200, 207):
            yield f"{title} -> {reply}"
        elif title in ("multiget", "query"):
            text = reply.members[path].text(data) if path in reply.members else ""
            if normal(text.encode()) != normal(sample.octets):
                yield f"{title} gives other text: {reply}"


def normal(octets: bytes) -> str:
    """Text as it survives XML: unfolded, as a fold may split a character, and with one kind of line end."""
    text = re.sub(rb"\r?\n[ \t]", b"", octets).decode()
    return re.sub(r"\r\n?", "\n", text).strip()


def calendar_query(prop: str, inside: str = "") -> str:
    return f"""<C:calendar-query {DECLARED}><D:prop><D:getetag/>{prop}</D:prop><C:filter>
<C:comp-filter name="VCALENDAR">{inside}</C:comp-filter></C:filter></C:calendar-query>"""


SPAN = 'start="20240101T000000Z" end="20270101T000000Z"'
CALENDAR_REPORTS = {
    "multiget": f"""<C:calendar-multiget {DECLARED}><D:prop><D:getetag/><C:calendar-data/></D:prop>
<D:href>{{href}}</D:href></C:calendar-multiget>""",
    "query": calendar_query("<C:calendar-data/>"),
    **{
        f"time range of {component}": calendar_query(
            "", f'<C:comp-filter name="{component}"><C:time-range {SPAN}/></C:comp-filter>'
        )
        for component in ("VEVENT", "VTODO", "VJOURNAL")
    },
    "expand": calendar_query(
        f"<C:calendar-data><C:expand {SPAN}/></C:calendar-data>",
        f'<C:comp-filter name="VEVENT"><C:time-range {SPAN}/></C:comp-filter>',
    ),
    "part of the data": calendar_query(
        '<C:calendar-data><C:comp name="VCALENDAR"><C:prop name="VERSION"/><C:comp name="VEVENT">'
        '<C:prop name="SUMMARY"/></C:comp></C:comp></C:calendar-data>'
    ),
    "free and busy": f"<C:free-busy-query {DECLARED}><C:time-range {SPAN}/></C:free-busy-query>",
    "sync": f"""<D:sync-collection {DECLARED}><D:sync-token/><D:sync-level>1</D:sync-level>
<D:prop><D:getetag/></D:prop></D:sync-collection>""",
}
CARD_REPORTS = {
    "multiget": f"""<CR:addressbook-multiget {DECLARED}><D:prop><D:getetag/><CR:address-data/></D:prop>
<D:href>{{href}}</D:href></CR:addressbook-multiget>""",
    "query": f"""<CR:addressbook-query {DECLARED}><D:prop><D:getetag/><CR:address-data/></D:prop>
<CR:filter test="anyof"><CR:prop-filter name="UID"/></CR:filter></CR:addressbook-query>""",
    "search": f"""<CR:addressbook-query {DECLARED}><D:prop><D:getetag/></D:prop><CR:filter test="anyof">
<CR:prop-filter name="FN"><CR:text-match match-type="contains">e</CR:text-match></CR:prop-filter>
<CR:prop-filter name="EMAIL"><CR:text-match match-type="contains">e</CR:text-match></CR:prop-filter>
</CR:filter></CR:addressbook-query>""",
}


def test_reading_without_vobject_agrees_with_it(everything, monkeypatch):
    """On what other projects test their parsers with: the same is stored, the same is refused."""
    with monkeypatch.context() as patched:
        patched.setattr(ordinary, "read", lambda _: None)
        by_vobject = [outcome(sample.octets, home) for sample in everything for home in Scope]
    assert [outcome(sample.octets, home) for sample in everything for home in Scope] == by_vobject


def outcome(octets, home):
    try:
        return analysis.analyse(octets, home, "x")
    except InvalidObject as invalid:
        return invalid.condition
