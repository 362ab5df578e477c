"""Mail to the owners of accounts: asked for in the transaction of the event, sent in the background, never a secret."""
