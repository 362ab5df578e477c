"""What the page knows of the installation, all of it from the configuration and nothing from a request's Host."""

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

AddressOf = Callable[[MutableMapping[str, Any]], str]


@dataclass(frozen=True, slots=True)
class PageSite:
    """`public_url` is scheme, host and port; `address_of` tells who sent the request of an ASGI scope; `realm` is the
    DAV part's."""

    public_url: str
    dav_url: str
    company: str
    languages: tuple[str, ...]
    address_of: AddressOf
    realm: str = "dav-gateway"

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach us by https, so that cookies may ask for it."""
        return self.public_url.startswith("https:")

    @property
    def host(self) -> str:
        """The host as Apple's devices want it: without the scheme, with a port only where it is not the usual one."""
        return urlsplit(self.public_url).netloc
