"""The quick lane of the rig's gateway, asked as the server asks it."""

import asyncio
import io
from typing import Any

from dav_gateway.core.scope import Scope
from tests.dav.random_requests import TOKEN, plain
from tests.dav.support import Reply, Rig

CALENDAR = "/dav/ana/calendars/calendar/"
POLL = {"method": "PROPFIND", "path": CALENDAR, "body": TOKEN, "depth": "0", "login": "ana"}


def quickly(
    rig: Rig, asked: dict[str, Any], runner: asyncio.Runner | None = None
) -> tuple[int, dict[str, str], bytes] | None:
    """What the quick lane says to this request, which the server would have handed to it; in the event loop of `runner`
    where a database is waited for."""
    environs: list[dict[str, Any]] = []

    def note(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        environs.append({**environ, "wsgi.input": io.BytesIO(asked["body"])})
        start_response("200 OK", [])
        return []

    rig.request(**asked, call=note)
    if runner is None:
        answer = rig.gateway.quick(environs[0])
    else:
        coming = rig.gateway.soon(environs[0])
        answer = None if coming is None else runner.run(coming)
    if answer is None:
        return None
    status, headers, body, _ = answer
    return plain(Reply(int(status), dict(headers), body or b""))


def until_connected(rig: Rig, runner: asyncio.Runner) -> None:
    """The loop's connection is opened by the side, at the first request that could have used it."""
    asked = {**POLL, "password": rig.password({Scope.CALENDARS})}
    for _ in range(500):
        rig.request(**asked)
        if quickly(rig, asked, runner) is not None:
            return
        runner.run(asyncio.sleep(0.01))
    raise AssertionError("there is no connection")
