"""YouTube as a live platform."""
