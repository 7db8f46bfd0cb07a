#!/bin/sh
# Install what `python -m bench load` compares `crawl load` with: nginx, the load tools wrk, hey, ab
# (in apache2-utils) and h2load (in nghttp2-client), and npm where it is missing.
# They are Debian packages for this comparison only; nothing else here needs them. Run it as root.
# autocannon and Locust come by `make peers`. The bench starts an nginx of its own, so the service
# that the package may set up is not needed.
set -eu
npm=npm
if command -v npm > /dev/null; then npm=; fi
apt-get update
apt-get install --yes --no-install-recommends nginx-light wrk hey apache2-utils nghttp2-client $npm
