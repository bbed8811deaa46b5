"""Bytes to messages, without a socket. Law: facts of the wire, no opinions about them.

Records, handshake messages, alerts, and a key log that opens what is sealed. `conversation` joins
them all for the two sides of a connection.
"""
