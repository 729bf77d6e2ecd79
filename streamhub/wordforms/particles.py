"""What parts from German verbs: ``ein`` in "Wie richte ich den Router ein?"."""

VERB_PREFIXES = (
    "ab|an|auf|aus|bei|bereit|durch|ein|fest|fort|frei|her|heraus|herein|herunter|hin|hinzu|hoch|los|mit|nach|runter|"
    "um|vor|weg|weiter|zu|zuruck|zusammen"
)
"""Folded, as a regular expression."""
