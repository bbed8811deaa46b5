"""Evidence to findings: one small unit a rule."""
