#!/usr/bin/env bash
# Brings what the tests use beside Python: memcached, a Redis server of the distribution, a browser.
# Installs only as root on a machine with apt; anywhere else the tests that need them skip and say so.
# What cannot be had is a warning, and an error only with CI=true, where no test may skip for it.
set -euo pipefail

wanted=()
command -v memcached >/dev/null || wanted+=(memcached)
command -v redis-server >/dev/null || wanted+=(redis-server)
command -v chromium >/dev/null || wanted+=(chromium)
[ ${#wanted[@]} -eq 0 ] && exit 0

without() {
  echo "$1: ${wanted[*]}; the tests that need them will skip" >&2
  [ "${CI:-}" != true ] || exit 1
  exit 0
}

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  without "not on this machine"
fi

echo "installing for the tests: ${wanted[*]}"
export DEBIAN_FRONTEND=noninteractive
# Debian starts a server that it installs: the tests start their own, on ports of their own.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  draft=$(mktemp)
  trap 'rm -f "$draft" "$policy"' EXIT
  trap 'exit 130' INT TERM HUP
  printf '#!/bin/sh\nexit 101\n' >"$draft"
  install -m 755 "$draft" "$policy"
fi
apt=(apt-get -qq -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20)
# An update that fails for one mirror may still have brought what is wanted.
"${apt[@]}" update || echo "apt-get update failed" >&2
"${apt[@]}" install -y --no-install-recommends "${wanted[@]}" >/dev/null || without "could not be installed"
