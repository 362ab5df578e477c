"""CalDAV and CardDAV: Radicale's application extended in one place, with answers shaped by the credential."""
