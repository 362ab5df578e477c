"""How much an account may store (RFC 4331): `limits.account_bytes` for all of its objects together, and
`limits.account_collections` calendars and address books."""

from http import HTTPStatus

from dav_gateway.dav import answers
from dav_gateway.dav.answers import Own
from dav_gateway.dav.site import Site
from dav_gateway.service.request import DavRequest
from dav_gateway.store import collections, object_properties


def exceeded(request: DavRequest, site: Site, growth: int, *, of_properties: bool = False) -> Own | None:
    """507 when the account would have more than its quota after growing by so many octets (section 6), else None.

    Asked inside the write transaction. The dead properties of objects have as much room as objects leave
    (`of_properties`); they take none away from them. What makes an account smaller, or leaves it as large, is never
    refused: a quota that was lowered must not keep anybody from tidying up.
    """
    if not site.account_bytes or growth <= 0:
        return None
    connection, account = request.begin_write(), request.granted.account.id
    used = collections.total_size(connection, account)
    if of_properties:
        used += object_properties.total_size(connection, account)
    if used + growth <= site.account_bytes:
        return None
    return answers.precondition(
        HTTPStatus.INSUFFICIENT_STORAGE,
        "D:quota-not-exceeded",
        f"An account has room for {site.account_bytes} bytes; {max(0, site.account_bytes - used)} are left.",
    )


def of_collections(request: DavRequest, site: Site) -> Own | None:
    """507 when the account has as many calendars and address books as it may (RFC 4791 section 5.3.1, RFC 4918 section
    9.3.1), else None.

    Asked inside the write transaction; on PostgreSQL those who ask at the same time may each make one.
    """
    if collections.count(request.begin_write(), request.granted.account.id) < site.account_collections:
        return None
    return answers.precondition(
        HTTPStatus.INSUFFICIENT_STORAGE,
        "D:quota-not-exceeded",
        f"An account has at most {site.account_collections} calendars and address books.",
    )
