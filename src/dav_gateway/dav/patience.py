"""How long one query may look at objects. What clients ordinarily ask the index answers; filters that it does not, over
rules that are hard to follow, are a second for an object, and a calendar may hold thousands of those."""

from time import thread_time

from dav_gateway.dav.query.expansion import TooManyOccurrences

MOST_SECONDS = 30.0
"""Of the processor's time, three times what a look at 100 000 ordinary objects takes."""


class Patience:
    """Of one request; an object is looked at inside of it. Raises TooManyOccurrences behind one that was too much."""

    def __init__(self) -> None:
        self._spent = self._began = 0.0

    def __enter__(self) -> None:
        self._began = thread_time()

    def __exit__(self, *_: object) -> None:
        self._spent += thread_time() - self._began
        if self._spent > MOST_SECONDS:
            raise TooManyOccurrences
