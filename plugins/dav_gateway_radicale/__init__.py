"""Radicale plug-ins of dav-gateway, named in config/radicale.ini: auth, rights, storage and web.

They are the only classes that extend Radicale's plug-in bases, and thin: each turns one of Radicale's questions into
one of ours.
"""
