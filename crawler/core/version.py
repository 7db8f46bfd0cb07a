"""The version of the program, written down once."""

__all__ = ["VERSION", "user_agent"]

VERSION = "0.1.0"


def user_agent() -> str:
    """Return the name this program gives itself."""
    return f"crawl/{VERSION}"
