"""Stage four, the media and the clock: segments, the finished recording and its clock map."""
