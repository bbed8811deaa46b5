"""The terminal's commands, one file each; `door` lists them."""
