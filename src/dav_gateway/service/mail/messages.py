"""From a letter of the outbox to a message: plain text, short, in the person's language (RFC 5322, RFC 3834)."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from dav_gateway.core.account import Account
from dav_gateway.core.errors import Refusal
from dav_gateway.core.moment import Moment, to_datetime
from dav_gateway.core.scope import EMPLOYEES
from dav_gateway.service.mail.notices import MailKind
from dav_gateway.store.outbox import Letter

FALLBACK_LANGUAGE = "en"
LANGUAGES = ("en", "es")
_LONGEST_SUBJECT_PART = 120

Words = Mapping[str, str]


class Undeliverable(Refusal):
    """No message can be made of the letter, now or later."""


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Who writes: the sender's address, the company's name, and the address of the page, without a path."""

    from_address: str
    company: str
    public_url: str


@cache
def catalogue(language: str) -> Mapping[str, Words]:
    """The texts of a language."""
    return tomllib.loads((files("dav_gateway.service.mail") / f"{language}.toml").read_text("utf-8"))


def build(letter: Letter, owner: Account, head: Letterhead, now: Moment, *, link: str = "") -> EmailMessage:
    """The message. The same letter has the same Message-ID at every attempt, so that a repeated one can be told.

    `link` is what a password reset carries. Raises Undeliverable when the owner's address cannot be written to.
    """
    texts = catalogue(owner.language if owner.language in LANGUAGES else FALLBACK_LANGUAGE)
    words, text = texts["words"], texts[MailKind(letter.kind).value]
    company = head.company or "dav-gateway"
    named = _named(letter.detail, words) | {
        "passwords_page": f"{head.public_url}/account/app-passwords",
        "security_page": f"{head.public_url}/account/security",
        "link": link,
    }
    greeting = words["greeting"].format(name=owner.display_name)
    footer = words["footer"].format(company=company, account=owner.name)
    message = EmailMessage()
    try:
        message["From"] = Address(company, addr_spec=head.from_address)
        message["To"] = Address(owner.display_name, addr_spec=owner.email)
        message["Subject"] = text["subject"].format(**named)
    except (MessageError, ValueError, IndexError) as error:  # the parser of addresses raises all three
        raise Undeliverable("the e-mail address of the account cannot be written to") from error
    message["Date"] = format_datetime(to_datetime(now))
    message["Message-ID"] = f"<{letter.id}.{letter.created_at}@{urlsplit(head.public_url).hostname or 'localhost'}>"
    message["Auto-Submitted"] = "auto-generated"
    body = text["body"].strip().format(**named)
    message.set_content(f"{greeting}\n\n{body}\n\n-- \n{footer}\n", cte="quoted-printable")
    message["Content-Language"] = texts["words"]["language"]  # set_content() takes earlier ones away
    return message


def _named(detail: Mapping[str, Any], words: Words) -> dict[str, str]:
    """What the texts name in braces, of what the event left in the letter."""
    items = detail.get("items", [])
    labels = ", ".join(item["label"] for item in items)
    return {
        "items": "\n".join(f"    {item['label']} ({item['id']}): {_reach(item, words)}" for item in items),
        "labels": labels if len(labels) <= _LONGEST_SUBJECT_PART else f"{items[0]['label']} + {len(items) - 1}",
        "origin": words.get(detail.get("origin", ""), ""),
        "client": detail.get("client") or words["unknown-client"],
        "address": detail.get("address", ""),
        "at": _when(detail.get("at")),
        "expires_at": _when(detail.get("expires_at")),
    }


def _reach(item: Mapping[str, Any], words: Words) -> str:
    if item["collections"] == [EMPLOYEES]:
        return words["employees"]
    what = f" {words['and']} ".join(words[scope] for scope in item["scopes"])
    return f"{what}, {words['read-only']}" if item["access"] == "read-only" else what


def _when(moment: int | None) -> str:
    return "" if moment is None else to_datetime(Moment(moment)).strftime("%Y-%m-%d %H:%M UTC")
