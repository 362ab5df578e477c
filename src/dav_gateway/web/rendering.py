"""Templates: Jinja2 with autoescape everywhere, undefined names as errors, and gettext of the page's language."""

from functools import cache, partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from dav_gateway.core.moment import isoformat
from dav_gateway.web import naming, static_files, times
from dav_gateway.web.language import Words

_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"


@cache
def _environment(code: str) -> Environment:
    from dav_gateway.web.language import words as words_of

    words = words_of(code)
    environment = Environment(
        loader=PackageLoader("dav_gateway.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(words.catalogue, newstyle=True)  # type: ignore[attr-defined]
    environment.policies["ext.i18n.trimmed"] = True
    environment.filters["isolated"] = isolated
    environment.filters["iso"] = isoformat
    environment.filters["clock"] = times.clock_element
    environment.globals["static"] = static_files.address
    environment.globals["words"] = words
    environment.globals["actor"] = partial(naming.actor, words)
    environment.globals["day_text"] = partial(times.date, words)
    environment.globals["date"] = partial(times.day_element, words)
    environment.globals["ago"] = partial(times.ago_element, words)
    return environment


def render(template: str, words: Words, **values: Any) -> str:
    """The text of a template in a language."""
    return _environment(words.code).get_template(template).render(**values)


def isolated(text: str) -> str:
    """A text that a person typed, inside a sentence of ours: its direction changes nothing outside it (Unicode UAX #9,
    isolates), whatever overrides it holds."""
    cleaned = "".join(" " if character in _DIRECTIONS else character for character in text)
    return f"{_ISOLATE}{cleaned}{_END_ISOLATE}"


_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
