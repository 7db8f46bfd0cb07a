"""The same crawl as users of other tools write it; plain scripts, run by `.venv-peers`."""
