"""What the gateway is at an OpenID provider; apart from `oidc_provider`, whose libraries take long to import."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Registration:
    """As registered there. `by_email`: an address that the provider has verified finds its account."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    by_email: bool = True
