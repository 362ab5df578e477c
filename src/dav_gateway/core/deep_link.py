"""What a phone is pointed at: the `davx5://` link that fills in DAVx5's sign-in."""

from urllib.parse import urlsplit

_SCHEMES = {"https": "davx5", "http": "caldav"}
"""DAVx5 `LoginActivity.kt` reads davx5, caldavs and carddavs as https, caldav and carddav as http."""


def davx5(public_url: str, login: str, password: str) -> str | None:
    """The link that opens DAVx5 with everything filled in, or None where it would lead astray.

    DAVx5 keeps only the host of a link, not its port (`authority(uri.host)`), and splits the user information at `:`
    without decoding; account names and app passwords have no symbol that would need it.
    """
    parts = urlsplit(public_url)
    if parts.port is not None or parts.hostname is None:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{_SCHEMES[parts.scheme]}://{login}:{password}@{host}/dav/"
