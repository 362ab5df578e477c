"""Queries over stored objects: filters, occurrences, and the parts of objects that a report asks for.

Radicale's own filter tests each condition against all components at once, knows one alarm, compares in lower case only
and answers for a whole calendar with 400 when one object is beyond it. Here an object is read into a small tree that
keeps every line as it was stored, so that parts of it go out as they came in.
"""
