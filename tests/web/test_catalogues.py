"""Texts: none is missing in Spanish, none is left over, none stands outside gettext."""

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from jinja2 import Environment
from jinja2.lexer import TOKEN_DATA

import dav_gateway.web
from dav_gateway.web.language import choose

ROOM = Path(dav_gateway.web.__file__).parent
TEMPLATES = sorted((ROOM / "templates").glob("*.html"))
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
OPTIONS = {"templates/**.html": {"trimmed": "true", "silent": "false"}}
VALUE = re.compile(r"%\(\w+\)[sd]")
NAMES = {"English", "Español", "dav-gateway", "UTC", "ms", "iPhone", "iPad", "Thunderbird", "Mac", "Evolution"}


def in_source() -> dict[tuple[str, str | None], object]:
    return {
        (message if isinstance(message, str) else message[0], context): message
        for _, _, message, _, context in extract_from_dir(ROOM, METHODS, OPTIONS)
    }


def test_spanish_has_every_text_and_no_other() -> None:
    with (ROOM / "catalogues" / "es" / "LC_MESSAGES" / "messages.po").open("rb") as file:
        catalogue = read_po(file, locale="es", abort_invalid=True)
    found = {}
    for message in catalogue:
        if message.id:
            one = message.id if isinstance(message.id, str) else message.id[0]
            found[one, message.context] = message
    source = in_source()
    assert len(source) > 250
    assert source.keys() - found.keys() == set()
    assert found.keys() - source.keys() == set()
    for (one, _), message in found.items():
        assert not message.fuzzy, one
        texts = [message.string] if isinstance(message.string, str) else list(message.string)
        originals = [message.id] if isinstance(message.id, str) else list(message.id)
        for text, original in zip(texts, originals, strict=True):
            assert text, original
            assert set(VALUE.findall(text)) == set(VALUE.findall(original)), original
            assert re.findall("</?[a-z]+>", text) == re.findall("</?[a-z]+>", original), original


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_text_stands_in_a_template_outside_gettext(template: Path) -> None:
    environment = Environment(autoescape=True, extensions=["jinja2.ext.i18n"])
    source = re.sub(r"{%-? *trans\b.*?endtrans *-?%}", "", template.read_text(), flags=re.DOTALL)
    data = "".join(
        text if kind == TOKEN_DATA else "\0" for _, kind, text in environment.lexer.tokeniter(source, template.name)
    )
    attributes = re.findall(r'(?:title|alt|placeholder|aria-label|data-done|data-failed|content)="([^"]*)"', data)
    shown = [*attributes, *re.split(r"<[^>]*>", data)]
    words = {word for text in shown for word in re.findall(r"[^\W\d_]{2,}(?:-\w+)*", text)}
    allowed = NAMES | {"width", "device-width", "initial-scale", "light", "dark"}
    assert words - allowed == set()


def test_the_language_that_is_liked_best_is_chosen() -> None:
    offered = ("en", "es")
    assert choose(offered, accept="es") == "es"
    assert choose(offered, accept="de, es;q=0.5, en;q=0.4") == "es"
    assert choose(offered, accept="es;q=0") == "en"
    assert choose(offered, None, "es", accept="en") == "es"
    assert choose(offered, "xx", accept="," * 5000) == "en"
