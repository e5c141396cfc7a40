# shellcheck shell=bash
# Shared by the scripts of this folder: where things are, how they tell what they do.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Everything that a script here makes goes below this folder; it may be deleted at any time.
# shellcheck disable=SC2034  # read by the scripts that source this file
cache=$root/deploy/.cache
# sudo resets PATH; Go's own installer puts it here.
PATH=$PATH:/usr/local/go/bin:/usr/local/bin

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' off=$'\e[0m'; else bold='' dim='' off=''; fi

say()  { printf '%s==>%s %s\n' "$bold" "$off" "$*"; }
note() { printf '    %s%s%s\n' "$dim" "$*" "$off"; }
die()  { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

need_root() { [ "$(id -u)" = 0 ] || die "this needs root for packages, namespaces and cgroups. Run it with sudo: sudo $0"; }

# need TOOL SENTENCE: the tool must be there; the sentence says how to get it.
need() { command -v "$1" >/dev/null || die "$1 is missing. $2"; }

# quietly LOG COMMAND…: run it; show its output only where it fails.
quietly() {
	local log=$1; shift
	if ! "$@" >"$log" 2>&1; then
		tail -n 40 "$log" >&2
		die "'$*' failed; all of its output is in $log"
	fi
}

# packages NAME…: install those Debian packages that are missing.
packages() {
	local missing=() p
	for p in "$@"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing+=("$p")
	done
	[ ${#missing[@]} = 0 ] && return
	say "Installing packages: ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	quietly "$cache/apt.log" apt-get update
	quietly "$cache/apt.log" apt-get install -y --no-install-recommends "${missing[@]}"
}

# digest PATH…: one hash of the names and contents of all files below the paths.
digest() {
	(cd "$root" && find "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16)
}
