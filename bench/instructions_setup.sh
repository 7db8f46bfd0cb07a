#!/bin/sh
# Install what `python -m bench instructions` counts with: valgrind, a Debian package for this
# experiment only; nothing else here needs it. Run it as root.
set -eu
apt-get update
apt-get install --yes --no-install-recommends valgrind
