"""What the commands of `vermilion` do; `vermilion.cli` declares them and comes in by name, late.

`client` and `creating` talk to a running server like any other program. The others own the data folder.
"""
