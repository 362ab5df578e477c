"""One account as a vCard 3.0 (RFC 2426), made so that equal data gives equal octets."""

from uuid import UUID, uuid5

from dav_gateway.core.account import Account

_NAMESPACE = UUID("5b0c8a0e-6d7f-5f0f-9c52-2f6c6a3d9b11")
_LONGEST_LINE = 75
_ESCAPES = str.maketrans({"\\": "\\\\", ",": "\\,", ";": "\\;", "\n": "\\n", "\r": None})


def uid_of(account: Account) -> str:
    """The UID of an account's card, the same for ever. An account's name and the moment it was made never change."""
    return f"urn:uuid:{uuid5(_NAMESPACE, f'{account.name} {account.created_at}')}"


def vcard(account: Account, company: str) -> bytes:
    """The card: name, e-mail, phones, title, company and department, as far as they are known.

    There is no REV: it would move the octets, and with them every address book, without a change of the data.
    """
    given, _, family = account.display_name.partition(" ")
    lines = [
        "BEGIN:VCARD",
        "VERSION:3.0",
        "PRODID:-//dav-gateway//employees//EN",
        f"UID:{uid_of(account)}",
        f"FN:{_text(account.display_name)}",
        f"N:{_text(family.strip())};{_text(given)};;;",
        f"EMAIL;TYPE=INTERNET,WORK:{_text(account.email)}",
        *(f"TEL;TYPE=WORK,VOICE:{_text(phone)}" for phone in account.phones),
    ]
    if account.title:
        lines.append(f"TITLE:{_text(account.title)}")
    if company or account.department:
        department = f";{_text(account.department)}" if account.department else ""
        lines.append(f"ORG:{_text(company)}{department}")
    lines.append("END:VCARD")
    return b"".join(_folded(line) for line in lines)


def _text(value: str) -> str:
    return value.translate(_ESCAPES)


def _folded(line: str) -> bytes:
    """A content line of at most 75 octets a piece (RFC 2425 section 5.8.1), never cut inside a character."""
    pieces, piece = [], b""
    for character in line:
        octets = character.encode()
        if len(piece) + len(octets) > _LONGEST_LINE:
            pieces.append(piece)
            piece = b" "
        piece += octets
    return b"\r\n".join([*pieces, piece]) + b"\r\n"
