"""The people of the example company, Estudio Nogal: who they are, not what they keep.

Domains are from RFC 2606 (`.example`), the German and French numbers from the ranges that the regulators keep for
fiction, so that nothing here reaches anybody.
"""

from dataclasses import dataclass

COMPANY = "Estudio Nogal"


@dataclass(frozen=True, slots=True)
class Person:
    """What `account add` and `account set` need to know of a person."""

    name: str
    email: str
    display_name: str
    language: str
    phones: tuple[str, ...]
    title: str
    department: str
    admin: bool = False


PEOPLE = (
    Person(
        name="ana",
        email="ana@nogal.example",
        display_name="Ana Ruiz Peña",
        language="es",
        phones=("+34 600 000 101", "+34 910 000 110"),
        title="Directora",
        department="Dirección",
        admin=True,
    ),
    Person(
        name="ben",
        email="ben@nogal.example",
        display_name="Ben Hofmann",
        language="en",
        phones=("+49 30 23125 014",),
        title="Joiner and workshop lead",
        department="Workshop",
    ),
    Person(
        name="carla",
        email="carla@nogal.example",
        display_name="Carla Moreau",
        language="en",
        phones=("+33 6 39 98 12 12", "+33 1 99 00 45 45"),
        title="Interior designer",
        department="Design",
    ),
)


def people() -> list[Person]:
    """The three people, the administrator first."""
    return list(PEOPLE)
