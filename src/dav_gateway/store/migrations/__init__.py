"""How the tables came to be: one Alembic revision after the other, run by `store.migration`.

A revision is never edited once it was released; it says what to do in its own words and imports no table of ours.
"""
