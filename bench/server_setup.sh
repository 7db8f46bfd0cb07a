#!/bin/sh
# Install what `python -m bench server` compares the test server with: nginx, and wrk to ask both.
# They are Debian packages for this comparison only; nothing else here needs them. Run it as root.
# The bench starts an nginx of its own, so the service that the package may set up is not needed.
set -eu
apt-get update
apt-get install --yes --no-install-recommends nginx-light wrk
