"""Errors that cross rooms. Each says when it is raised; the edge turns it into a status and a sentence."""

from dav_gateway.core.credential import Reason


class GatewayError(Exception):
    """Base of every error of our own; `str()` is one sentence that a person can act on."""


class Refusal(GatewayError):
    """A person asked for something that the rules do not allow (exit code 1, a 4xx). Nothing was changed."""


class NotFound(Refusal):
    """The named account, credential or collection does not exist."""


class StoreUnavailable(GatewayError):
    """The database is locked, gone, full or failing. Answered 503 with Retry-After, never 401."""


class Asleep(StoreUnavailable):
    """This process does not hear of revocations, so it serves nobody. The 503 ends the connection: nothing is left to
    cut when it hears again, and the next connection may meet a process that is awake."""


class Overloaded(GatewayError):
    """More verifications are waiting than the bound allows. Answered 503 with Retry-After, never 401."""


class Fenced(GatewayError):
    """The credential died between the request's check and its commit. The transaction is rolled back."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"the credential may no longer act: {reason}")
        self.reason = reason
