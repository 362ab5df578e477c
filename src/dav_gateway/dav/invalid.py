"""The error for an object that cannot be stored as it is."""


class InvalidObject(ValueError):
    """An object that its collection may not hold. `condition` is the precondition of RFC 4791 section 5.3.2.1 or
    RFC 6352 section 6.3.2.1 (`C:valid-calendar-data`); `str()` says in one sentence what is wrong with it."""

    def __init__(self, condition: str, sentence: str) -> None:
        super().__init__(sentence)
        self.condition = condition
