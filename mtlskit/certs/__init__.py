"""DER to facts: certificates, key stores, names and paths, without a socket or a clock."""
