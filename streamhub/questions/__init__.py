"""Stage two, what is asked: questions, their votes and their way through the queue."""
