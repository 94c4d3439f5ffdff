#!/usr/bin/env bash
# Brings what the tests use beside Python: memcached, a Redis server of the distribution, a browser.
# Installs only as root on a machine with apt; anywhere else the tests that need them skip and say so.
set -euo pipefail

wanted=()
command -v memcached >/dev/null || wanted+=(memcached)
command -v redis-server >/dev/null || wanted+=(redis-server)
command -v chromium >/dev/null || wanted+=(chromium)
[ ${#wanted[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "not on this machine: ${wanted[*]}; the tests that need them will skip"
  exit 0
fi

echo "installing for the tests: ${wanted[*]}"
export DEBIAN_FRONTEND=noninteractive
# Debian starts a server that it installs: the tests start their own, on ports of their own.
printf '#!/bin/sh\nexit 101\n' > /tmp/policy-rc.d.$$
had_policy=yes
if [ ! -e /usr/sbin/policy-rc.d ]; then
  had_policy=no
  install -m 755 /tmp/policy-rc.d.$$ /usr/sbin/policy-rc.d
fi
rm -f /tmp/policy-rc.d.$$
status=0
{ apt-get update -qq && apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null; } || status=$?
[ "$had_policy" = yes ] || rm -f /usr/sbin/policy-rc.d
exit $status
