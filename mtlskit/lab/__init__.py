"""Broken endpoints on loopback, made anew at each start."""
