#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: `keepalived --config-test` fails for a file that does not exist, and for a directory.
#
# What happens: it reports them on standard error and exits with 0, as for a good file. A good file that leaves something
# at its default (no `protocol`, which means UDP, even with a TCP_CHECK inside) exits with 5.
#
# Why it matters: a pipeline that tests a configuration before rolling it out approves a misspelt path, and rejects files
# that work. `--all-config` makes a missing file an error.
#
# Seen with keepalived 2.2.7.
set -euo pipefail

skip() {
    echo "cannot run here: $*" >&2
    exit 77
}
for tool in apt-get dpkg-deb; do
    command -v "$tool" >/dev/null || skip "$tool is required"
done
[[ $(id -u) == 0 ]] || skip "root is required"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
packages=(keepalived=1:2.2.7-1+b2 libnftnl11=1.2.4-2 libsnmp40=5.9.3+dfsg-2+deb12u1 libpci3=1:3.9.0-4 libwrap0=7.6.q-32)
(cd "$work" && apt-get -o APT::Sandbox::User=root download "${packages[@]}" >/dev/null 2>&1) ||
    skip "cannot download ${packages[*]}"
for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/root"; done
LD_LIBRARY_PATH=$work/root/usr/lib/$(uname -m)-linux-gnu
export LD_LIBRARY_PATH
program=$work/root/usr/sbin/keepalived
version=$("$program" --version 2>&1 | sed -n 1p) || skip "keepalived does not start: $version"

service() { # [PROTOCOL LINE]
    echo "virtual_server 192.0.2.1 80 {"
    echo "    lvs_sched wrr"
    echo "    lvs_method DR"
    echo "    $*"
    echo "    real_server 192.0.2.2 80 {"
    echo "        TCP_CHECK {"
    echo "        }"
    echo "    }"
    echo "}"
}
service protocol TCP >"$work/good.conf"
service >"$work/default.conf"
status=
tested() { # WORDS ARGUMENT...: exit status and last words of the test
    local said code=0
    said=$("$program" --config-test "${@:2}" 2>&1) || code=$?
    printf '  %-32s exit %s  %s\n' "$1" "$code" "${said##*$'\n'}"
    status+="$code "
}
echo "$version"
tested "good file" -f "$work/good.conf"
tested "good file, protocol by default" -f "$work/default.conf"
tested "no such file" -f "$work/absent.conf"
tested "directory" -f "$work"
tested "no such file, --all-config" --all-config -f "$work/absent.conf"
[[ $status == "0 5 0 0 "[1-9]* ]] || {
    echo "changed: expected 0 5 0 0, then an error"
    exit 1
}
