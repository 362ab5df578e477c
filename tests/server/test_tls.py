"""TLS by certificate files."""

import socket
import ssl
import subprocess
import time

import pytest

from dav_gateway.server.listen import CannotListen, tls_context


def large(_environ, start_response):
    start_response("200 OK", [])
    return [b"x" * 50_000_000]


def test_tls_1_3_is_spoken_and_cut(serve, connect, certificate):
    rig = serve(large, tls=certificate)
    context = ssl.create_default_context(cafile=str(certificate[0]))
    client = connect(rig.port, tls=context, receive_buffer=16 * 1024)
    assert client.sock.version() == "TLSv1.3"
    assert client.sock.selected_alpn_protocol() is None
    client.request()
    client.raw.recv(4096)
    time.sleep(0.3)
    assert rig.registry.cut_from_thread({"ana"})[:2] == (1, 1)
    after, end = client.drain(pause=0.002)
    assert end == "reset"
    assert after <= client.receive_buffer


def test_versions_before_1_2_are_refused(certificate):
    assert tls_context(*certificate).minimum_version == ssl.TLSVersion.TLSv1_2


def test_http_1_1_is_agreed_on(serve, connect, certificate):
    context = ssl.create_default_context(cafile=str(certificate[0]))
    context.set_alpn_protocols(["h2", "http/1.1"])
    client = connect(serve(tls=certificate).port, tls=context)
    assert client.sock.selected_alpn_protocol() == "http/1.1"
    assert client.ask().status == 200


def test_plain_http_on_the_tls_port_does_not_hurt(serve, connect, certificate, tls_client):
    rig = serve(tls=certificate)
    plain = connect(rig.port)
    plain.request()
    plain.drain()
    assert connect(rig.port, tls=tls_client).ask().status == 200


def test_a_handshake_that_never_ends_is_dropped(serve, certificate):
    rig = serve(tls=certificate, header_seconds=0.3)
    with socket.create_connection(("127.0.0.1", rig.port), timeout=5) as silent:
        assert silent.recv(1) == b""


def test_a_silent_peer_does_not_hold_a_closed_connection(serve, connect, certificate, tls_client, until):
    """It never answers close_notify: fails without the time limit on closing."""
    rig = serve(tls=certificate, idle_seconds=0.2, close_seconds=0.2)
    client = connect(rig.port, tls=tls_client)
    client.ask()
    until(lambda: not rig.server.server_state.connections, timeout=3)


def test_the_certificate_is_read_again_on_hangup(serve, connect, make_certificate, tmp_path, until):
    files = make_certificate(tmp_path)
    rig = serve(tls=files)
    old = ssl.create_default_context(cafile=str(files[0]))
    assert connect(rig.port, tls=old).ask().status == 200
    make_certificate(tmp_path)
    rig.server._hang_up(1, None)
    until(lambda: not rig.server._reload)
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(rig.port, tls=old)
    assert connect(rig.port, tls=ssl.create_default_context(cafile=str(files[0]))).ask().status == 200
    files[1].write_text("nonsense")
    rig.server._hang_up(1, None)
    until(lambda: not rig.server._reload)
    assert connect(rig.port, tls=ssl.create_default_context(cafile=str(files[0]))).ask().status == 200


@pytest.mark.parametrize("what", ["missing", "nonsense", "protected"])
def test_unusable_files_are_told_in_a_sentence(certificate, tmp_path, what):
    key = tmp_path / "key.pem"
    if what == "nonsense":
        key.write_text("nonsense")
    elif what == "protected":
        command = ["openssl", "pkey", "-in", str(certificate[1]), "-aes128", "-passout", "pass:x", "-out", str(key)]
        subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(CannotListen, match="cannot use the certificate") as caught:
        tls_context(certificate[0], key)
    assert str(key) in str(caught.value)
