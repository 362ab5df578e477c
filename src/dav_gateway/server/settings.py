"""What a server is told: where to listen, the certificate, the limits."""

from dataclasses import dataclass, field
from pathlib import Path

from dav_gateway.server.limits import ServerLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Where to listen and what to allow. TLS is on when both files are given; port 0 takes any free port."""

    host: str = "127.0.0.1"
    port: int = 8765
    certificate: Path | None = None
    key: Path | None = None
    limits: ServerLimits = field(default_factory=ServerLimits)

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("TLS needs both a certificate and a key")
