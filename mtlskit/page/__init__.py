"""A press that knows nothing of TLS: blocks in; text, HTML and Markdown out."""
