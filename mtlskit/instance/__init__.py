"""Exports of an instance's settings, and what they mean for an outbound call."""
