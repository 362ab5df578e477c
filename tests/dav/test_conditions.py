"""If-Match and If-None-Match (RFC 9110 section 13.1)."""

import pytest

from dav_gateway.dav import conditions


@pytest.mark.parametrize(
    ("headers", "etag", "failed"),
    [
        ({}, None, False),
        ({}, '"a"', False),
        ({"HTTP_IF_MATCH": '"a"'}, '"a"', False),
        ({"HTTP_IF_MATCH": '"b", "a"'}, '"a"', False),
        ({"HTTP_IF_MATCH": '"b"'}, '"a"', True),
        ({"HTTP_IF_MATCH": 'W/"a"'}, '"a"', True),
        ({"HTTP_IF_MATCH": "*"}, '"a"', False),
        ({"HTTP_IF_MATCH": "*"}, None, True),
        ({"HTTP_IF_MATCH": '"a"'}, None, True),
        ({"HTTP_IF_MATCH": "nothing"}, '"a"', True),
        ({"HTTP_IF_MATCH": "nothing"}, None, True),
        ({"HTTP_IF_MATCH": ""}, '"a"', True),
        ({"HTTP_IF_MATCH": '"x,a", "y"'}, '"a"', True),
        ({"HTTP_IF_NONE_MATCH": "*"}, None, False),
        ({"HTTP_IF_NONE_MATCH": "*"}, '"a"', True),
        ({"HTTP_IF_NONE_MATCH": '"a"'}, '"a"', True),
        ({"HTTP_IF_NONE_MATCH": 'W/"a"'}, '"a"', True),
        ({"HTTP_IF_NONE_MATCH": '"b"'}, '"a"', False),
        ({"HTTP_IF_MATCH": '"a"', "HTTP_IF_NONE_MATCH": "*"}, '"a"', True),
    ],
)
def test_changing_requests(headers: dict[str, str], etag: str | None, failed: bool) -> None:
    assert conditions.failed(headers, etag) is failed


@pytest.mark.parametrize(
    ("value", "same"), [('"a"', True), ('W/"a"', True), ('"b", "a"', True), ("*", True), ('"b"', False), ("", False)]
)
def test_get_is_not_modified(value: str, same: bool) -> None:
    assert conditions.not_modified({"HTTP_IF_NONE_MATCH": value}, '"a"') is same


def test_get_without_a_condition_is_answered() -> None:
    assert not conditions.not_modified({}, '"a"')
