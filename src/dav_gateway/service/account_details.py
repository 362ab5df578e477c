"""What a person may say of an account, and the form in which it is stored."""

import unicodedata
from collections.abc import Collection
from typing import TypedDict

from dav_gateway.core.account import EMAIL_PATTERN, NAME_PATTERN
from dav_gateway.core.errors import Refusal
from dav_gateway.service.provisioning import LANGUAGES

LONGEST_TEXT = 200
MOST_PHONES = 10


class Details(TypedDict, total=False):
    """The details of an account, each optional."""

    email: str
    display_name: str
    admin: bool
    language: str
    phones: Collection[str]
    title: str
    department: str


def name_from(text: str) -> str:
    """An account name as it is stored. Raises Refusal for one that is no path segment."""
    name = text.strip().lower()
    if not NAME_PATTERN.fullmatch(name):
        raise Refusal(
            f"{text!r} cannot be an account name: it takes up to 64 of a-z, 0-9, dot, dash and underscore, and a letter"
            " or digit at both ends"
        )
    return name


def details_from(given: Details) -> Details:
    """The given details as they are stored. Raises Refusal for the first that cannot be."""
    details = given.copy()
    if "email" in given:
        details["email"] = _email(given["email"])
    if "language" in given and given["language"] not in LANGUAGES:
        raise Refusal(f"{given['language']!r} is not one of the languages {', '.join(sorted(LANGUAGES))}")
    if "display_name" in given:
        details["display_name"] = _line(given["display_name"], "a display name")
        if not details["display_name"]:
            raise Refusal("a display name is not empty")
    if "title" in given:
        details["title"] = _line(given["title"], "a title")
    if "department" in given:
        details["department"] = _line(given["department"], "a department")
    if "phones" in given:
        details["phones"] = _phones(given["phones"])
    return details


def _email(text: str) -> str:
    email = text.strip().lower()
    if not EMAIL_PATTERN.fullmatch(email):
        raise Refusal(f"{text!r} is not an e-mail address")
    return email


def _phones(texts: Collection[str]) -> tuple[str, ...]:
    phones = tuple(filter(None, (_line(text, "a phone number") for text in texts)))
    if len(phones) > MOST_PHONES:
        raise Refusal(f"at most {MOST_PHONES} phone numbers are kept")
    return phones


def _line(text: str, what: str) -> str:
    line = unicodedata.normalize("NFC", text).strip()
    if len(line) > LONGEST_TEXT or not line.isprintable():
        raise Refusal(f"{what} is one line of at most {LONGEST_TEXT} characters")
    return line
