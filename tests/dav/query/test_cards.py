"""addressbook-query (RFC 6352 sections 8.6 and 10.5) and parts of cards (section 10.4)."""

import pytest

from tests.dav.query.asking import CARD_DATA, Asking


@pytest.fixture
def people(asked: Asking) -> Asking:
    asked.card(
        "ana", "FN:Ana Ruiz", "N:Ruiz;Ana;;;", "EMAIL;TYPE=WORK:ana@example.org", "EMAIL;TYPE=HOME:a@home.example",
        "NICKNAME:An\\, na", "item1.TEL;TYPE=CELL:+34 1", "item1.X-ABLabel:Mobile",
    )  # fmt: skip
    asked.card("ben", "FN:Ben Okafor", "N:Okafor;Ben;;;", 'EMAIL;TYPE="work,pref":ben@example.org', "TEL;TYPE=HOME:2")
    asked.card("eva", "FN:\u00c9va Stra\u00dfer", "N:Stra\u00dfer;\u00c9va;;;", "NOTE:nothing")
    return asked


def prop(name: str, inner: str = "", test: str = "") -> str:
    said = f" test='{test}'" if test else ""
    return f"<CR:prop-filter name='{name}'{said}>{inner}</CR:prop-filter>"


def text(value: str, **attributes: str) -> str:
    said = "".join(f" {key.replace('_', '-')}='{attributes[key]}'" for key in attributes)
    return f"<CR:text-match{said}>{value}</CR:text-match>"


ABSENT = "<CR:is-not-defined/>"


@pytest.mark.parametrize(
    ("inner", "test", "found"),
    [
        ("", "", ["ana", "ben", "eva"]),
        (prop("EMAIL"), "", ["ana", "ben"]),
        (prop("EMAIL", ABSENT), "", ["eva"]),
        (prop("email", text("BEN")), "", ["ben"]),
        (prop("FN", text("STRASSER")), "", ["eva"]),  # i;unicode-casemap is the default
        (prop("FN", text("strasser", collation="i;ascii-casemap")), "", []),
        (prop("FN", text("\u00c9va", collation="i;octet")), "", ["eva"]),
        (prop("FN", text("\u00e9va", collation="i;octet")), "", []),
        (prop("FN", text("ana ruiz", match_type="equals")), "", ["ana"]),
        (prop("FN", text("ana", match_type="equals")), "", []),
        (prop("FN", text("be", match_type="starts-with")), "", ["ben"]),
        (prop("FN", text("or", match_type="ends-with")), "", ["ben"]),
        (prop("FN", text("ana", negate_condition="yes")), "", ["ben", "eva"]),
        (prop("NICKNAME", text("an, na")), "", ["ana"]),
        (prop("N", text("okafor;ben")), "", ["ben"]),
        # any or all of the property filters; any is the default (section 10.5)
        (prop("TEL") + prop("NOTE"), "", ["ana", "ben", "eva"]),
        (prop("TEL") + prop("NOTE"), "anyof", ["ana", "ben", "eva"]),
        (prop("TEL") + prop("NOTE"), "allof", []),
        (prop("TEL") + prop("EMAIL", text("example")), "allof", ["ana", "ben"]),
        # any or all of the conditions, on one line (section 10.5.1)
        (prop("EMAIL", text("home") + text("ben")), "", ["ana", "ben"]),
        (prop("EMAIL", text("home") + text("ana"), "allof"), "", []),
        (prop("EMAIL", text("org") + text("ana"), "allof"), "", ["ana"]),
        (prop("EMAIL", f"<CR:param-filter name='TYPE'>{text('home')}</CR:param-filter>"), "", ["ana"]),
        (prop("EMAIL", f"<CR:param-filter name='TYPE'>{text('pref')}</CR:param-filter>"), "", ["ben"]),
        (
            prop("EMAIL", text("ana@") + f"<CR:param-filter name='TYPE'>{text('home')}</CR:param-filter>", "allof"),
            "",
            [],
        ),
        (prop("EMAIL", f"<CR:param-filter name='X-P'>{ABSENT}</CR:param-filter>"), "", ["ana", "ben"]),
        (prop("EMAIL", "<CR:param-filter name='X-P'/>"), "", []),
        # groups
        (prop("TEL"), "", ["ana", "ben"]),
        (prop("item1.TEL"), "", ["ana"]),
        (prop("ITEM2.TEL"), "", []),
    ],
)
def test_what_a_filter_finds(people: Asking, inner: str, test: str, found: list[str]) -> None:
    assert people.names(people.cards(inner, test=test)) == found


def test_a_limit(people: Asking) -> None:
    """Section 8.6.2."""
    reply = people.cards("", more="<CR:limit><CR:nresults>2</CR:nresults></CR:limit>")
    assert len(reply.hrefs()) == 3
    assert reply.hrefs()[-1] == "/dav/ana/contacts/contacts/"
    assert b"507 Insufficient Storage" in reply.body
    whole = people.cards("", more="<CR:limit><CR:nresults>3</CR:nresults></CR:limit>")
    assert (len(whole.hrefs()), b"507 Insufficient Storage" in whole.body) == (3, False)


def test_parts_of_cards(people: Asking) -> None:
    spec = "<CR:prop name='FN'/><CR:prop name='tel'/><CR:prop name='EMAIL' novalue='yes'/>"
    found = people.cards(prop("FN", text("ana")), prop=f"<CR:address-data>{spec}</CR:address-data>").text_of(CARD_DATA)
    assert found.split("\n") == [
        "BEGIN:VCARD", "FN:Ana Ruiz", "EMAIL:", "EMAIL:", "item1.TEL;TYPE=CELL:+34 1", "END:VCARD", "",
    ]  # fmt: skip
    whole = people.cards(prop("FN", text("ana")), prop="<CR:address-data><CR:allprop/></CR:address-data>")
    assert "X-ABLabel" in whole.text_of(CARD_DATA)


@pytest.mark.parametrize(
    ("inner", "test", "prop_asked", "status", "condition"),
    [
        (prop("FN"), "some", "", 403, b"supported-filter"),
        (prop("FN", "", "some"), "", "", 403, b"supported-filter"),
        (prop("FN", ABSENT + text("x")), "", "", 403, b"supported-filter"),
        ("<CR:prop-filter/>", "", "", 403, b"supported-filter"),
        ("<CR:nothing/>", "", "", 403, b"supported-filter"),
        (prop("FN", text("x", match_type="like")), "", "", 403, b"supported-filter"),
        (prop("FN", text("x", collation="i;x")), "", "", 403, b"supported-collation"),
        (prop("FN") * 300, "", "", 403, b"supported-filter"),
        ("", "", "<CR:address-data content-type='application/vcard+json'/>", 403, b"supported-address-data"),
        ("", "", "<CR:address-data version='2.1'/>", 403, b"supported-address-data"),
        ("", "", "<CR:address-data><CR:prop/></CR:address-data>", 400, b""),
        ("", "", "<CR:address-data content-type='text/vcard' version='4.0'/>", 207, b""),
    ],
)
def test_queries_that_are_none(
    asked: Asking, inner: str, test: str, prop_asked: str, status: int, condition: bytes
) -> None:
    reply = asked.cards(inner, test=test, prop=prop_asked)
    assert (reply.status, condition in reply.body) == (status, True)
