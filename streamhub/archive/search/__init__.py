"""The static search index of the archive: plain files, written once, asked by a browser or by Python."""
