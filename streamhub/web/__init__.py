"""The hub's web face: one file per audience, sessions, roles and live updates."""
