"""The company's objects as template files, and how one becomes the octets that a client would have sent.

`data/<person>/<home>/<collection>/<object>` holds one object each, with one content line a line; `data/zones/` holds
the time zone definitions as the different clients write them. Between double braces stand

    {{monday+7}}, {{today}}, {{month-30}}     a day relative to the day of rendering, as 20261122
    {{zone:apple-madrid}}                     a whole VTIMEZONE
    {{portrait:jpeg:Ana}}                     a picture in base64
    {{blank}}                                 a blank that an editor must not strip
"""

import base64
import re
from collections.abc import Iterator
from datetime import date
from importlib.resources import files
from importlib.resources.abc import Traversable

from dav_gateway.core.scope import Scope
from dav_gateway.example.dates import relative
from dav_gateway.example.folding import fold, style_of
from dav_gateway.example.people import Person
from dav_gateway.example.pictures import portrait

DAY = re.compile(r"(today|monday|month)([+-]\d+)?")
MARK = re.compile(r"\{\{([^{}]+)\}\}")


def objects(person: Person, today: date) -> Iterator[tuple[Scope, str, str, bytes]]:
    """Home, collection name, object name and octets of everything the person keeps, around `today`."""
    root = _data() / person.name
    for home in Scope:
        for collection in _entries(root / home.value):
            for entry in _entries(collection):
                yield home, collection.name, entry.name, render(entry.read_text(encoding="utf-8"), today)


def render(template: str, today: date) -> bytes:
    """A template as octets: marks replaced, lines folded as the writing client folds them, every line ended by CRLF.

    Raises ValueError for a mark that means nothing.
    """
    text = MARK.sub(lambda match: _expand(match[1], today), template.strip("\n"))
    style = style_of(text)
    return b"".join(fold(line, style) + b"\r\n" for line in text.split("\n"))


def _expand(mark: str, today: date) -> str:
    day = DAY.fullmatch(mark)
    if day:
        return relative(day[1], int(day[2] or 0), today)
    match mark.split(":"):
        case ["blank"]:
            return " "
        case ["zone", name]:
            zone = (_data() / "zones" / f"{name}.txt").read_text(encoding="utf-8").strip("\n")
            return MARK.sub(lambda match: _expand(match[1], today), zone)
        case ["portrait", kind, name]:
            return base64.b64encode(portrait(name, kind)).decode()
        case _:
            raise ValueError(f"a template has an unknown mark: {mark}")


def _data() -> Traversable:
    return files(__package__) / "data"


def _entries(folder: Traversable) -> list[Traversable]:
    return sorted(folder.iterdir(), key=lambda entry: entry.name) if folder.is_dir() else []
