"""Stage six, question plus range: which stretch of the session answers which question."""
