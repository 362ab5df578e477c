"""Mail and signed profiles among the settings: what belongs together, what the machine tells, what is made of it."""

import plistlib
import subprocess
from pathlib import Path
from time import monotonic, sleep

import pytest
from tests.automatic.post_office import files
from tests.config.test_mistakes import mistakes as told
from tests.system import program

from dav_gateway import bootstrap
from dav_gateway.config import Settings, load
from dav_gateway.config.checks import advice, mistakes
from dav_gateway.core.credential import Origin, Service
from dav_gateway.core.scope import Scope
from dav_gateway.service.cutter import NoConnections
from dav_gateway.service.mail.transport import Smtp


def settings(folder: Path, **values: str) -> Settings:
    return load(None, environ={f"DAV_GATEWAY_{key}": value for key, value in values.items()}, cwd=folder)[0]


@pytest.mark.parametrize(
    ("toml", "sentences"),
    [
        (
            '[mail]\ntransport = "smtp"',
            ["mail.from_address is needed to send mail.", 'mail.host is needed when mail.transport is "smtp".'],
        ),
        (
            '[mail]\ntransport = "directory"\nfrom_address = "a@b.example"',
            ['mail.directory is needed when mail.transport is "directory".'],
        ),
        (
            '[mail]\ntransport = "smtp"\nfrom_address = "a@b.example"\nhost = "x"\nuser = "u"',
            ["mail.user and mail.password must be given together."],
        ),
        (
            '[mail]\nfrom_address = "nobody"',
            ['gateway.toml: mail.from_address must be empty or an e-mail address in ASCII, not "nobody".'],
        ),
        ('[profiles]\nkey = "x"', ["profiles.certificate and profiles.key must be given together."]),
    ],
)
def test_what_belongs_together(tmp_path: Path, toml: str, sentences: list[str]) -> None:
    assert told(tmp_path, toml) == sentences


def test_the_password_may_stand_in_a_file_and_is_never_shown(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("letmein\n")
    values = {"TRANSPORT": "smtp", "FROM_ADDRESS": "a@b.example", "HOST": "mail.b.example", "USER": "u"}
    chosen = settings(tmp_path, **{f"MAIL_{key}": value for key, value in values.items()}, MAIL_PASSWORD_FILE="secret")
    post = bootstrap.post(chosen)
    assert post is not None
    assert post.transport == Smtp("mail.b.example", 587, "starttls", "u", "letmein")
    assert "letmein" not in repr((chosen, post))
    assert bootstrap.post(settings(tmp_path)) is None


def test_advice_for_readable_mail(tmp_path: Path) -> None:
    smtp = {"MAIL_TRANSPORT": "smtp", "MAIL_FROM_ADDRESS": "a@b.example", "MAIL_TLS": "none"}
    assert any("mail.tls" in each for each in advice(settings(tmp_path, **smtp, MAIL_HOST="mail.b.example")))
    assert not any("mail.tls" in each for each in advice(settings(tmp_path, **smtp, MAIL_HOST="localhost")))


def test_a_process_writes_mail_into_the_folder(tmp_path: Path) -> None:
    chosen = settings(
        tmp_path, MAIL_TRANSPORT="directory", MAIL_DIRECTORY="mail", MAIL_FROM_ADDRESS="a@b.example", COMPANY="Nogal"
    )
    assert mistakes(chosen) == []
    with bootstrap.open_services(chosen, cutter=NoConnections()) as services:
        services.accounts.add(name="ana", email="ana@b.example", by="test", language="es")
        services.issuing.issue(
            "ana", service=Service.OTHER, scopes=[Scope.CALENDARS], origin=Origin.CLI, actor="test", label="móvil"
        )
        assert not (tmp_path / "mail").exists(), "asking is not sending"
        services.start()
        try:
            until = monotonic() + 60
            while not files(tmp_path / "mail") and monotonic() < until:
                sleep(0.02)
        finally:
            services.stop()
    [message] = files(tmp_path / "mail")
    assert (message["From"], message["Subject"]) == ("Nogal <a@b.example>", "Nueva contraseña de aplicación: móvil")


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("")
    chosen = settings(tmp_path, MAIL_TRANSPORT="directory", MAIL_DIRECTORY="mail", MAIL_FROM_ADDRESS="a@b.example")
    assert mistakes(chosen) == [f"mail.directory: {tmp_path}/mail is not a folder."]


def test_the_signer_of_profiles(tmp_path: Path) -> None:
    for name in ("one", "two"):
        subprocess.run(
            [program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc",
             "-subj", "/CN=Nogal", "-keyout", f"{name}.key", "-out", f"{name}.pem"],
            cwd=tmp_path, check=True, capture_output=True,
        )  # fmt: skip
    right = settings(tmp_path, PROFILES_CERTIFICATE="one.pem", PROFILES_KEY="one.key", PUBLIC_URL="https://d.example")
    assert mistakes(right) == []
    with bootstrap.open_services(right, cutter=NoConnections()) as services:
        owner = services.accounts.add(name="ana", email="ana@b.example", by="test")
        password, credential = services.issuing.issue(
            "ana", service=Service.IPHONE, scopes=[Scope.CONTACTS], origin=Origin.PROFILE, actor="test"
        )
    signed = bootstrap.profiles(right).prepare()(owner, [(credential, password)])
    plain = bootstrap.profiles(settings(tmp_path, PUBLIC_URL="https://d.example")).prepare()(
        owner, [(credential, None)]
    )
    assert password.reveal().encode() in signed
    assert signed[:1] == b"\x30", "DER"
    assert "CardDAVPassword" not in plistlib.loads(plain)["PayloadContent"][0]
    wrong = settings(tmp_path, PROFILES_CERTIFICATE="one.pem", PROFILES_KEY="two.key")
    assert mistakes(wrong) == [
        f"profiles: the key is not that of the certificate ({tmp_path}/one.pem, {tmp_path}/two.key)."
    ]
    absent = settings(tmp_path, PROFILES_CERTIFICATE="one.pem", PROFILES_KEY="no.key")
    assert mistakes(absent) == [f"profiles: {tmp_path}/no.key cannot be read: No such file or directory."]
