"""Word forms: what German and English words have in common with each other. Knows no archive, no index, no question."""
