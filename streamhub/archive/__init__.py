"""Stage seven, plain files and the site: the archive under `transcripts/` and what is generated from it."""
