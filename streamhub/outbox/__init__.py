"""The outbox: every mail is a draft that can be read, until a person or a rule sends it."""
