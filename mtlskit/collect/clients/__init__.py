"""Other people's clients, each making the same attempt: openssl, curl, Java, GnuTLS, Node, Python.

Law of this room: a secret reaches a client by a file that the owner alone may read, in a folder
that is removed, or by its standard input; never by an argument or the environment. Each client has
a deadline and is ended by its number, with its children.
"""
