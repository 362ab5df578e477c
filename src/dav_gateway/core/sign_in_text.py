"""A sign-in as text and back, for whoever keeps it between two requests (a row of a web session)."""

import json

from dav_gateway.core.moment import Moment
from dav_gateway.core.sign_in import Proof, SignIn, SignInReason, Stage


def dump(sign_in: SignIn) -> str:
    """Compact JSON. It holds no secret, but belongs on the server: whoever could write it would be signed in."""
    return json.dumps(
        {
            "stage": sign_in.stage.value,
            "account": sign_in.account_id,
            "proofs": sorted(proof.value for proof in sign_in.proofs),
            "since": sign_in.since,
            "proved": sign_in.proved_at,
            "reason": None if sign_in.reason is None else sign_in.reason.value,
        },
        separators=(",", ":"),
    )


def load(text: str) -> SignIn:
    """The sign-in of `dump`. Raises ValueError for anything else."""
    try:
        values = json.loads(text)
        reason = values["reason"]
        return SignIn(
            stage=Stage(values["stage"]),
            account_id=_whole(values["account"]),
            proofs=frozenset(Proof(word) for word in values["proofs"]),
            since=_moment(values["since"]),
            proved_at=_moment(values["proved"]),
            reason=None if reason is None else SignInReason(reason),
        )
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError("this is no sign-in") from error


def _whole(value: object) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise ValueError("this is no whole number")
    return value


def _moment(value: object) -> Moment | None:
    number = _whole(value)
    return None if number is None else Moment(number)
