"""The JSON API for portals that have a profile page of their own: the use cases of the page, with an API key."""
