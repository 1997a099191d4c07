// SPDX-License-Identifier: BSD-2-Clause
// Bad configurations: each gets a clear error at the right place, and nothing else.
#include "support.hpp"

namespace aya::test
{

constexpr const char *kUnicast = "not unspecified, loopback, multicast, broadcast or IPv6 link-local";
constexpr const char *kVip =
    "ADDRESS:PORT/PROTOCOL such as \"203.0.113.10:443/tcp\" or \"[2001:db8::10]:443/udp\", PORT from 1 to "
    "65535, a "
    "range such as 8000-8999, or * for any, ADDRESS an address or a prefix such as 203.0.113.0/28, ";
constexpr const char *kName = "a name of 1 to 63 characters A-Z a-z 0-9 . _ -, the first a letter or digit";

struct Flaw {
    const char *what;
    std::string text;
    std::string error; // whole, as the operator sees it behind the file's name
};

void PrintTo(const Flaw &c, std::ostream *out)
{
    *out << c.what;
}

class BadInput : public ::testing::TestWithParam<Flaw>
{
};

TEST_P(BadInput, IsRefusedInPlainWords)
{
    EXPECT_EQ(error_of(GetParam().text), GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(
    Syntax, BadInput,
    ::testing::Values(
        Flaw{"empty file", "",
             "line 1, column 1: syntax error while parsing value - unexpected end of input; expected '[', "
             "'{', or a literal"},
        Flaw{"cut off in the middle", "{\n  \"seed\": \"12",
             "line 2, column 14: syntax error while parsing value - invalid string: missing closing quote; "
             "last read: '\"12'"},
        Flaw{"comma at the end", "{\n  \"seed\": \"00\",\n}",
             "line 3, column 1: syntax error while parsing object key - unexpected '}'; expected string "
             "literal"},
        Flaw{"something behind the end", "{}\n{}",
             "line 2, column 1: syntax error while parsing value - unexpected '{'; expected end of input"},
        Flaw{"broken UTF-8", "{\"\xff\": 1}",
             "line 1, column 3: syntax error while parsing object key - invalid string: ill-formed UTF-8 "
             "byte; last read: '\"?'; expected string literal"},
        Flaw{"open comment", "{} /* never closed",
             "line 1, column 19: syntax error while parsing value - invalid comment; missing closing '*/'; "
             "last read: '{} /* never closed'; expected end of input"},
        Flaw{"number that no computer holds", "{\"seed\": 1e999}",
             "line 1, column 14: number overflow parsing '1e999'"},
        Flaw{"not an object", "[]", "found an empty list; allowed: an object, { ... }"},
        Flaw{"nested without end", std::string(100000, '['),
             "/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0: found more than 32 levels; "
             "allowed: at most 32"}));

INSTANTIATE_TEST_SUITE_P(
    Keys, BadInput,
    ::testing::Values(
        Flaw{"misspelt", with("/tunnel_source/ivp6", "2001:db8::1"),
             "/tunnel_source/ivp6: found the unknown key \"ivp6\"; did you mean \"ipv6\"?; allowed: ipv4, "
             "ipv6"},
        Flaw{"nothing like it", with("/tunnel_source/gre", 1),
             "/tunnel_source/gre: found the unknown key \"gre\"; allowed: ipv4, ipv6"},
        Flaw{"with a slash and a tilde", with("/tunnel_source/a~1b~0c", 1),
             "/tunnel_source/a~1b~0c: found the unknown key \"a/b~c\"; allowed: ipv4, ipv6"},
        Flaw{"twice", "{\"seed\": \"00000000000000000000000000000001\", \"services\": [], \"services\": []}",
             "/services: found the key \"services\" twice; allowed: each key once"},
        Flaw{"twice, deep inside",
             "{\"seed\": \"00000000000000000000000000000001\", \"services\": [{\"name\": \"s\", \"vips\": "
             "[\"1.2.3.4:1/tcp\"], \"backends\": [{\"name\": \"b\", \"address\": \"1.1.1.1\", \"weight\": 1, "
             "\"weight\": 2}]}]}",
             "/services/0/backends/0/weight: found the key \"weight\" twice; allowed: each key once"},
        Flaw{"seed left out", without("/seed"),
             "/seed: missing; required: 32 hex digits, the same on every box of a fleet (openssl rand "
             "-hex 16)"},
        Flaw{"name of a service left out", without("/services/1/name"),
             std::string("/services/1/name: missing; required: ") + kName},
        Flaw{"address of a backend left out", without("/services/1/backends/0/address"),
             std::string("/services/1/backends/0/address: missing; required: an IPv4 or IPv6 address, ") +
                 kUnicast},
        Flaw{"workers left out", without("/dataplane/workers"),
             "/dataplane/workers: missing; required: a list of 1 to 64 items, each a whole number from "
             "0 to 127"},
        Flaw{"ports left out", without("/dataplane/ports"),
             "/dataplane/ports: missing; required: a list of 1 to 16 items, each an object"},
        Flaw{"type of a probe left out", without("/services/0/health/type"),
             "/services/0/health/type: missing; required: \"none\", \"tcp\", \"http\", \"https\", \"icmp\", "
             "\"udp\", \"exec\", \"syn\", \"grpc\""}));

INSTANTIATE_TEST_SUITE_P(
    Types, BadInput,
    ::testing::Values(
        Flaw{"text for a number", with("/services/0/backends/0/weight", "8"),
             "/services/0/backends/0/weight: found \"8\"; allowed: a whole number from 0 to 65535"},
        Flaw{"fraction", with("/services/0/backends/0/weight", 1.5),
             "/services/0/backends/0/weight: found 1.5; allowed: a whole number from 0 to 65535"},
        Flaw{"null", with("/services/0/backends/0/mac", nullptr),
             "/services/0/backends/0/mac: found null; allowed: the MAC address of one station such as "
             "\"52:54:00:00:00:11\", not zero, multicast or broadcast"},
        Flaw{"text for a truth", with("/services/0/stateless", "yes"),
             "/services/0/stateless: found \"yes\"; allowed: true or false"},
        Flaw{"list for an object", with("/services/0/health", OrderedJson::array({1})),
             "/services/0/health: found a list of 1; allowed: an object, { ... }"},
        Flaw{"object for a list", with("/services", OrderedJson::object()),
             "/services: found an empty object; allowed: a list of any number of items, each an object"},
        Flaw{"one VIP instead of a list", with("/services/0/vips", "203.0.113.10:443/tcp"),
             std::string("/services/0/vips: found \"203.0.113.10:443/tcp\"; allowed: a list of 1 or more "
                         "items, each ") +
                 kVip + kUnicast},
        Flaw{"word that is none", with("/services/0/scheduler", "magelv"),
             "/services/0/scheduler: found \"magelv\"; allowed: \"maglev\", \"source-hash\", \"random\", "
             "\"weighted-round-robin\", \"least-connections\""},
        Flaw{"path that is none", with("/dataplane/path", "fast"),
             "/dataplane/path: found \"fast\"; allowed: \"dpdk\", \"xdp\", \"auto\""},
        Flaw{"program to be replaced where there is none", with("/dataplane/ports/0/replace_program", true),
             "/dataplane/ports/0/replace_program: found true; allowed with path \"dpdk\": false"},
        Flaw{"number without its unit", with("/services/0/health/interval", 1),
             "/services/0/health/interval: found 1; allowed: a time from \"50ms\" to \"1h\" (units ms, s, m, "
             "h)"},
        Flaw{"unknown unit", with("/services/0/health/interval", "1d"),
             "/services/0/health/interval: found \"1d\"; allowed: a time from \"50ms\" to \"1h\" (units ms, "
             "s, m, h)"},
        Flaw{"fraction of a unit", with("/services/0/health/interval", "1.5s"),
             "/services/0/health/interval: found \"1.5s\"; allowed: a time from \"50ms\" to \"1h\" (units "
             "ms, s, m, h)"},
        Flaw{"size in a foreign unit", with("/dataplane/memory", "512M"),
             "/dataplane/memory: found \"512M\"; allowed: a size from \"64MB\" to \"1024GB\" (units MB, GB)"},
        Flaw{"short seed", with("/seed", "abc"),
             "/seed: found \"abc\"; allowed: 32 hex digits, the same on every box of a fleet (openssl rand "
             "-hex 16)"},
        Flaw{"seed of other letters", with("/seed", "0001020304050607-8090a0b0c0d0eff"),
             "/seed: found \"0001020304050607-8090a0b0c0d0eff\"; allowed: 32 hex digits, the same on every "
             "box of a fleet (openssl rand -hex 16)"}));

INSTANTIATE_TEST_SUITE_P(
    Ranges, BadInput,
    ::testing::Values(
        Flaw{"weight below 0", with("/services/0/backends/0/weight", -1),
             "/services/0/backends/0/weight: found -1; allowed: a whole number from 0 to 65535"},
        Flaw{"weight above 65535", with("/services/0/backends/0/weight", 65536),
             "/services/0/backends/0/weight: found 65536; allowed: a whole number from 0 to 65535"},
        Flaw{"weight above 64 bits", with("/services/0/backends/0/weight", 18446744073709551615ULL),
             "/services/0/backends/0/weight: found 18446744073709551615; allowed: a whole number from 0 to "
             "65535"},
        Flaw{"port of a VIP above 65535", with("/services/0/vips/0", "203.0.113.10:65536/tcp"),
             std::string("/services/0/vips/0: found \"203.0.113.10:65536/tcp\"; allowed: ") + kVip +
                 kUnicast},
        Flaw{"port of a probe 0", with("/services/0/health/port", 0),
             "/services/0/health/port: found 0; allowed: a whole number from 1 to 65535"},
        Flaw{"port of a probe above 65535", with("/services/0/health/port", 65536),
             "/services/0/health/port: found 65536; allowed: a whole number from 1 to 65535"},
        Flaw{"port of the metrics above 65535", with("/controlplane/metrics", "127.0.0.1:65536"),
             "/controlplane/metrics: found \"127.0.0.1:65536\"; allowed: ADDRESS:PORT such as "
             "\"127.0.0.1:9108\" or \"[::1]:9108\", PORT from 1 to 65535"},
        Flaw{"time above its limit", with("/services/0/idle_timeouts/udp", "10h"),
             "/services/0/idle_timeouts/udp: found \"10h\"; allowed: a time from \"1s\" to \"9h\", a "
             "multiple of \"1s\" (units ms, s, m, h)"},
        Flaw{"idle time that the flow table cannot count", with("/services/0/idle_timeouts/udp", "1500ms"),
             "/services/0/idle_timeouts/udp: found \"1500ms\"; allowed: a time from \"1s\" to \"9h\", a "
             "multiple of \"1s\" (units ms, s, m, h)"},
        Flaw{"time that overflows", with("/services/0/health/interval", "18446744073709551615h"),
             "/services/0/health/interval: found \"18446744073709551615h\"; allowed: a time from \"50ms\" to "
             "\"1h\" (units ms, s, m, h)"},
        Flaw{"panic above all", with("/services/0/panic_threshold", "101%"),
             "/services/0/panic_threshold: found \"101%\"; allowed: a share from \"0%\" to \"100%\", a whole "
             "number"},
        Flaw{"lcore too high", with("/dataplane/workers/1", 128),
             "/dataplane/workers/1: found 128; allowed: a whole number from 0 to 127"},
        Flaw{"too many workers", with("/dataplane/workers", std::vector<int>(65, 1)),
             "/dataplane/workers: found a list of 65; allowed: a list of 1 to 64 items, each a whole number "
             "from 0 to 127"},
        Flaw{"argument with a space", with("/dataplane/eal", {"-v -v"}),
             "/dataplane/eal/0: found \"-v -v\"; allowed: one argument of DPDK's EAL; 1 to 255 characters, "
             "no spaces"},
        Flaw{"too few flows", with("/dataplane/flows_per_worker", 1023),
             "/dataplane/flows_per_worker: found 1023; allowed: a whole number from 1024 to 268435456"},
        Flaw{"name too long", with("/services/0/name", std::string(64, 'x')),
             "/services/0/name: found \"" + std::string(59, 'x') + "...\"; allowed: " + kName},
        Flaw{"name with a slash", with("/services/0/backends/0/name", "a/b"),
             std::string("/services/0/backends/0/name: found \"a/b\"; allowed: ") + kName},
        Flaw{"name that is a path", with("/services/0/name", ".."),
             std::string("/services/0/name: found \"..\"; allowed: ") + kName},
        Flaw{"empty name", with("/services/0/name", ""),
             std::string("/services/0/name: found \"\"; allowed: ") + kName},
        Flaw{"name with a line break", with("/services/0/name", "a\nb"),
             std::string("/services/0/name: found \"a\\x0ab\"; allowed: ") + kName},
        Flaw{"interface name too long", with("/dataplane/ports/0/punt", "aya0123456789012"),
             "/dataplane/ports/0/punt: found \"aya0123456789012\"; allowed: an interface name of 1 to 15 "
             "characters A-Z a-z 0-9 . _ -, the first a letter or digit"},
        Flaw{"no VIP", with("/services/1/vips", OrderedJson::array()),
             std::string("/services/1/vips: found an empty list; allowed: a list of 1 or more items, each ") +
                 kVip + kUnicast}));

Flaw bad_backend(const char *address, const char *why)
{
    return {address, with("/services/1/backends/0/address", address),
            std::string("/services/1/backends/0/address: found \"") + address + "\"" + why +
                "; allowed: an IPv4 or IPv6 address, " + kUnicast};
}

INSTANTIATE_TEST_SUITE_P(
    Addresses, BadInput,
    ::testing::Values(bad_backend("10.0.0.256", ""), bad_backend("backend.example", ""),
                      bad_backend("::ffff:10.0.0.1", ""), bad_backend("0.0.0.0", " (unspecified)"),
                      bad_backend("::", " (unspecified)"), bad_backend("127.0.0.1", " (loopback)"),
                      bad_backend("::1", " (loopback)"), bad_backend("224.0.0.5", " (multicast)"),
                      bad_backend("ff02::1", " (multicast)"), bad_backend("255.255.255.255", " (broadcast)"),
                      bad_backend("fe80::1", " (link-local, so ambiguous without an interface)")));

INSTANTIATE_TEST_SUITE_P(
    MoreAddresses, BadInput,
    ::testing::Values(
        Flaw{"VIP for many", with("/services/0/vips/1", "239.0.0.1:443/udp"),
             std::string("/services/0/vips/1: found \"239.0.0.1:443/udp\" (multicast); allowed: ") + kVip +
                 kUnicast},
        Flaw{"tunnel source of the other family", with("/tunnel_source/ipv4", "2001:db8::1"),
             std::string("/tunnel_source/ipv4: found \"2001:db8::1\"; allowed: an IPv4 address, ") +
                 kUnicast},
        Flaw{"MAC of many", with("/services/0/backends/0/mac", "01:00:5e:00:00:01"),
             "/services/0/backends/0/mac: found \"01:00:5e:00:00:01\" (multicast or broadcast); allowed: the "
             "MAC address of one station such as \"52:54:00:00:00:11\", not zero, multicast or broadcast"}));

INSTANTIATE_TEST_SUITE_P(
    Together, BadInput,
    ::testing::Values(
        Flaw{"service twice", with("/services/1/name", "web"),
             "/services/1/name: found \"web\", which /services/0/name already has; allowed: each once"},
        Flaw{"backend twice", with("/services/0/backends/1/name", "web-1"),
             "/services/0/backends/1/name: found \"web-1\", which /services/0/backends/0/name already has; "
             "allowed: each once"},
        Flaw{"address of a backend twice", with("/services/0/backends/1/address", "10.0.1.11"),
             "/services/0/backends/1/address: found \"10.0.1.11\", which /services/0/backends/0/address "
             "already "
             "has; allowed: each once"},
        Flaw{"VIP twice in a service", with("/services/0/vips/1", "203.0.113.10:443/tcp"),
             "/services/0/vips/1: found \"203.0.113.10:443/tcp\", which service \"web\" already has "
             "(/services/0/vips/0); allowed: each VIP once"},
        Flaw{"VIP of two services", with("/services/1/vips/1", "203.0.113.10:443/udp"),
             "/services/1/vips/1: found \"203.0.113.10:443/udp\", which service \"web\" already has "
             "(/services/0/vips/1); allowed: each VIP once"},
        Flaw{"any port twice", with("/services/1/vips/1", "[2001:db8::53]:0/udp"),
             "/services/1/vips/1: found \"[2001:db8::53]:*/udp\", which service \"dns\" already has "
             "(/services/1/vips/0); allowed: each VIP once"},
        Flaw{"backend that is its own VIP", with("/services/0/backends/0/address", "203.0.113.10"),
             "/services/0/backends/0/address: found \"203.0.113.10\", which is a VIP of service \"web\" "
             "(/services/0/vips/0); allowed: the backend's own address"},
        Flaw{"backend that is a VIP of another service",
             with("/services/1/backends/0/address", "203.0.113.10"),
             "/services/1/backends/0/address: found \"203.0.113.10\", which is a VIP of service \"web\" "
             "(/services/0/vips/0); allowed: the backend's own address"},
        Flaw{"IPv6 VIP, l2, IPv4 backend", with("/services/1/encap", "l2"),
             "/services/1/backends/0/address: found \"10.0.2.1\" for the IPv6 VIP "
             "\"[2001:db8::53]:*/udp\" with encap \"l2\"; allowed: an IPv6 address, or encap \"ipip\" or "
             "\"gue\""},
        Flaw{"IPv4 VIP, l2, IPv6 backend", with("/services/0/backends/1/address", "2001:db8::2"),
             "/services/0/backends/1/address: found \"2001:db8::2\" for the IPv4 VIP "
             "\"203.0.113.10:443/tcp\" with encap \"l2\"; allowed: an IPv4 address, or encap \"ipip\" or "
             "\"gue\""},
        Flaw{"port of another encapsulation", with("/services/1/gue_port", 6081),
             "/services/1/gue_port: found 6081; allowed with encap \"ipip\": 6080, or encap \"gue\""},
        Flaw{"drawn backends that are not remembered",
             with("/services/0", {{"name", "web"},
                                  {"vips", {"203.0.113.10:443/tcp"}},
                                  {"scheduler", "random"},
                                  {"stateless", true}}),
             "/services/0/stateless: found true; allowed with scheduler \"random\": false"},
        Flaw{"drawn backends that are the same for a client",
             with("/services/0", {{"name", "web"},
                                  {"vips", {"203.0.113.10:443/tcp"}},
                                  {"scheduler", "random"},
                                  {"affinity", "source"}}),
             "/services/0/affinity: found \"source\"; allowed with scheduler \"random\": \"none\""},
        Flaw{"prefix of a client's address that nobody looks at", with("/services/1/source_prefix_v6", 56),
             "/services/1/source_prefix_v6: found 56; allowed with scheduler \"maglev\" and affinity "
             "\"none\": "
             "128, or scheduler \"source-hash\" or affinity \"source\""},
        Flaw{"timeout as long as the interval", with("/services/0/health/timeout", "1000ms"),
             "/services/0/health/timeout: found \"1s\" with the interval \"1s\"; allowed: less than the "
             "interval"},
        Flaw{"probe without a port", with("/services/1/health/type", "tcp"),
             "/services/1/health/port: missing, and no TCP VIP of the service has a single port; required: "
             "the TCP port to probe, from 1 to 65535"},
        Flaw{"probe by UDP without a port", with("/services/1/health/type", "udp"),
             "/services/1/health/port: missing, and no UDP VIP of the service has a single port; required: "
             "the UDP "
             "port to probe, from 1 to 65535"},
        Flaw{"fast interval above the interval", with("/services/0/health/fast_interval", "2s"),
             "/services/0/health/fast_interval: found \"2s\" with the interval \"1s\"; allowed: at most the "
             "interval"},
        Flaw{"path of a probe that has none", with("/services/0/health/path", "/health"),
             "/services/0/health/path: found \"/health\" with type \"tcp\"; allowed with type \"http\", "
             "\"https\""},
        Flaw{"certificate of a probe in the clear",
             with("/services/0/health", {{"type", "http"}, {"tls_verify", true}}),
             "/services/0/health/tls_verify: found true with type \"http\"; allowed with type \"https\", "
             "\"grpc\""},
        Flaw{"certificate of a probe by gRPC in the clear",
             with("/services/0/health", {{"type", "grpc"}, {"tls_verify", true}}),
             "/services/0/health/tls_verify: found true with tls false; allowed with tls true"},
        Flaw{"server name of a probe by gRPC in the clear",
             with("/services/0/health", {{"type", "grpc"}, {"tls", false}, {"tls_server_name", "a.example"}}),
             "/services/0/health/tls_server_name: found \"a.example\" with tls false; allowed with tls true"},
        Flaw{"body of an answer that has none",
             with("/services/0/health", {{"type", "http"}, {"method", "HEAD"}, {"expected_body", "ready"}}),
             "/services/0/health/expected_body: found \"ready\" with method \"HEAD\", whose answer has no "
             "body; allowed with method \"GET\", \"OPTIONS\""},
        Flaw{"ping through the tunnel", with("/services/0/health", {{"type", "icmp"}, {"via", "tunnel"}}),
             "/services/0/health/via: found \"tunnel\" with type \"icmp\", which has no VIP to go to; "
             "allowed: "
             "\"direct\""},
        Flaw{"flows of a stateless service",
             with("/services/0", {{"name", "web"},
                                  {"vips", {"203.0.113.10:443/tcp"}},
                                  {"stateless", true},
                                  {"on_down", "reset"}}),
             "/services/0/on_down: found \"reset\" with stateless true, where no flow has a backend; "
             "allowed: \"move\""},
        Flaw{"port of a ping", with("/services/0/health", {{"type", "icmp"}, {"port", 80}}),
             "/services/0/health/port: found 80 with type \"icmp\", which has no ports; required: no port"},
        Flaw{"exec without a command", with("/services/0/health/type", "exec"),
             "/services/0/health/command: missing; required with type \"exec\": the program to run"},
        Flaw{"command without a path",
             with("/services/0/health", {{"type", "exec"}, {"command", {"check", "it"}}}),
             "/services/0/health/command/0: found \"check\"; allowed: the absolute path of a program"},
        Flaw{"path of a request that is none",
             with("/services/0/health", {{"type", "http"}, {"path", "health"}}),
             "/services/0/health/path: found \"health\"; allowed: a path that starts with \"/\", with its "
             "query; at most 1024 characters, no spaces"},
        Flaw{"header in a path",
             with("/services/0/health", {{"type", "http"}, {"path", "/ HTTP/1.1\r\nX: y"}}),
             "/services/0/health/path: found \"/ HTTP/1.1\\x0d\\x0aX: y\"; allowed: a path that starts with "
             "\"/\", with its query; at most 1024 characters, no spaces"},
        Flaw{"statuses that are none",
             with("/services/0/health", {{"type", "http"}, {"expected_status", "2xx"}}),
             "/services/0/health/expected_status: found \"2xx\"; allowed: up to 16 statuses and ranges from "
             "100 to 599, such as \"200-399\" or \"200,301-308\""},
        Flaw{"half a byte in hex",
             with("/services/0/health", {{"type", "udp"}, {"port", 53}, {"payload", "hex:0"}}),
             "/services/0/health/payload: found \"hex:0\"; allowed: text of 1 to 1024 bytes, or \"hex:\" and "
             "bytes in hex digits such as \"hex:00ff\""},
        Flaw{"lookup table that is no prime", with("/services/0/lookup_size", 65536),
             "/services/0/lookup_size: found 65536, which is not a prime; allowed: a prime, the nearest are "
             "65521 and 65537"},
        Flaw{"worker twice", with("/dataplane/workers", OrderedJson::array({2, 2})),
             "/dataplane/workers/1: found 2, which /dataplane/workers/0 already has; allowed: each once"},
        Flaw{"main lcore that is a worker's", with("/dataplane/main_lcore", 3),
             "/dataplane/main_lcore: found 3, which /dataplane/workers/1 already has; allowed: an lcore that "
             "no worker has"},
        Flaw{"port twice", with("/dataplane/ports/1", {{"device", "0000:3b:00.0"}}),
             "/dataplane/ports/1/device: found \"0000:3b:00.0\", which /dataplane/ports/0/device already "
             "has; allowed: each once"},
        Flaw{"punt interface twice", with("/dataplane/ports/1", {{"device", "x"}, {"punt", "aya0"}}),
             "/dataplane/ports/1/punt: found \"aya0\", which /dataplane/ports/0/punt already has; allowed: "
             "each once"},
        Flaw{"more services than fit", with("/controlplane/limits/services", 1),
             "/services: found 2 services in all; allowed: 1, set by /controlplane/limits/services"},
        Flaw{"more VIPs than fit", with("/controlplane/limits/vips", 2),
             "/services: found 3 vips in all; allowed: 2, set by /controlplane/limits/vips"},
        Flaw{"more backends than fit", with("/controlplane/limits/backends", 2),
             "/services: found 3 backends in all; allowed: 2, set by /controlplane/limits/backends"},
        Flaw{"more slots than fit", with("/controlplane/limits/lookup_slots", 131073),
             "/services: found 131074 lookup_slots in all; allowed: 131073, set by "
             "/controlplane/limits/lookup_slots"}));

TEST(BadInputs, AllErrorsAreReportedAtOnce)
{
    OrderedJson json = valid_json();
    json["sed"] = 1;
    json["services"][0]["backends"][0]["weight"] = -5;
    json["services"][0]["backends"][1]["name"] = "web-1";
    json["services"][1]["health"] = {{"type", "tcp"}, {"interval", "1s"}, {"timeout", "2s"}};
    const Lines lines = errors_of(parse_config(json.dump()));
    ASSERT_EQ(lines.size(), 5U) << ::testing::PrintToString(lines);
    EXPECT_TRUE(lines[0].starts_with("f: /services/0/backends/0/weight: found -5;")) << lines[0];
    EXPECT_TRUE(lines[1].starts_with("f: /sed: found the unknown key \"sed\"; did you mean \"seed\"?"))
        << lines[1];
    EXPECT_TRUE(lines[2].starts_with("f: /services/0/backends/1/name: found \"web-1\", which")) << lines[2];
    EXPECT_TRUE(lines[3].starts_with("f: /services/1/health/timeout: found \"2s\" with the interval"))
        << lines[3];
    EXPECT_TRUE(lines[4].starts_with("f: /services/1/health/port: missing")) << lines[4];
}

TEST(BadInputs, AnErrorIsNotRepeatedByTheChecksThatDependOnIt)
{
    OrderedJson json = valid_json();
    json["services"][0]["health"]["interval"] = "1 s";
    json["services"][0]["health"]["timeout"] = "5s"; // more than the default interval
    json["services"][1]["vips"] = {"bad"};
    json["services"][1]["health"] = {{"type", "tcp"}}; // whose port would come from the VIP
    json["services"][1]["encap"] = "l2";
    const Lines lines = errors_of(parse_config(json.dump()));
    ASSERT_EQ(lines.size(), 2U) << ::testing::PrintToString(lines);
    EXPECT_TRUE(lines[0].starts_with("f: /services/0/health/interval:")) << lines[0];
    EXPECT_TRUE(lines[1].starts_with("f: /services/1/vips/0:")) << lines[1];
}

TEST(BadInputs, FewerSlotsThanBackendsAreRefused)
{
    OrderedJson json = valid_json();
    json["services"][1]["lookup_size"] = 251;
    for (int i = 0; i < 252; ++i)
        json["services"][1]["backends"][i] = {{"name", "b" + std::to_string(i)},
                                              {"address", "10.0.3." + std::to_string(i)}};
    EXPECT_EQ(error_of(json.dump()), "/services/1/lookup_size: found 251 slots for 252 backends; allowed: at "
                                     "least one per backend, preferably a hundred");
}

TEST(BadInputs, ThereIsAnEndToErrors)
{
    OrderedJson json = valid_json();
    for (int i = 0; i < 1000; ++i)
        json["nonsense" + std::to_string(i)] = i;
    const Lines lines = errors_of(parse_config(json.dump()));
    ASSERT_EQ(lines.size(), 201U);
    EXPECT_EQ(lines.back(), "f: and 800 more errors");
}

} // namespace aya::test
