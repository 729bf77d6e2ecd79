"""The rehearsal recogniser: its sentences, its training, its measurement."""
