"""Links, read back the way a phone does."""

from urllib.parse import urlsplit

from dav_gateway.core.deep_link import davx5

PASSWORD = "k7mqx-3f9tb-x2wne-hd4r8-6pzay"


def test_davx5_reads_its_link() -> None:
    link = davx5("https://dav.example.com", "ana", PASSWORD)
    assert link is not None
    parts = urlsplit(link)
    # As LoginActivity.kt: scheme, host, path, and user information split at the colon.
    assert (parts.scheme, parts.netloc.rpartition("@")[2], parts.path) == ("davx5", "dav.example.com", "/dav/")
    assert parts.netloc.rpartition("@")[0].split(":") == ["ana", PASSWORD]


def test_plain_http_has_its_own_scheme() -> None:
    assert davx5("http://localhost", "ana", PASSWORD) == f"caldav://ana:{PASSWORD}@localhost/dav/"


def test_no_link_where_davx5_would_lose_the_port() -> None:
    assert davx5("https://dav.example.com:8443", "ana", PASSWORD) is None
