"""What only a look at the machine can tell about settings: files that must be there, and set-ups that work badly."""

import ssl
from ipaddress import ip_address
from urllib.parse import urlsplit

from dav_gateway.config import Settings
from dav_gateway.config.addresses import is_embedded


def mistakes(settings: Settings) -> list[str]:
    """Why the server could not start with these settings; a sentence each."""
    found = []
    if settings.tls.certificate is not None and settings.tls.key is not None:
        try:
            # The empty password keeps OpenSSL from asking for one at the terminal.
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
                settings.tls.certificate, settings.tls.key, password=""
            )
        except ssl.SSLError:
            found.append("tls.certificate and tls.key are not a PEM certificate and its unencrypted key.")
        except OSError as error:
            found.append(f"tls.certificate or tls.key cannot be read: {error.strerror}.")
    if is_embedded(settings.database.url) and settings.data_directory.exists() and not settings.data_directory.is_dir():
        found.append(f"data_directory: {settings.data_directory} is not a folder.")
    return found


def advice(settings: Settings) -> list[str]:
    """What works, but not as people will expect; a sentence each."""
    found = []
    plain = settings.tls.certificate is None
    if settings.public_url.startswith("http:") and not _is_loopback(settings.public_url):
        found.append("public_url is not https: passwords cross the network readable, and iOS refuses to sign in.")
    if settings.public_url.startswith("https:") and plain and not settings.trusted_proxies:
        found.append(
            "public_url is https, so a proxy stands in front, but trusted_proxies is empty: every request will seem "
            "to come from the proxy's address, and one attacker's failures will slow everybody down."
        )
    if plain and not _is_loopback(f"//{settings.listen}"):
        found.append("listen is open to the network without TLS: only a proxy should be able to reach it.")
    return found


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
