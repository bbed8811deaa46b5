"""Who said what, in order: the one vocabulary for every handshake, however it was seen."""
