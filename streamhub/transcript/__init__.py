"""Stage five, words and speakers: recognisers, captions and the transcript they make."""
