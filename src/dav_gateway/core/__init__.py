"""What the product is: credentials, scopes, addresses, decisions. Pure: no I/O, no clock, no randomness of its own."""
