"""Use cases: issue, verify, revoke, rotate; accounts, the company directory, what the owner sees of use and refusal."""
