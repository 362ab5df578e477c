"""The revocation bus: how processes on one database tell each other of cuts, and know that they were carried out."""
