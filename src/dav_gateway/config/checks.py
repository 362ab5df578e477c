"""What only a look at the machine can tell about settings: files that must be there, and set-ups that work badly."""

import configparser
import os
import ssl
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from dav_gateway.config import Settings
from dav_gateway.config.addresses import SQLITE, is_embedded


def mistakes(settings: Settings) -> list[str]:
    """Why the server could not start with these settings; a sentence each."""
    found = []
    if settings.tls.certificate is not None and settings.tls.key is not None:
        found += _tls(settings.tls.certificate, settings.tls.key)
    if is_embedded(settings.database.url):
        folder = Path(settings.database.url.removeprefix(SQLITE)).parent
        found += _folder(folder, "data_directory" if folder == settings.data_directory else "database.url")
    else:
        found += _key(settings.security.key_file)
    if settings.mail.transport == "directory" and settings.mail.directory is not None:
        found += _folder(settings.mail.directory, "mail.directory")
    if settings.profiles.certificate is not None and settings.profiles.key is not None:
        found += _profile_signer(settings.profiles.certificate, settings.profiles.key)
    return found


def radicale_file(settings: Settings) -> list[str]:
    """Why the configured Radicale file cannot be read as one; what is said in it is not looked at."""
    path = settings.radicale_config
    if path is None:
        return []
    try:
        configparser.RawConfigParser().read_string(path.read_text("utf-8"))
    except OSError as error:
        return [f"radicale_config: {path} cannot be read: {error.strerror}."]
    except UnicodeDecodeError:
        return [f"radicale_config: {path} is not UTF-8 text."]
    except configparser.Error as error:
        # ParsingError alone has a list of lines, and its subclass for a missing section header has not.
        listed = getattr(error, "errors", ())
        line = listed[0][0] if listed else getattr(error, "lineno", 1)
        return [f"radicale_config: {path} is no INI file: see line {line}."]
    return []


def _tls(certificate: Path, key: Path) -> list[str]:
    found = []
    for name, path in (("certificate", certificate), ("key", key)):
        try:
            path.read_bytes()
        except OSError as error:
            found.append(f"tls.{name}: {path} cannot be read: {error.strerror}.")
    if found:
        return found
    try:
        ssl.create_default_context(cafile=certificate)
    except ssl.SSLError:
        return [f"tls.certificate: {certificate} is not a certificate in PEM."]
    try:
        # The empty password keeps OpenSSL from asking for one at the terminal.
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key, password="")
    except ssl.SSLError:
        return [f"tls.key: {key} is not the unencrypted PEM key of {certificate}."]
    return []


def _key(path: Path | None) -> list[str]:
    """Beside PostgreSQL no key file is made: several nodes need the same."""
    if path is None:
        return ["security.key_file is needed beside PostgreSQL: make one with `openssl rand -hex 32`, mode 600."]
    if not os.access(path, os.R_OK, effective_ids=True):
        return [f"security.key_file: {path} cannot be read by the user that runs this."]
    return []


def _profile_signer(certificate: Path, key: Path) -> list[str]:
    from dav_gateway.core.profile_signature import ProfileSigner, UnfitSigner

    try:
        ProfileSigner(certificate.read_bytes(), key.read_bytes())
    except OSError as error:
        return [f"profiles: {error.filename} cannot be read: {error.strerror}."]
    except UnfitSigner as error:
        return [f"profiles: {error} ({certificate}, {key})."]
    return []


def _folder(folder: Path, name: str) -> list[str]:
    """Whether a folder can be written, or made in the nearest one that exists."""
    # os.path: what may not be looked into counts as not there, and the folder around it tells why.
    existing = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
    if not existing.is_dir():
        return [f"{name}: {existing} is not a folder."]
    if not os.access(existing, os.W_OK | os.X_OK, effective_ids=True):
        what = "cannot be written" if existing == folder else f"cannot be made: {existing} cannot be written"
        return [f"{name}: {folder} {what} by the user that runs this."]
    return []


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
    mail = settings.mail
    if mail.transport == "smtp" and mail.tls == "none" and not _is_loopback(f"//{mail.host}"):
        found.append("mail.tls is none: mails, and the password for the mail server, cross the network readable.")
    if plain and not _is_loopback(f"//{settings.listen}"):
        found.append("listen is open to the network without TLS: only a proxy should be able to reach it.")
    return found


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
