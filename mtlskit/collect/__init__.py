"""The only windows of the house: files and sockets. They return material and conclude nothing."""
