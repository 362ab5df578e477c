"""An example company of three people, so that a first start has something to sync.

Everything in it is written by this project in the shapes that real clients send: see `templates` for the objects and
`people` for the company, `filling` for how they get into a database.
"""

from dav_gateway.example.filling import fill
from dav_gateway.example.people import COMPANY, Person, people
from dav_gateway.example.templates import objects

__all__ = ["COMPANY", "Person", "fill", "objects", "people"]
