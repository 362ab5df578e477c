"""What a campaign plays on: a database, its nodes, the wires and clocks that faults touch, and the people."""

import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from dav_gateway.core.credential import Origin, Service
from dav_gateway.core.scope import Scope
from dav_gateway.core.verifier import SCHEMES
from dav_gateway.service.services import Services, assemble
from dav_gateway.store import collections, objects
from dav_gateway.store.database import open_database
from dav_gateway.store.objects import NewObject
from tests.stress import messages
from tests.stress.blackhole import Blackhole
from tests.stress.bystanders import Person
from tests.stress.cluster import Node
from tests.stress.stores import PostgresStore, SqliteStore, store

PEOPLE_PER_NODE = 4
SKEWED = Path(__file__).parent / "skewed"


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that is up. `holes` and `clocks` are one for each node, or none."""

    store: SqliteStore | PostgresStore
    nodes: list[Node]
    holes: list[Blackhole]
    clocks: list[Path]


@contextmanager
def stage(engine: str, *, workers: int, nodes: int, faults: tuple[str, ...], in_memory: bool) -> Iterator[Stage]:
    """All of it running; afterwards all of it gone."""
    with ExitStack() as stack:
        folder, opened = stack.enter_context(store(engine, in_memory=in_memory))
        holes = []
        if isinstance(opened, PostgresStore) and "blackhole" in faults:
            holes = [Blackhole(opened.socket_path) for _ in range(nodes)]
        for hole in holes:
            stack.callback(hole.close)
        clocks = [make_clock(folder / f"clock{place}") for place in range(nodes)] if "clock" in faults else []
        made = []
        for place in range(nodes):
            url = holes[place].url() if holes else opened.url
            node = Node(f"node{place}", folder, url, workers)
            if clocks:
                node.environment = {**node.environment, **clock_settings(clocks[place])}
            node.start()
            stack.callback(node.kill)
            made.append(node)
        yield Stage(opened, made, holes, clocks)


def make_clock(file: Path) -> Path:
    """A file that `faults.set_clock` moves, at the right time."""
    file.write_bytes(struct.pack("q", 0))
    return file


def clock_settings(clock: Path) -> dict[str, str]:
    """The environment of a node that looks at this clock."""
    return {"STRESS_CLOCK": str(clock), "PYTHONPATH": str(SKEWED)}


def populate(on: Stage, lanes: int) -> tuple[list[str], tuple[Person, ...]]:
    """The names of an account for each lane, and four people for each node; all accounts hold large objects."""
    database = open_database(on.store.url)
    try:
        services = assemble(database, profile=SCHEMES["blake2b"])
        names = [f"lane{number}" for number in range(lanes)]
        crowds = [f"people{place}" for place in range(len(on.nodes))]
        for name in (*names, *crowds):
            _add(services, name)
        people = [
            Person(crowd, _authorization(services, crowd), node.port, f"{crowd}-{number}")
            for crowd, node in zip(crowds, on.nodes, strict=True)
            for number in range(PEOPLE_PER_NODE)
        ]
    finally:
        database.dispose()
    return names, tuple(people)


def _add(services: Services, name: str) -> None:
    account = services.accounts.add(name=name, email=f"{name}@example.org", by="stress")
    services.accounts.provision(account)
    with services.database.write() as connection:
        calendar = collections.find(connection, account.id, Scope.CALENDARS, "calendar")
        assert calendar is not None
        for large, size in messages.LARGE.items():
            octets = messages.event(large, size)
            objects.put(connection, calendar.id, NewObject(large, large, "VEVENT", octets), services.clock())


def _authorization(services: Services, account: str) -> str:
    password, _ = services.issuing.issue(
        account, service=Service.OTHER, scopes={Scope.CALENDARS}, origin=Origin.CLI, actor="stress"
    )
    return messages.basic(account, password.reveal())
