"""What a lane looks at: the rows of a victim in the database, and what new requests are answered."""

import time
from collections.abc import Collection
from multiprocessing.connection import Connection

from dav_gateway.core.errors import StoreUnavailable
from dav_gateway.core.scope import Scope
from dav_gateway.service.services import Services
from dav_gateway.store import collections, objects
from tests.stress import messages
from tests.stress.asking import ask
from tests.stress.events import Trouble
from tests.stress.victims import Victim
from tests.stress.ways import PATIENCE, Way


class Look:
    """At one account."""

    def __init__(self, services: Services, account_name: str, tell: Connection) -> None:
        """`tell` takes messages of `events`."""
        self._services, self._tell = services, tell
        account = services.accounts.get(account_name)
        with services.database.read() as connection:
            calendar = collections.find(connection, account.id, Scope.CALENDARS, "calendar")
        assert calendar is not None
        self._calendar = calendar.id

    def stored(self, names: Collection[str]) -> dict[str, bytes] | None:
        """Those of these objects that are stored, with their octets; None when the database does not answer."""
        try:
            with self._services.database.read() as connection:
                return {each.name: each.octets for each in objects.get_many(connection, self._calendar, names)}
        except StoreUnavailable:
            return None

    def stored_surely(self, names: Collection[str]) -> dict[str, bytes]:
        """The same, however long it takes. Raises TimeoutError."""
        deadline = time.monotonic() + PATIENCE
        while (stored := self.stored(names)) is None:
            if time.monotonic() > deadline:
                raise TimeoutError("the database does not come back")
            time.sleep(0.05)
        return stored

    def ask_anew(
        self, way: Way, victim: Victim, returned: float, ports: Collection[int]
    ) -> tuple[Collection[int], float | None]:
        """The statuses of new requests on new connections to these ports, and how long after the return the first was
        refused."""
        if way.still_reads:
            late = f"{victim.id}-late.ics"
            request = messages.put(victim.account, victim.authorization, late, messages.event(late))
        else:
            request = messages.poll(victim.account, victim.authorization)
        statuses = []
        refused_after = None
        for port in ports:
            reply = ask(port, request)
            if not reply.status:
                reply = ask(port, request)  # as clients do
            if reply.status:
                statuses.append(reply.status)
                if refused_after is None and reply.status == way.refusal:
                    refused_after = time.monotonic() - returned
            else:
                now, who = time.monotonic(), "a refused request"
                self._tell.send(Trouble(now, port, reply.local_port, reply.asked_at, reply.end, who))
        return statuses, refused_after
