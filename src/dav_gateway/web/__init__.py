"""The page: what a person sees in a browser. Server-rendered; it works without JavaScript and is better with it."""
