"""A calendar object as queries look at it: its tree, its zones and its occurrences."""

from datetime import tzinfo

from dav_gateway.dav.query import tree
from dav_gateway.dav.query.occurrences import Occurrences
from dav_gateway.dav.query.zones import Zones


class CalendarObject:
    """Read from the stored text; floating times and dates are those of the zone `floating`."""

    def __init__(self, text: str, floating: tzinfo) -> None:
        self.root = tree.parse(text)
        self.zones = Zones(self.root, floating)
        self._occurrences: dict[str, Occurrences] = {}

    def occurrences(self, name: str) -> Occurrences:
        """The occurrences of its components of this name."""
        if name not in self._occurrences:
            self._occurrences[name] = Occurrences(list(self.root.inside(name)), self.zones)
        return self._occurrences[name]
