"""What a worker carries: nothing that hardly any worker needs, and nothing that it could share with the others."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

# Each megabyte stands in every worker, each module in every start. A first passkey, sign-in or upgrade imports its own.
RARE = {
    "alembic", "mako",  # migrations
    "webauthn", "OpenSSL", "cbor2",  # passkeys
    "authlib", "joserfc", "requests",  # single sign-on
    "cryptography.x509",  # signed profiles, certificates of passkeys
    "segno",  # QR codes
    "httpx", "pytest", "matplotlib",
}  # fmt: skip

LOOK = """
import json, sys
import dav_gateway.cli
from dav_gateway.cli.correctness import require_correct
from dav_gateway.serving import build_server, preload
from dav_gateway.config import load
settings, _ = load(None)
require_correct(settings)
preload(settings)
shared = set(sys.modules)
with build_server(settings) as server:
    server.services.start()
    server.services.stop()
    print(json.dumps([sorted(shared), sorted(set(sys.modules) - shared)]))
"""


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_a_worker_imports_nothing_that_it_could_share_and_nothing_rare(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    key = tmp_path / "gateway.key"
    key.write_text("ab" * 32)
    key.chmod(0o600)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DAV_GATEWAY_")} | {
        "DAV_GATEWAY_DATABASE_URL": request.getfixturevalue(f"{engine}_url"),
        "DAV_GATEWAY_SECURITY_KEY_FILE": str(key),
        "DAV_GATEWAY_LISTEN": "127.0.0.1:8765",
    }
    done = subprocess.run(
        [sys.executable, "-c", LOOK], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    shared, own = json.loads(done.stdout)
    assert own == []
    rare = RARE | {"psycopg"} if engine == "sqlite" else RARE
    assert not rare & set(shared)
