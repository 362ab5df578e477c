"""What a request claims is read once, and only where it says one thing."""

import base64

import pytest

from dav_gateway.core import claim, secret

PASSWORD = secret.make(lambda number: bytes(range(number)))


def header(text: str, name: bytes = b"authorization") -> tuple[bytes, bytes]:
    return name, b"Basic " + base64.b64encode(text.encode())


def test_a_login_with_a_password_of_the_right_shape() -> None:
    found = claim.of([(b"host", b"x"), header(f"ana:{PASSWORD.reveal()}")])
    assert found is not None
    assert (found.login, found.password, found.id) == ("ana", PASSWORD, PASSWORD.id)
    assert PASSWORD.reveal() not in repr(found)
    assert "ana" not in repr(found)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [header("ana:hunter2")],
        [header(f"ana:{PASSWORD.reveal()[:-1]}")],
        [(b"authorization", b"Bearer x")],
        [(b"authorization", b"Basic !")],
        [header(f"ana:{PASSWORD.reveal()}", b"proxy-authorization")],
        [header(f"ana:{PASSWORD.reveal()}"), header(f"ana:{PASSWORD.reveal()}")],
        [header("ana:hunter2"), header(f"ana:{PASSWORD.reveal()}")],
    ],
)
def test_everything_else_claims_nothing(headers: list[tuple[bytes, bytes]]) -> None:
    assert claim.of(headers) is None
