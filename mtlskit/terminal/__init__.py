"""The terminal's arguments and passwords; its commands are in ``__main__``."""
