"""Other tools that call the same endpoint: what they would send, beside what the instance sends."""
