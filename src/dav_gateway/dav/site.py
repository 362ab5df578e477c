"""What the DAV room needs to know of the installation."""

from dataclasses import dataclass

PREFIX = "/dav"
"""Where the DAV root lives; Radicale's base prefix."""

CLASSES = "1, 3, extended-mkcol"


@dataclass(frozen=True, slots=True)
class Site:
    """Settings of the DAV room. `realm` must stay as it is: Thunderbird finds saved passwords by its text.
    `account_bytes` is what all objects of an account may take together; 0 is no limit. `account_collections` is how
    many calendars and address books it may have."""

    realm: str = "dav-gateway"
    public_url: str = ""
    max_object_bytes: int = 10 * 1024 * 1024
    account_bytes: int = 0
    account_collections: int = 100
