"""Statements that are sent with every request: written by SQLAlchemy once, then given to the driver as they are.

SQLAlchemy's own way looks the statement up, makes an execution context and a result for each call: a seventh of a poll.
What it adds is added here: types of parameters and columns, listeners, and errors as everywhere in this package.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, LargeBinary, Select

from dav_gateway.store.failures import as_unavailable

Row = Sequence[Any]
_Convert = Callable[[Any], Any]


class Prepared:
    """A SELECT that is executed past SQLAlchemy. None of its parameters expands."""

    def __init__(self, statement: Select[Any]) -> None:
        self._statement = statement
        self._written: dict[str, Written] = {}

    def all(self, c: Connection, values: Mapping[str, object]) -> Sequence[Row]:
        """Every row. `values`: all parameters by name. Raises StoreUnavailable."""
        return self.written(c.dialect).rows(c, values)

    def written(self, dialect: Dialect) -> "Written":
        """The statement in the words of a dialect."""
        written = self._written.get(dialect.name)
        if written is None:
            written = self._written[dialect.name] = Written(self._statement, dialect)
        return written

    def first(self, c: Connection, values: Mapping[str, object]) -> Row | None:
        """The only row, None without one. Raises StoreUnavailable."""
        rows = self.all(c, values)
        return rows[0] if rows else None


class Written:
    """A statement in the words of one dialect."""

    def __init__(self, statement: Select[Any], dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self.text = str(compiled)
        self._constants: dict[str, object] = {}
        self._places: Sequence[str] | None = compiled.positiontup
        for name, value in compiled.params.items():
            convert = compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)
            assert convert is None or value is not None, f"{name} would have to be converted at each call"
            if value is not None:
                self._constants[name] = value if convert is None else convert(value)
        self._conversions: list[tuple[int, _Convert]] = []
        for place, column in enumerate(statement.selected_columns):
            convert = column.type.dialect_impl(dialect).result_processor(dialect, None)
            # Both drivers give octets as bytes; SQLAlchemy would make bytes of them.
            if convert is not None and not isinstance(column.type, LargeBinary):
                self._conversions.append((place, convert))

    def parameters(self, values: Mapping[str, object]) -> Mapping[str, object] | Sequence[object]:
        """What a driver is given beside the text."""
        given = {**self._constants, **values} if self._constants else values
        return given if self._places is None else tuple([given[name] for name in self._places])

    def rows(self, c: Connection, values: Mapping[str, object]) -> Sequence[Row]:
        parameters = self.parameters(values)
        cursor = c.connection.cursor()
        try:
            for listener in c.dispatch.before_cursor_execute:
                listener(c, cursor, self.text, parameters, None, False)  # noqa: FBT003 - the event's
            cursor.execute(self.text, parameters)
            found: Sequence[Row] = cursor.fetchall()
        except c.dialect.loaded_dbapi.Error as error:
            if c.dialect.is_disconnect(error, None, None):
                c.invalidate(error)
            raise as_unavailable(error) or error from error
        finally:
            cursor.close()
        return self.converted(found)

    def converted(self, found: Sequence[Row]) -> Sequence[Row]:
        """Rows as the driver gave them with the types of the columns."""
        return [self._converted(row) for row in found] if self._conversions else found

    def _converted(self, row: Row) -> Row:
        converted = list(row)
        for place, convert in self._conversions:
            converted[place] = convert(converted[place])
        return converted
