"""Logs of every kind, read into the one vocabulary of events.

Law of this room: foreign phrases are data, each with a sample line and where it was seen; the code
only reads them. What a text does not carry is None or hidden, never a guess.
"""
