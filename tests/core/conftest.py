"""Hypothesis without deadlines: they measure the machine, not the code."""

from hypothesis import settings

settings.register_profile("steady", deadline=None)
settings.load_profile("steady")
