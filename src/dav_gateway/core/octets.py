"""Stored octets as text, for parsers and XML answers; a GET gives the octets themselves."""

from dav_gateway.core.folding import whole_characters


def as_text(octets: bytes) -> str:
    """The object as text. Raises UnicodeDecodeError for octets that are not UTF-8.

    A content line may be folded in the middle of a UTF-8 sequence (RFC 5545 section 3.1 warns of it, Apple's programs
    did it); such folds are undone, all others stay.
    """
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return whole_characters(octets).decode()
