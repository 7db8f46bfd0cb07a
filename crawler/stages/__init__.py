"""The steps of a page: fetch, decode, parse, digest, analyse, write; none knows who runs it."""
