// SPDX-License-Identifier: BSD-2-Clause
#include "inspect.hpp"

#include "programs.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

namespace aya::backend
{

namespace
{

constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46); // BPF_TCX_INGRESS, since kernel 6.6
constexpr std::uint32_t kMaxPrograms = 64;

std::vector<IpAddress> addresses_in(int map)
{
    std::vector<IpAddress> found;
    for (const aya_decap_address &key : read_keys<aya_decap_address>(map))
        found.push_back(address_of(key));
    return found;
}

void add_prefixes(int map, std::vector<Prefix> &to)
{
    for (const aya_decap_prefix &key : read_keys<aya_decap_prefix>(map))
        to.push_back(prefix_of(key));
}

// Of an entry of the map of addresses; 0: none, or the entry went away.
std::uint16_t read_gue_port(int map, const IpAddress &address)
{
    const aya_decap_address key = key_of(address);
    aya_decap_local local{};
    return bpf_map_lookup_elem(map, &key, &local) == 0 ? aya_be16_to_cpu(local.gue_port) : std::uint16_t{0};
}

void read_map(const std::string &name, int map, Attached &attached)
{
    if (name == kAddressMap) {
        attached.addresses = addresses_in(map);
        for (const IpAddress &address : *attached.addresses)
            attached.gue_port = read_gue_port(map, address); // the same for all
    } else if (name == kVipMap) {
        attached.vips = attached.vips.value_or(std::vector<Prefix>{});
        for (const IpAddress &vip : addresses_in(map))
            attached.vips->push_back(host_prefix(vip));
    } else if (name == kVipPrefixMap) {
        attached.vips = attached.vips.value_or(std::vector<Prefix>{});
        add_prefixes(map, *attached.vips);
    } else if (name == kBalancerMap) {
        add_prefixes(map, attached.balancers.emplace());
    }
}

// What the program with this id strips, from the maps that it uses.
void read_stripped(std::uint32_t id, Attached &attached)
{
    const auto program = describe(Fd(bpf_prog_get_fd_by_id(id)));
    for (const std::uint32_t map_id : program ? program->maps : std::vector<std::uint32_t>()) {
        const Fd map(bpf_map_get_fd_by_id(map_id));
        bpf_map_info info{};
        std::uint32_t length = sizeof(info);
        if (map && bpf_obj_get_info_by_fd(map.get(), &info, &length) == 0)
            read_map(info.name, map.get(), attached);
    }
}

} // namespace

Attached read_attached(Netlink &netlink, int link)
{
    keep_libbpf_quiet();
    Attached attached;
    attached.has_ingress_qdisc = netlink.has_ingress_qdisc(link);
    attached.ingress = netlink.ingress_filters(link);

    std::uint32_t ids[kMaxPrograms];
    std::uint32_t count = kMaxPrograms;
    std::uint32_t flags = 0;
    if (bpf_prog_query(link, kTcxIngress, 0, &flags, ids, &count) == 0)
        for (std::uint32_t i = 0; i < count; i++)
            attached.tcx.push_back(program_name(ids[i]));

    bpf_xdp_query_opts xdp{};
    xdp.sz = sizeof(xdp);
    std::uint32_t xdp_id = 0;
    if (bpf_xdp_query(link, 0, &xdp) == 0 && xdp.attach_mode != XDP_ATTACHED_NONE) {
        attached.xdp_generic = xdp.attach_mode == XDP_ATTACHED_SKB;
        xdp_id = attached.xdp_generic ? xdp.skb_prog_id : xdp.prog_id ? xdp.prog_id : xdp.drv_prog_id;
        attached.xdp = program_name(xdp_id);
    }
    if (const auto filter = attached.decap_filter())
        read_stripped(attached.ingress[*filter].program_id, attached);
    else if (attached.has_decap_xdp())
        read_stripped(xdp_id, attached);
    return attached;
}

std::optional<DecapCounters> read_counters(const std::string &bpf_dir)
{
    const Fd map(bpf_obj_get(pin_of(bpf_dir, kCounterMap).c_str()));
    const int cpus = libbpf_num_possible_cpus();
    if (!map || cpus <= 0)
        return std::nullopt;
    DecapCounters counters{};
    std::vector<std::uint64_t> values(static_cast<std::size_t>(cpus));
    for (std::uint32_t i = 0; i < AYA_DECAP_OUTCOME_COUNT; i++)
        if (bpf_map_lookup_elem(map.get(), &i, values.data()) == 0)
            for (const std::uint64_t value : values)
                counters[i] += value;
    return counters;
}

} // namespace aya::backend
