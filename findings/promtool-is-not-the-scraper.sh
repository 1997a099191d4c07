#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: a metrics page that `promtool check metrics` accepts can be scraped by the Prometheus of the same release, and a page
# that it cannot parse cannot.
#
# What happens: they are two parsers, and differ both ways. A blank before a name passes promtool, and the scraper discards
# the whole page. A missing newline at the end, or a TYPE line after its samples, fails in promtool and is scraped.
#
# Why it matters: checking a /metrics page with promtool alone approves pages that cannot be scraped, and rejects pages of
# servers that work. Test with a real scrape as well.
#
# Seen with Prometheus 2.42.0.
set -euo pipefail

skip() {
    echo "cannot run here: $*" >&2
    exit 77
}
for tool in ip curl python3 apt-get dpkg-deb; do
    command -v "$tool" >/dev/null || skip "$tool is required"
done
ns=finding-$$
work=$(mktemp -d)
daemons=()
cleanup() {
    for process in "${daemons[@]}"; do kill "$process" 2>/dev/null && wait "$process"; done
    ip netns del "$ns" 2>/dev/null
    rm -rf "$work"
}
trap 'cleanup || true' EXIT
package=prometheus=2.42.0+ds-5+deb12u1
(cd "$work" && apt-get -o APT::Sandbox::User=root download "$package" >/dev/null 2>&1) || skip "cannot download $package"
dpkg-deb -x "$work"/*.deb "$work/root"
bin=$work/root/usr/bin
ip netns add "$ns" 2>/dev/null || skip "no network namespace (root is required)"
ip -n "$ns" link set lo up

names=(plain blank_before_name no_last_newline type_after_sample)
mkdir "$work/pages"
head='# HELP busy Requests.\n# TYPE busy gauge\n'
printf '%b' "${head}busy 1\n" >"$work/pages/plain"
printf '%b' "$head busy 1\n" >"$work/pages/blank_before_name"
printf '%b' "${head}busy 1" >"$work/pages/no_last_newline"
printf '%b' "# HELP busy Requests.\nbusy 1\n# TYPE busy gauge\n" >"$work/pages/type_after_sample"

(cd "$work/pages" && exec ip netns exec "$ns" python3 -m http.server --bind 127.0.0.1 9100) >"$work/pages.log" 2>&1 &
daemons+=($!)
{
    echo "global: {scrape_interval: 1s}"
    echo "scrape_configs:"
    for name in "${names[@]}"; do
        echo "- {job_name: $name, metrics_path: /$name, static_configs: [{targets: ['127.0.0.1:9100']}]}"
    done
} >"$work/prometheus.yml"
ip netns exec "$ns" "$bin/prometheus" --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" \
    --web.listen-address=127.0.0.1:9090 >"$work/log" 2>&1 &
daemons+=($!)
answered() { # QUERY: whether it has a result
    ip netns exec "$ns" curl -sS -m 5 -G --data-urlencode "query=$1" http://127.0.0.1:9090/api/v1/query 2>/dev/null |
        grep -q '"result":\[{'
}
for ((i = 0; i < 60; ++i)); do
    answered "count(up) == ${#names[@]}" && break
    sleep 0.5
done
answered "count(up) == ${#names[@]}" || skip "Prometheus does not scrape: $(tail -n 1 "$work/log")"
sleep 1

"$bin/promtool" --version 2>&1 | sed -n 1p
seen=
for name in "${names[@]}"; do
    if "$bin/promtool" check metrics <"$work/pages/$name" >/dev/null 2>&1; then checked=yes; else checked=no; fi
    if answered "up{job='$name'} == 1 and on(job) busy{job='$name'} == 1"; then scraped=yes; else scraped=no; fi
    row="promtool $checked, scraper $scraped"
    printf '  %-18s %s\n' "$name" "$row"
    seen+="$row; "
done
expected="promtool yes, scraper yes; promtool yes, scraper no; promtool no, scraper yes; promtool no, scraper yes; "
[[ $seen == "$expected" ]] || {
    echo "changed: expected $expected"
    exit 1
}
