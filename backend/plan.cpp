// SPDX-License-Identifier: BSD-2-Clause
#include "plan.hpp"

#include "findings.hpp"
#include "sysctl.hpp"

#include <algorithm>

namespace aya::backend
{

namespace
{

bool holds(const std::vector<Change> &changes, const Change &place)
{
    return std::any_of(changes.begin(), changes.end(), [&](const Change &c) { return c.same_place(place); });
}

struct Key {
    const char *name;
    int Ipv4Conf::*field;
};

constexpr Key kKeys[] = {
    {"arp_ignore", &Ipv4Conf::arp_ignore},
    {"arp_announce", &Ipv4Conf::arp_announce},
    {"rp_filter", &Ipv4Conf::rp_filter},
};

// The parameters as they would be without us. One that is no longer as we left it belongs to someone else by
// now.
Facts without_ours(Facts facts, const std::vector<Change> &old)
{
    for (auto &[interface, conf] : facts.ipv4)
        for (const Key &key : kKeys)
            for (const Change &c : old)
                if (c.kind == Change::Kind::sysctl && c.name == sysctl::ipv4_conf(interface, key.name) &&
                    conf.*key.field == c.after)
                    conf.*key.field = c.before;
    return facts;
}

class Planner
{
public:
    Planner(const Facts &facts, const Settings &settings, const std::vector<Change> &old)
        : before_(without_ours(facts, old)), after_(before_), settings_(settings), old_(old)
    {
    }

    std::vector<Change> run(const std::string &bpf_dir)
    {
        if (settings_.has_v4_vip())
            plan_parameters();
        if (settings_.has_tunnel())
            plan_decap(bpf_dir);
        for (const Prefix &vip : settings_.vips)
            is_host(vip) ? plan_vip(vip.address) : plan_network(vip);
        return std::move(changes_);
    }

private:
    void plan_parameters()
    {
        quiet({"arp_ignore", &Ipv4Conf::arp_ignore}, is_quiet_arp_ignore, 1);
        quiet({"arp_announce", &Ipv4Conf::arp_announce}, is_quiet_arp_announce, 2);
        // Loose is 2, the largest value: the interface's own is enough, whatever `all` says.
        if (drops_by_rp_filter(before_, settings_.interface))
            set(settings_.interface, {"rp_filter", &Ipv4Conf::rp_filter}, 2);
    }

    // `all` covers every interface, also later ones; an interface whose own larger value spoils it is set by
    // itself.
    void quiet(const Key &key, bool (*is_quiet)(int), int wanted)
    {
        const std::vector<std::string> interfaces = arp_interfaces(before_);
        auto is_loud = [&](const std::string &name) { return !is_quiet(effective(after_, name, key.field)); };
        if (std::none_of(interfaces.begin(), interfaces.end(), is_loud))
            return;
        if (!is_quiet(before_.conf("all").*key.field))
            set("all", key, wanted);
        for (const std::string &name : interfaces)
            if (is_loud(name))
                set(name, key, wanted);
    }

    void set(const std::string &interface, const Key &key, int value)
    {
        const Link *link = before_.link(interface);
        changes_.push_back({Change::Kind::sysctl, sysctl::ipv4_conf(interface, key.name),
                            link ? link->index : 0, before_.conf(interface).*key.field, value});
        after_.ipv4[interface].*key.field = value;
    }

    void plan_decap(const std::string &bpf_dir)
    {
        const int link = before_.link(settings_.interface)->index;
        changes_.push_back({Change::Kind::pins, bpf_dir});
        if (settings_.hook == Hook::xdp) {
            changes_.push_back({Change::Kind::decap_xdp, bpf_dir, link});
            return;
        }
        const Change clsact{Change::Kind::clsact, settings_.interface, link};
        if (!before_.attached.has_ingress_qdisc || holds(old_, clsact))
            changes_.push_back(clsact);
        changes_.push_back({Change::Kind::decap_tc, settings_.interface, link});
    }

    void plan_vip(const IpAddress &vip)
    {
        const int lo = before_.link("lo")->index;
        const Change change{Change::Kind::address, to_string(vip), lo};
        const bool there =
            std::any_of(before_.addresses.begin(), before_.addresses.end(), [&](const InterfaceAddress &a) {
                const Link *link = before_.link(a.link);
                return a.address == vip && link && keeps_quiet(*link);
            });
        if (!there || holds(old_, change))
            changes_.push_back(change);
    }

    void plan_network(const Prefix &vip)
    {
        const Change change{Change::Kind::network, to_string(vip), before_.link("lo")->index};
        const auto &networks = before_.local_networks;
        const bool there = std::any_of(networks.begin(), networks.end(), [&](const LocalNetwork &n) {
            const Link *link = before_.link(n.link);
            return contains(n.prefix, vip) && link && keeps_quiet(*link);
        });
        if (!there || holds(old_, change))
            changes_.push_back(change);
    }

    const Facts before_;
    Facts after_;
    const Settings &settings_;
    const std::vector<Change> &old_;
    std::vector<Change> changes_;
};

} // namespace

std::vector<Change> plan(const Facts &facts, const Settings &settings, const std::vector<Change> &old,
                         const std::string &bpf_dir)
{
    return Planner(facts, settings, old).run(bpf_dir);
}

std::vector<Change> difference(const std::vector<Change> &old, const std::vector<Change> &wanted)
{
    std::vector<Change> gone;
    std::copy_if(old.begin(), old.end(), std::back_inserter(gone),
                 [&](const Change &c) { return !holds(wanted, c); });
    return gone;
}

Hook choose_hook(const Facts &facts, const Settings &settings)
{
    const bool needs_xdp = settings.mixes_families() && !facts.kernel.strips_mixed_families_at_tc();
    return needs_xdp ? Hook::xdp : Hook::tc;
}

} // namespace aya::backend
