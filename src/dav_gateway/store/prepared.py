"""Statements that are sent with every request: written by SQLAlchemy once, then given to the driver as they are.

SQLAlchemy's own way looks the statement up, makes an execution context and a result for each call: a seventh of a poll,
and as much of a write. What it adds is added here: types of parameters and columns, listeners, and errors as everywhere
in this package.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, LargeBinary, Select, UpdateBase

from dav_gateway.store.failures import as_unavailable

Row = Sequence[Any]
Values = Mapping[str, object]
_Convert = Callable[[Any], Any]


class Prepared:
    """A statement that is executed past SQLAlchemy. None of its parameters expands. `values` are all parameters by
    name; every method raises StoreUnavailable."""

    def __init__(self, statement: Select[Any] | UpdateBase) -> None:
        self._statement = statement
        self._written: dict[str, Written] = {}

    def all(self, c: Connection, values: Values) -> Sequence[Row]:
        """Every row."""
        return self.written(c.dialect).execute(c, values)[0]

    def first(self, c: Connection, values: Values) -> Row | None:
        """The only row, None without one."""
        rows = self.written(c.dialect).execute(c, values)[0]
        return rows[0] if rows else None

    def change(self, c: Connection, values: Values) -> int:
        """How many rows were changed."""
        return self.written(c.dialect).execute(c, values)[1]

    def change_each(self, c: Connection, several: Iterable[Values]) -> None:
        """Execute it for each of several values."""
        self.written(c.dialect).execute_each(c, several)

    def written(self, dialect: Dialect) -> "Written":
        """The statement in the words of a dialect."""
        written = self._written.get(dialect.name)
        if written is None:
            written = self._written[dialect.name] = Written(self._statement, dialect)
        return written


class Written:
    """A statement in the words of one dialect."""

    def __init__(self, statement: Select[Any] | UpdateBase, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self.text = str(compiled)
        self._constants: dict[str, object] = {}
        self._places: Sequence[str] | None = compiled.positiontup
        # Octets are bytes for both drivers, in and out; SQLAlchemy would make bytes of them.
        for name, value in compiled.params.items():
            type_ = compiled.binds[name].type
            convert = None if isinstance(type_, LargeBinary) else type_.dialect_impl(dialect).bind_processor(dialect)
            assert convert is None or value is not None, f"{name} would have to be converted at each call"
            if value is not None:
                self._constants[name] = value if convert is None else convert(value)
        self._returns = bool(statement.exported_columns)
        self._conversions: list[tuple[int, _Convert]] = []
        for place, column in enumerate(statement.exported_columns):
            convert = column.type.dialect_impl(dialect).result_processor(dialect, None)
            if convert is not None and not isinstance(column.type, LargeBinary):
                self._conversions.append((place, convert))

    def parameters(self, values: Values) -> Any:
        """What a driver is given beside the text."""
        given = {**self._constants, **values} if self._constants else values
        return given if self._places is None else tuple([given[name] for name in self._places])

    def execute(self, c: Connection, values: Values) -> tuple[Sequence[Row], int]:
        """The rows that it returns, and how many it changed."""
        found, changed = self._run(c, self.parameters(values), many=False)
        return self.converted(found), changed

    def execute_each(self, c: Connection, several: Iterable[Values]) -> None:
        """Execute it for each of several values."""
        parameters = [self.parameters(values) for values in several]
        if len(parameters) == 1:  # executemany() of psycopg begins a pipeline
            self._run(c, parameters[0], many=False)
        else:
            self._run(c, parameters, many=True)

    def _run(self, c: Connection, parameters: Any, *, many: bool) -> tuple[Sequence[Row], int]:
        cursor = c.connection.cursor()
        try:
            for listener in c.dispatch.before_cursor_execute:
                listener(c, cursor, self.text, parameters, None, many)
            if many:
                c.dialect.do_executemany(cursor, self.text, parameters)
            else:
                c.dialect.do_execute(cursor, self.text, parameters)
            return cursor.fetchall() if self._returns else (), cursor.rowcount
        except c.dialect.loaded_dbapi.Error as error:
            if c.dialect.is_disconnect(error, None, None):
                c.invalidate(error)
            raise as_unavailable(error) or error from error
        finally:
            cursor.close()

    def converted(self, found: Sequence[Row]) -> Sequence[Row]:
        """Rows as the driver gave them with the types of the columns."""
        return [self._converted(row) for row in found] if self._conversions else found

    def _converted(self, row: Row) -> Row:
        converted = list(row)
        for place, convert in self._conversions:
            converted[place] = convert(converted[place])
        return converted
