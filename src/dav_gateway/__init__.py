"""dav-gateway: app passwords that open scoped calendars and contacts, and end the moment they are deleted."""

__version__ = "0.1.0"
