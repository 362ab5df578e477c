"""Every limit of the server, in one value that configuration fills in."""

from dataclasses import dataclass, fields

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
    """What one client may ask of this process. Beside each: the answer when it is exceeded.

    Raises ValueError naming the field when a value is not positive.
    """

    connections: int = 1000  # 503 to the next connection, then it is closed
    credentials_per_connection: int = 64  # the connection is closed after that answer; a proxy shares its connections
    pipelined: int = 64  # 400 after the earlier requests are answered

    request_line_bytes: int = 8 * KIB  # 414
    header_count: int = 100  # 431; clients of calendars send about 15
    header_bytes: int = 32 * KIB  # 431
    header_seconds: float = 15.0  # 408 when something came, else closed without a word; also the TLS handshake

    body_bytes: int = 10 * MIB  # 413
    spool_bytes: int = 256 * KIB  # no refusal: what is longer waits in a temporary file
    body_seconds: float = 600.0  # 408 for a body that takes longer in total
    body_pause_seconds: float = 30.0  # 408 when nothing comes for so long
    body_bytes_per_second: int = 512  # 408 below this average, asked once `body_pause_seconds` have passed

    write_seconds: float = 60.0  # reset when 64 KiB of an answer could not be handed over in so long
    idle_seconds: float = 120.0  # an idle connection is closed without a word
    close_seconds: float = 5.0  # how long what a refused client still sends is read and thrown away

    threads: int = 8  # no refusal: how many requests run at once
    waiting: int = 256  # 503 with Retry-After when so many more wait for a thread; half a second of polls
    retry_after_seconds: int = 5  # what Retry-After says

    stop_seconds: float = 20.0  # what still runs so long after SIGTERM is reset

    def __post_init__(self) -> None:
        for field in fields(self):
            if not getattr(self, field.name) > 0:
                raise ValueError(f"the server limit {field.name} must be more than 0")
