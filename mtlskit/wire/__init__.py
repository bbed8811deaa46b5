"""Bytes to messages, without a socket: the TLS record layer, its messages, and a key log that opens them."""
