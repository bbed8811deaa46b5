"""The forms of the guided notebooks: they collect input, call one function and show its answer."""
