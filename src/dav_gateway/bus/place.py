"""A reader's place in the table `cut`."""

from collections.abc import Mapping, Sequence

_NOTHING: Mapping[int, str] = {}


class Place:
    """The last cut told; what the process `own` said itself is passed over, it has cut by itself.

    Told again a moment later, it would reset the connection on which the next request is just being refused.
    """

    def __init__(self, own: str, number: int) -> None:
        self._own = own
        self.number = number

    def advance(self, rows: Sequence[tuple[int, str, str]], told: Mapping[int, str] = _NOTHING) -> tuple[str, ...]:
        """Go past rows of `cuts.after`; the ids in them that others changed, each once, but for those `told` before by
        number and id."""
        if rows:
            self.number = rows[-1][0]
        new = ((seq, credential_id) for seq, credential_id, process in rows if process != self._own)
        return tuple(dict.fromkeys(credential_id for seq, credential_id in new if told.get(seq) != credential_id))
