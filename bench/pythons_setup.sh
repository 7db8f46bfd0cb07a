#!/bin/sh
# Put CPython 3.14 and 3.15 of Debian's sid into .pythons/sid, in about a minute; with
# `run COMMAND`, run COMMAND in there instead, in this folder. `make exhibits-3.14` does both.
# It installs debootstrap where it is missing, and nothing else outside .pythons. Run it as root.
set -eu
elsewhere='from a package manager elsewhere: make exhibits-3.14 PYTHON_314=/path'
home=$(cd "$(dirname "$0")/.." && pwd)
sid=$home/.pythons/sid
if [ "$(id -u)" != 0 ]; then
	echo "other Pythons are set up and run as root; $elsewhere" >&2
	exit 1
fi
if ! command -v debootstrap > /dev/null && ! command -v apt-get > /dev/null; then
	echo "other Pythons come by debootstrap, on Debian; $elsewhere" >&2
	exit 1
fi
if [ "${1:-}" = run ]; then
	shift
	# In a mount namespace of its own: nothing stays mounted, however the command ends.
	exec unshare --mount sh -eu -c '
		home=$1 sid=$2
		shift 2
		mkdir -p "$sid$home"
		mount --bind "$home" "$sid$home"
		mount --rbind /proc "$sid/proc"
		mount --rbind /dev "$sid/dev"
		exec chroot "$sid" env -C "$home" "$@"' sh "$home" "$sid" "$@"
fi
if ! command -v debootstrap > /dev/null; then
	apt-get update
	apt-get install --yes --no-install-recommends debootstrap
fi
rm -rf "$sid"
mkdir -p "$sid"
debootstrap --variant=minbase --include=python3.14,python3.15 sid "$sid"
