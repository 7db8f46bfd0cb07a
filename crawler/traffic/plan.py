"""What one generator process is told: whom to ask with which bytes, and its share of the load."""

import msgspec

from crawler.traffic.job import LoadOptions, Target

__all__ = ["Aim", "Plan", "share"]


class Aim(msgspec.Struct, frozen=True):
    """An origin, and the *address* that its name was looked up to and that may be asked."""

    scheme: str
    host: str
    port: int
    address: str


class Plan(msgspec.Struct, kw_only=True, frozen=True):
    """The load of process number *place* of *of*; it pickles.

    ``requests`` are the bytes for each of the ``targets``, ``aim_of`` says which of the ``aims``
    it goes to, ``bodiless`` whether its answer has no body.
    """

    options: LoadOptions
    targets: tuple[Target, ...]
    aims: tuple[Aim, ...]
    requests: tuple[bytes, ...]
    aim_of: tuple[int, ...]
    bodiless: tuple[bool, ...]
    place: int
    of: int

    @property
    def connections(self) -> int:
        """How many requests this process may have in flight."""
        return share(self.options.connections, self.place, self.of)


def share(total: int, place: int, of: int) -> int:
    """Return the part of *total* that falls to number *place* of *of*."""
    return total // of + (place < total % of)
