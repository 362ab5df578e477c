"""Apple profiles, key by key; signatures as openssl sees them."""

import plistlib
import subprocess
from pathlib import Path
from uuid import UUID

import pytest
from tests.system import program

from dav_gateway.core import apple_profile
from dav_gateway.core.apple_profile import DavAccount
from dav_gateway.core.profile_signature import ProfileSigner, UnfitSigner
from dav_gateway.core.scope import Scope

URL = "https://dav.example.com"
CALENDARS = DavAccount(Scope.CALENDARS, "k7mqx", "ana", "Nogal: calendar", "k7mqx-3f9tb-x2wne-hd4r8-6pzay")
CONTACTS = DavAccount(Scope.CONTACTS, "p2w8c", "ana", "Nogal: contacts", "p2w8c-00000-00000-00000-00000")


def read(*accounts: DavAccount, url: str = URL) -> dict[str, object]:
    return plistlib.loads(apple_profile.build(accounts, public_url=url, title="Nogal"))


def test_every_key_of_a_profile_with_two_passwords() -> None:
    profile = read(CALENDARS, CONTACTS)
    content = profile.pop("PayloadContent")
    assert isinstance(content, list)
    outer = UUID(str(profile.pop("PayloadUUID")))
    assert profile == {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadIdentifier": "com.example.dav.app-password.k7mqx.p2w8c",
        "PayloadDisplayName": "Nogal",
        "PayloadRemovalDisallowed": False,
    }
    uuids = {outer, *(UUID(each.pop("PayloadUUID")) for each in content)}
    assert len(uuids) == 3
    assert content == [
        {
            "PayloadType": "com.apple.caldav.account",
            "PayloadVersion": 1,
            "PayloadIdentifier": "com.example.dav.app-password.k7mqx.calendars",
            "PayloadDisplayName": "Nogal: calendar",
            "CalDAVAccountDescription": "Nogal: calendar",
            "CalDAVHostName": "dav.example.com",
            "CalDAVPort": 443,
            "CalDAVUseSSL": True,
            "CalDAVPrincipalURL": "/dav/ana/",
            "CalDAVUsername": "ana",
            "CalDAVPassword": "k7mqx-3f9tb-x2wne-hd4r8-6pzay",
        },
        {
            "PayloadType": "com.apple.carddav.account",
            "PayloadVersion": 1,
            "PayloadIdentifier": "com.example.dav.app-password.p2w8c.contacts",
            "PayloadDisplayName": "Nogal: contacts",
            "CardDAVAccountDescription": "Nogal: contacts",
            "CardDAVHostName": "dav.example.com",
            "CardDAVPort": 443,
            "CardDAVUseSSL": True,
            "CardDAVPrincipalURL": "/dav/ana/",
            "CardDAVUsername": "ana",
            "CardDAVPassword": "p2w8c-00000-00000-00000-00000",
        },
    ]


def test_without_a_password_the_key_is_absent() -> None:
    [payload] = read(DavAccount(Scope.CONTACTS, "k7mqx", "ana", "Contacts"))["PayloadContent"]  # type: ignore[attr-defined, misc]
    assert "CardDAVPassword" not in payload
    assert payload["CardDAVUsername"] == "ana"


def test_the_same_credential_replaces_and_another_does_not() -> None:
    assert read(CALENDARS) == read(CALENDARS)
    other = DavAccount(Scope.CALENDARS, "zzzzz", "ana", "Nogal: calendar")
    for key in ("PayloadIdentifier", "PayloadUUID"):
        assert read(CALENDARS)[key] != read(other)[key]
    assert read(CALENDARS)["PayloadUUID"] != read(CALENDARS, url="https://dav.example.org")["PayloadUUID"]


@pytest.mark.parametrize(
    ("url", "host", "port", "tls", "identifier"),
    [
        ("http://dav.example.com:8765", "dav.example.com", 8765, False, "com.example.dav.8765.app-password.k7mqx"),
        ("http://127.0.0.1", "127.0.0.1", 80, False, "127-0-0-1.app-password.k7mqx"),
        ("https://[::1]:8443", "::1", 8443, True, None),
    ],
)
def test_addresses(url: str, host: str, port: int, tls: bool, identifier: str | None) -> None:
    profile = read(CALENDARS, url=url)
    [payload] = profile["PayloadContent"]  # type: ignore[attr-defined, misc]
    assert (payload["CalDAVHostName"], payload["CalDAVPort"], payload["CalDAVUseSSL"]) == (host, port, tls)
    assert type(payload["CalDAVPort"]) is int
    if identifier:
        assert profile["PayloadIdentifier"] == identifier


def test_a_profile_has_each_scope_once() -> None:
    for accounts in ((), (CALENDARS, CALENDARS)):
        with pytest.raises(ValueError, match="each once"):
            read(*accounts)


@pytest.fixture(params=["ec", "rsa"])
def signing(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder with `cert.pem` and `key.pem`."""
    kind = ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"] if request.param == "ec" else ["rsa:2048"]
    subprocess.run(
        [program("openssl"), "req", "-x509", "-newkey", *kind, "-noenc", "-subj", "/CN=Nogal", "-days", "2",
         "-addext", "extendedKeyUsage=emailProtection", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    return tmp_path


def test_openssl_verifies_the_signature(signing: Path) -> None:
    signer = ProfileSigner((signing / "cert.pem").read_bytes(), (signing / "key.pem").read_bytes())
    profile = apple_profile.build([CALENDARS], public_url=URL, title="Nogal")
    (signing / "profile").write_bytes(signer.sign(profile))
    verify = [
        program("openssl"),
        "cms",
        "-verify",
        "-inform",
        "DER",
        "-in",
        "profile",
        "-CAfile",
        "cert.pem",
        "-binary",
    ]
    done = subprocess.run(verify, cwd=signing, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, profile), done.stderr
    forged = (signing / "profile").read_bytes().replace(b"6pzay", b"6pzax")
    (signing / "profile").write_bytes(forged)
    assert subprocess.run(verify, cwd=signing, capture_output=True, check=False).returncode != 0


def test_a_key_of_another_certificate_is_refused(signing: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    certificate, key = (signing / "cert.pem").read_bytes(), (signing / "key.pem").read_bytes()
    subprocess.run(
        [program("openssl"), "genrsa", "-out", "other.pem", "2048"], cwd=signing, check=True, capture_output=True
    )
    for bad in ((certificate, (signing / "other.pem").read_bytes()), (b"x", key), (certificate, b"x")):
        with pytest.raises(UnfitSigner):
            ProfileSigner(*bad)
    assert "BEGIN" not in repr(ProfileSigner(certificate, key))
