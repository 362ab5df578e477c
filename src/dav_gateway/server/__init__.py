"""Sockets, TLS, limits and who is connected under which credential. Knows ASGI and WSGI, not DAV.

The order of reading: `limits`, `connection`, `registry` (what a cut is), `protocol` (what a request may look like),
`bridge` (how one reaches the WSGI application), `front` (which part answers), `serve` (start and stop).
"""
