"""The version of the program, written down once."""

__all__ = ["VERSION"]

VERSION = "0.1.0"
