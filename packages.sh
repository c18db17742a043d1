# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Sourced by ./up and ./check: installs what packages.debian lists, and the npm
# package that a double needs.
: "${root:?the folder of the repository}"

# packages_missing GROUP... the packages of the groups that are not here.
packages_missing() {
	local group package command
	while read -r group package command; do
		[[ " $* " == *" $group "* ]] || continue
		[ -n "$command" ] && PATH=$PATH:/usr/sbin command -v "$command" >/dev/null && continue
		dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q ' installed$' || echo "$package"
	done < <(grep -v '^#' "$root/packages.debian")
}

# packages_install GROUP... 0 when all of them are here afterwards; 1, with a
# line that says what to do, when not.
packages_install() {
	local missing
	missing=$(packages_missing "$@" | sort -u | tr '\n' ' ')
	[ -n "${missing// /}" ] || return 0
	if [ "$(id -u)" != 0 ]; then
		echo "packages are missing; as root: apt-get install --no-install-recommends $missing" >&2
		return 1
	fi
	echo "installing $missing"
	export DEBIAN_FRONTEND=noninteractive
	# shellcheck disable=SC2086 # a list of words
	if ! { apt-get -qq update && apt-get -qq -y -o Dpkg::Use-Pty=0 install --no-remove --no-install-recommends $missing; } \
		</dev/null >/dev/null; then
		echo "apt-get could not install them: $missing" >&2
		return 1
	fi
	if [[ " $missing " == *" nginx "* ]]; then
		# Debian starts a server of its own on port 80; we start ours.
		{ systemctl disable --now nginx || service nginx stop; } >/dev/null 2>&1 || true
	fi
	if [[ " $missing " == *" exim4-daemon-light "* ]]; then
		# The tests start a mail server of their own, on a port of its own.
		{ systemctl disable --now exim4 || service exim4 stop; } >/dev/null 2>&1 || true
	fi
	if [[ " $missing " == *" pgbouncer "* ]]; then
		# The same: a pooler of their own.
		{ systemctl disable --now pgbouncer || service pgbouncer stop; } >/dev/null 2>&1 || true
	fi
}

# A locked npm package of the tests, fetched when its lock changes: folder, what.
fetch_npm() {
	local folder=$root/tests/emulators/$1
	[ "$folder/node_modules/.package-lock.json" -nt "$folder/package-lock.json" ] && return
	echo "fetching $2 (npm)"
	if ! npm ci --prefix "$folder" --no-audit --no-fund --loglevel error </dev/null >/dev/null; then
		echo "npm ci failed in $folder" >&2
		return 1
	fi
	touch "$folder/node_modules/.package-lock.json"
}

fetch_telegram_double() {
	fetch_npm telegram "the Telegram double"
}

# 57 MB: what only ./check needs.
fetch_telegram_parser() {
	fetch_npm telegram_parser "Telegram's parser"
}

# 74 MB: a reader of European invoices, the same.
fetch_ubl_reader() {
	fetch_npm ubl_reader "the reader of UBL"
}
