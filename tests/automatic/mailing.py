"""A company whose mail goes to a post office of the tests."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text
from tests.automatic.post_office import PostOffice, post_office
from tests.service.conftest import Company

from dav_gateway.service.mail.messages import Letterhead
from dav_gateway.service.mail.sender import Post, Sender
from dav_gateway.service.mail.transport import Smtp
from dav_gateway.store.database import Database

HEAD = Letterhead("calendar@nogal.example", "Nogal", "https://dav.example.com")
Found = Callable[..., Company]


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with post_office() as office:
        yield office


@pytest.fixture
def mailing(database: Database, found_company: Found, office: PostOffice) -> Company:
    """A company whose mail goes to the post office."""
    return found_company(database, post=Post(Smtp("127.0.0.1", office.port, "none"), HEAD))


def deliver(company: Company) -> int:
    assert company.services.post is not None
    return Sender(company.database, company.services.post, company.clock).deliver()


def rows(company: Company) -> str:
    with company.database.read() as connection:
        return str(connection.execute(text("SELECT * FROM outbox")).all())
