"""Finds out why a mutual-TLS connection fails, proves it, and says who must act."""
