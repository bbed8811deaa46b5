"""From findings to causes: measured habits of real servers, and how sure one can be."""
