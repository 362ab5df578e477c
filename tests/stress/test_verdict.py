"""Which ends of other people's connections a fault excuses: those a worker reports and a fault explains."""

import socket
from dataclasses import replace
from typing import cast

import pytest

from dav_gateway.bus.times import LEASE
from tests.stress.client import Client, begun_with, received
from tests.stress.cluster import told_cut
from tests.stress.events import Harm, Lapse, Trouble
from tests.stress.report import Result
from tests.stress.verdict import Findings
from tests.stress.wires import Wires

PORT = 80
HOLE = Harm("blackhole", PORT, began=100.0, ended=103.0)
LAPSE = Lapse(PORT, 7, "nothing was heard for 0.8 s", 2, lease_from=99.9, began=99.9 + LEASE, ended=100.75)
TROUBLE = Trouble(100.72, PORT, 4000, opened_at=90.0, end="reset", who="ana: poll")


def judged(*told: Lapse | Trouble, harms: tuple[Harm, ...] = (HOLE,), busy: bool = False) -> Result:
    result = Result("postgresql", 4, 1, 1)
    findings = Findings(
        troubles=[each for each in told if isinstance(each, Trouble)],
        lapses=[each for each in told if isinstance(each, Lapse)],
    )
    findings.sum_up(result, harms, (), busy=busy)
    return result


def test_a_lease_lost_to_a_fault_excuses_what_it_reset() -> None:
    result = judged(LAPSE, TROUBLE, replace(TROUBLE, local_port=4001))
    assert (result.violations, result.ended_by_faults, result.unmeant_lapses) == ([], 2, 0)


def test_no_more_than_the_worker_says_it_reset() -> None:
    troubles = [replace(TROUBLE, local_port=4000 + number) for number in range(3)]
    assert len(judged(LAPSE, *troubles).violations) == 1


def test_a_second_cut_for_one_lost_lease_excuses_nothing() -> None:
    again = replace(LAPSE, began=LAPSE.began + 0.05, ended=LAPSE.ended + 0.05)
    late = replace(TROUBLE, at=again.ended, opened_at=LAPSE.ended + 0.01)
    assert len(judged(LAPSE, again, late).violations) == 2


@pytest.mark.parametrize(
    "trouble",
    [
        replace(TROUBLE, at=LAPSE.began - 0.1),
        replace(TROUBLE, at=LAPSE.ended + 1.1),
        replace(TROUBLE, at=101.0, opened_at=100.9),  # since the cut: it can have been served nothing
        replace(TROUBLE, end="silent"),
        replace(TROUBLE, port=81),
    ],
)
def test_what_the_cut_cannot_have_ended_needs_another_reason(trouble: Trouble) -> None:
    assert len(judged(LAPSE, trouble).violations) == 1


def test_a_fault_alone_excuses_nothing() -> None:
    """A worker that resets connections says so."""
    assert len(judged(TROUBLE).violations) == 1


@pytest.mark.parametrize(
    "harm",
    [
        replace(HOLE, port=81),
        replace(HOLE, kind="kill", local_ports=frozenset({1})),
        replace(HOLE, kind="clock", local_ports=frozenset()),
        replace(HOLE, began=LAPSE.began + 0.1),
        replace(HOLE, began=90.0, ended=LAPSE.lease_from - 0.1),  # all was well when the last lease began
    ],
)
def test_a_lease_lost_without_a_fault_that_costs_one_is_a_violation(harm: Harm) -> None:
    result = judged(LAPSE, TROUBLE, harms=(harm,))
    assert result.unmeant_lapses == 1
    assert len(result.violations) == 2
    assert judged(LAPSE, TROUBLE, harms=(harm,), busy=True).violations == []


def test_a_worker_that_is_expelled_with_a_lease_in_hand_is_a_violation_in_any_fault() -> None:
    expelled = replace(LAPSE, why="a revocation stopped waiting for this process", began=LAPSE.began - 0.3)
    for busy in (False, True):
        assert len(judged(expelled, replace(TROUBLE, at=expelled.ended), busy=busy).violations) == 2


def test_the_end_of_a_process_excuses_its_own_connections() -> None:
    killed = Harm("kill", PORT, began=100.7, ended=101.0, local_ports=frozenset({4000}))
    assert judged(TROUBLE, harms=(killed,)).violations == []
    assert len(judged(replace(TROUBLE, local_port=4001), harms=(killed,)).violations) == 1


def test_what_the_log_says() -> None:
    told = (
        b"[error    ] every authenticated connection is cut: nothing was heard for 0.8 s (process 23177, connections 4,"
        b" answering 1, lease from boot time 34897.739, cut from 34898.561 to 34898.562)\n"
    )
    lapse = told_cut(told, PORT)
    assert lapse is not None
    assert (lapse.port, lapse.process, lapse.connections) == (PORT, 23177, 4)
    assert lapse.began - lapse.lease_from == pytest.approx(0.822)
    assert lapse.ended - lapse.began == pytest.approx(0.001)
    assert told_cut(b"the database is followed again (process 1, boot time 2.000)", PORT) is None


class _NoThread:
    """Wires that do nothing by themselves."""

    def watch(self, client: Client, mask: int) -> None: ...

    def forget(self, client: Client) -> None: ...


def test_a_client_that_is_sending_hears_the_refusal_before_a_reset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = Client(server.getsockname()[1])
        client.wires, client._open = cast("Wires", _NoThread()), True
        client.socket.setblocking(True)
        client.socket.connect(server.getsockname())
        accepted, _ = server.accept()
        client.send(b"a piece of a body that nobody reads")
        accepted.sendall(b"HTTP/1.1 401 Unauthorized\r\n\r\n")
        accepted.close()  # with octets unread: a reset
        while client.end is None:
            client.send(b"more")
    assert client.end == "reset"
    assert client.heard == b"HTTP/1.1 401"
    client.close()


def test_what_the_kernel_has_counted_is_looked_at_before_it_is_read() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = Client(server.getsockname()[1])
        client.wires = cast("Wires", _NoThread())
        client.socket.setblocking(True)
        client.socket.connect(server.getsockname())
        client.socket.setblocking(False)
        assert begun_with(client) == b""
        accepted, _ = server.accept()
        accepted.sendall(b"HTTP/1.1 401 Unauthorized\r\n\r\n")
        while not received(client.socket):
            pass
        assert [begun_with(client), begun_with(client)] == [b"HTTP/1.1 401"] * 2
        assert client.socket.recv(100).startswith(b"HTTP/1.1 401"), "nothing was taken"
        accepted.close()
    client.close()
