"""What may not be seen after an app password was taken away. Pure: observations in, sentences about violations out."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

REFUSALS = frozenset({401, 403, 503})


@dataclass(frozen=True, slots=True)
class Heard:
    """One connection: octets that had arrived when the revocation was called, when it returned, and when all was over.

    `start` is what the first octets said, `answers` how many whole answers came in all.
    """

    kind: str
    at_call: int
    at_return: int
    at_end: int
    end: str | None
    start: bytes
    answers: int


@dataclass(frozen=True, slots=True)
class Stored:
    """Objects of the victim as the database shows them: name to octets; None when it could not be read."""

    at_return: Mapping[str, bytes] | None
    at_end: Mapping[str, bytes]


@dataclass
class Verdict:
    """What was counted, and a sentence for each violation."""

    octets: int = 0
    rows: int = 0
    lost: int = 0
    admitted: int = 0
    sentences: list[str] = field(default_factory=list)

    @property
    def violations(self) -> int:
        """How many promises were broken."""
        return len(self.sentences)


def judge_octets(verdict: Verdict, heard: Collection[Heard], *, still_reads: bool) -> None:
    """No octet after the return; but a connection that nobody had authenticated yet may hear that it is refused.

    `still_reads`: the app password was narrowed to reading. A connection that was made since may read, and one that had
    heard nothing when it was narrowed may have been made since.
    """
    for each in heard:
        # The kernel counts a FIN as one octet until the state tells it (see `wires.received`).
        grown = each.at_end - each.at_return - (each.at_end - each.at_return == 1 and each.end == "closed")
        if grown <= 0:
            continue
        if each.answers <= 1 and _is_refusal(each.start):
            continue
        if still_reads and each.at_call == 0:
            continue
        verdict.octets += grown
        verdict.sentences.append(
            f"{grown} octets after the return on a connection ({each.kind}) that had {each.at_return}"
            f" and began with {each.start[:20]!r}"
        )


def judge_rows(verdict: Verdict, stored: Stored) -> None:
    """No row is committed, changed or gone after the return."""
    if stored.at_return is None:
        return
    late = {name for name in stored.at_end if stored.at_return.get(name) != stored.at_end[name]}
    gone = stored.at_return.keys() - stored.at_end.keys()
    verdict.rows += len(late | gone)
    if late or gone:
        verdict.sentences.append(f"{len(late)} rows committed and {len(gone)} removed after the return")


def judge_acknowledged(
    verdict: Verdict, sent: Mapping[str, bytes], acknowledged: Collection[str], stored: Mapping[str, bytes]
) -> None:
    """Every write that was answered 2xx is there, with its octets; and nothing is there but what was sent."""
    lost = [name for name in acknowledged if stored.get(name) != sent[name]]
    torn = [name for name in stored if stored[name] != sent.get(name) and name not in lost]
    verdict.lost += len(lost) + len(torn)
    if lost or torn:
        verdict.sentences.append(f"{len(lost)} acknowledged writes are lost, {len(torn)} are other than sent")


def judge_refusals(verdict: Verdict, expected: int, statuses: Collection[int]) -> None:
    """A new request is refused, with 503 at most from a gateway that has trouble of its own."""
    wrong = [status for status in statuses if status not in (expected, 503)]
    verdict.admitted += len(wrong)
    if wrong:
        verdict.sentences.append(f"a request after the return was answered {wrong[0]} instead of {expected}")


def _is_refusal(start: bytes) -> bool:
    """Whether an answer that begins so refuses. What comes before 100 (Continue) is not known to, so it counts."""
    return start[:9] == b"HTTP/1.1 " and start[9:12].isdigit() and int(start[9:12]) in REFUSALS
