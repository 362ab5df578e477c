"""A program: an OpenID provider on a free port, which also refuses what its library lets pass.

The library accepts a code without PKCE; around it, an authorization without a S256 challenge and a code exchange with
another verifier are refused (RFC 7636 sections 4.4.1 and 4.6). The people are those of the JSON on standard input.
"""

import base64
import hashlib
import io
import json
import sys
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import oidc_provider_mock
from werkzeug.serving import make_server

_challenges: dict[str, str] = {}


def guarded(application: Any) -> Any:
    """The provider's WSGI application behind the checks of PKCE."""

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        def refuse() -> list[bytes]:
            start_response("400 Bad Request", [("Content-Type", "application/json")])
            return [b'{"error": "invalid_grant"}']

        query = parse_qs(environ.get("QUERY_STRING", ""))
        if environ["PATH_INFO"] == "/oauth2/authorize":
            if query.get("code_challenge_method") != ["S256"] or len(query["code_challenge"][0]) != 43:
                return refuse()

            def remember(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
                location = dict(headers).get("Location", "")
                for code in parse_qs(urlsplit(location).query).get("code", []):
                    _challenges[code] = query["code_challenge"][0]
                return start_response(status, headers, *rest)

            return application(environ, remember)
        if environ["PATH_INFO"] == "/oauth2/token":
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            environ["wsgi.input"] = io.BytesIO(body)
            form = parse_qs(body.decode())
            digest = hashlib.sha256(form.get("code_verifier", [""])[0].encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            if _challenges.pop(form["code"][0], "") != challenge:
                return refuse()
        return application(environ, start_response)

    return answer


def main() -> None:
    """Serve until standard input is closed."""
    people = [oidc_provider_mock.User(**each) for each in json.loads(sys.stdin.readline())]
    app = oidc_provider_mock.app(user_claims=people, require_nonce=True)
    server = make_server("localhost", 0, guarded(app), threaded=True)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
