// SPDX-License-Identifier: BSD-2-Clause
#include "fields.hpp"

namespace aya
{

template <>
const Fields<Limits> &fields()
{
    static const Fields<Limits> rows({
        field("services", &Limits::services, integer_kind(1, 65534), "Services"), // ids are 16 bits
        field("vips", &Limits::vips, integer_kind(1, 1 << 20), "VIPs of all services"),
        field("backends", &Limits::backends, integer_kind(1, 1 << 20), "Backends of all services"),
        field("lookup_slots", &Limits::lookup_slots, integer_kind(251, 1 << 28),
              "Sum of every service's lookup_size")
            .more("The default has room for 255 services with tables of 65537 slots."),
    });
    return rows;
}

template <>
const Fields<ControlplaneConfig> &fields()
{
    static const Fields<ControlplaneConfig> rows({
        field("metrics", &ControlplaneConfig::metrics, socket_kind(), "TCP address that serves /metrics")
            .absent("on the Unix socket only")
            .more("Anyone who can connect can read them."),
        field("log_level", &ControlplaneConfig::log_level, word_kind<LogLevel>(),
              "Least severe messages that are logged"),
        object_field("limits", &ControlplaneConfig::limits, fields<Limits>(),
                     "Capacities of the tables, fixed while the tables exist"),
    });
    return rows;
}

template <>
const Fields<TunnelSource> &fields()
{
    static const Fields<TunnelSource> rows({
        field("ipv4", &TunnelSource::ipv4, address_kind(true), "Source address of outer IPv4 headers")
            .absent("the address that the route to the backend names"),
        field("ipv6", &TunnelSource::ipv6, address_kind(false), "Source address of outer IPv6 headers")
            .absent("the address that the route to the backend names"),
    });
    return rows;
}

template <>
const Fields<SourceList> &fields()
{
    static const Fields<SourceList> rows({
        field("name", &SourceList::name, name_kind(), "Name of the list").required().rule("each once"),
        list_field("prefixes", &SourceList::prefixes, prefix_kind(), {}, "Networks and addresses of clients")
            .rule("at most 100000, those of `file` included"),
        field("file", &SourceList::file, file_kind(), "File with more of them")
            .absent("none")
            .more("One prefix per line; a `#` or `;` begins a comment. Read with the configuration, so a "
                  "reload reads it again."),
    });
    return rows;
}

template <>
const Fields<Config> &fields()
{
    static const Fields<Config> rows({
        field("seed", &Config::seed, seed_kind(), "Key of the flow hash, the same on every box of a fleet")
            .required()
            .more("128 bits. With one key all boxes choose the same backend for a flow. Keep it secret, so "
                  "that no "
                  "outsider can aim at one backend. `openssl rand -hex 16` makes one."),
        object_field("dataplane", &Config::dataplane, fields<DataplaneConfig>(), "Settings of the data plane")
            .more("[Below](#dataplane). The control plane runs without it."),
        object_field("controlplane", &Config::controlplane, fields<ControlplaneConfig>(),
                     "Settings of the control plane")
            .more("[Below](#controlplane)."),
        object_field("tunnel_source", &Config::tunnel_source, fields<TunnelSource>(),
                     "Outer source addresses of encapsulated packets")
            .more("[Below](#tunnel_source)."),
        field("unserved", &Config::unserved, word_kind<Unserved>(),
              "Answer to a TCP SYN to a VIP's address, if no service takes its port")
            .more("`reset`: a RST, at most 1000 per second and worker, so that clients see at once that "
                  "nothing is there. `drop`: "
                  "none. A VIP's address that the kernel has, too, is answered by the kernel."),
        objects_field("lists", &Config::lists, fields<SourceList>(), {},
                      "Lists of clients, which services allow or deny by name")
            .more("[Below](#lists)."),
        objects_field("services", &Config::services, fields<ServiceConfig>(), {},
                      "Services that AYA balances")
            .more("[Below](#services)."),
    });
    return rows;
}

} // namespace aya
