"""SQL and rows only: every statement of the project is in this package, once for SQLite and PostgreSQL."""
