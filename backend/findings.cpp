// SPDX-License-Identifier: BSD-2-Clause
#include "findings.hpp"

#include "sysctl.hpp"

#include <algorithm>

namespace aya::backend
{

namespace
{

constexpr std::uint32_t kClientMtu = 1500;
constexpr std::uint32_t kIpv4Header = 20;
constexpr std::uint32_t kIpv6Header = 40;
constexpr std::uint32_t kUdpHeader = 8;
constexpr std::uint32_t kTcpHeader = 20;
constexpr int kStrict = 1;

struct Description {
    const char *code;
    bool blocks_up;
};

constexpr Description kDescriptions[] = {
#define AYA_X(code, blocks) {#code, blocks},
    AYA_BACKEND_DEFECTS(AYA_X)
#undef AYA_X
};

class Judge
{
public:
    Judge(const Facts &facts, const Settings &settings) : facts_(facts), settings_(settings) {}

    std::vector<Finding> run()
    {
        check_interfaces();
        check_vips();
        check_arp();
        check_routes();
        if (settings_.has_tunnel()) {
            if (facts_.root)
                check_decap();
            check_mtu();
        }
        check_listeners();
        return std::move(findings_);
    }

private:
    void add(Defect defect, const std::string &text) { findings_.push_back({defect, text}); }

    bool is_v6_off(const std::string &name) const
    {
        return std::find(facts_.ipv6_off.begin(), facts_.ipv6_off.end(), name) != facts_.ipv6_off.end();
    }

    void check_interfaces()
    {
        if (!facts_.root)
            add(Defect::not_root, "not root: programs at the hooks cannot be inspected; run as root");
        const Link *lo = facts_.link("lo");
        if (!lo || !lo->up)
            add(Defect::lo_down, "lo: down, so VIPs on it are not reachable; run: ip link set dev lo up");
        const Link *link = facts_.link(settings_.interface);
        if (!link || !link->up)
            add(Defect::interface_down,
                settings_.interface + ": down; run: ip link set dev " + settings_.interface + " up");
        else if (!link->carrier)
            add(Defect::no_carrier,
                settings_.interface + ": no carrier; check the cable and the other end of the link");
        if (settings_.has_v6_vip())
            for (const std::string &name : {std::string("lo"), settings_.interface})
                if (is_v6_off(name))
                    add(Defect::ipv6_off, name + ": IPv6 is disabled, but there are IPv6 VIPs; run: " +
                                              sysctl::command(sysctl::ipv6_conf(name, "disable_ipv6"), 0));
    }

    void check_vips()
    {
        for (const Prefix &vip : settings_.vips) {
            bool placed = has_network(vip);
            for (const InterfaceAddress &a : facts_.addresses)
                if (contains(vip, host_prefix(a.address)))
                    placed |= check_place(a, vip) && is_host(vip);
            check_gateways(vip);
            if (!placed && (vip.address.is_v4() || !is_v6_off("lo")))
                report_missing(vip);
        }
    }

    void check_gateways(const Prefix &vip)
    {
        for (const DefaultRoute &route : facts_.default_routes)
            for (const IpAddress &gateway : route.gateways)
                if (contains(vip, host_prefix(gateway)))
                    add(Defect::vip_has_gateway,
                        to_string(vip) + ": has the default gateway " + to_string(gateway) +
                            ", which this host would take for itself; choose VIPs without it");
    }

    bool has_network(const Prefix &vip) const
    {
        return std::any_of(facts_.local_networks.begin(), facts_.local_networks.end(),
                           [&](const LocalNetwork &n) {
                               const Link *link = facts_.link(n.link);
                               return contains(n.prefix, vip) && link && keeps_quiet(*link);
                           });
    }

    // Where a VIP was found. True: on an interface where it belongs.
    bool check_place(const InterfaceAddress &a, const Prefix &vip)
    {
        const std::string where = facts_.name_of(a.link);
        const std::string with_prefix = to_string(a.address) + "/" + std::to_string(a.prefix);
        const std::string removal = "; run: ip address del " + with_prefix + " dev " + where;
        const Link *link = facts_.link(a.link);
        if (!link || !keeps_quiet(*link)) {
            add(Defect::vip_elsewhere, to_string(a.address) + ": also on " + where +
                                           ", so this host answers for it on the network "
                                           "and takes the traffic of all backends" +
                                           removal +
                                           (is_host(vip) ? "" : ", or name longer prefixes without it"));
            return false;
        }
        if (a.prefix < vip.length)
            add(Defect::vip_too_wide, to_string(a.address) + ": on " + where + " as " + with_prefix +
                                          ", which makes the whole "
                                          "network local to this host" +
                                          removal);
        return true;
    }

    void report_missing(const Prefix &vip)
    {
        const std::string command =
            is_host(vip)          ? "ip address add " + to_string(vip) + "/" + std::to_string(vip.length)
            : vip.address.is_v4() ? "ip route add local " + to_string(vip)
                                  : "ip -6 route add local " + to_string(vip);
        add(Defect::vip_missing,
            to_string(vip) + ": not on lo; run: aya-backend up, or: " + command + " dev lo");
    }

    void check_arp()
    {
        if (!settings_.has_v4_vip())
            return;
        check_arp_key(Defect::arp_ignore, "arp_ignore", &Ipv4Conf::arp_ignore, is_quiet_arp_ignore, 1,
                      "this host answers ARP requests for VIPs");
        check_arp_key(Defect::arp_announce, "arp_announce", &Ipv4Conf::arp_announce, is_quiet_arp_announce, 2,
                      "this host sends ARP requests with VIPs as the sender");
    }

    void check_arp_key(Defect defect, const char *key, int Ipv4Conf::*field, bool (*is_quiet)(int),
                       int wanted, const std::string &consequence)
    {
        std::string where;
        for (const std::string &interface : arp_interfaces(facts_))
            if (!is_quiet(effective(facts_, interface, field)))
                where += (where.empty() ? "" : ", ") + interface + " (" +
                         std::to_string(effective(facts_, interface, field)) + ")";
        if (!where.empty())
            add(defect, std::string(key) + ": not " + std::to_string(wanted) + " on " + where + ", so " +
                            consequence + "; run: " + sysctl::command(sysctl::ipv4_conf("all", key), wanted));
    }

    void check_routes()
    {
        const Link *link = facts_.link(settings_.interface);
        if (!link || !link->up)
            return; // its routes are gone with it
        for (const bool v4 : {true, false})
            if ((v4 ? settings_.has_v4_vip() : settings_.has_v6_vip() && !is_v6_off(settings_.interface)) &&
                !facts_.default_route(v4))
                add(Defect::no_default_route, std::string(v4 ? "IPv4" : "IPv6") +
                                                  ": no default route, so answers reach only clients on "
                                                  "this host's own networks; run: ip " +
                                                  (v4 ? "" : "-6 ") + "route add default via GATEWAY");
        if (settings_.has_v4_vip() && drops_by_rp_filter(facts_, settings_.interface))
            report_rp_filter(settings_.interface,
                             "the route back to clients is through " +
                                 facts_.name_of(facts_.default_route(true)->links.front()));
    }

    void report_rp_filter(const std::string &interface, const std::string &why)
    {
        add(Defect::rp_filter, interface + ": rp_filter is 1 (strict; the larger value of all and " +
                                   interface + "), and " + why + ", so clients' packets are dropped; run: " +
                                   sysctl::command(sysctl::ipv4_conf(interface, "rp_filter"), 2));
    }

    void check_decap()
    {
        const Attached &attached = facts_.attached;
        const auto filter = attached.decap_filter();
        if (settings_.hook == Hook::xdp && !attached.xdp.empty() && !attached.has_decap_xdp())
            add(Defect::foreign_xdp, settings_.interface + ": has another XDP program, " + attached.xdp +
                                         "; detach it, or use --hook tc");
        if (filter)
            check_tc(*filter);
        else if (attached.has_decap_xdp())
            check_xdp();
        else
            check_tunnels();
        if ((filter || attached.has_decap_xdp()) && attached.addresses)
            check_stripped(*attached.addresses);
    }

    void check_stripped(const std::vector<IpAddress> &stripped)
    {
        for (const IpAddress &local : settings_.locals)
            if (!contains(stripped, local))
                add(Defect::decap_lacks_address, to_string(local) + ": an address of " + settings_.interface +
                                                     " that is not decapsulated; run: aya-backend up");
        const std::uint16_t port = facts_.attached.gue_port;
        if (settings_.strips_udp() && !stripped.empty() && port != settings_.gue_port)
            add(Defect::decap_other_port,
                settings_.interface + ": GUE is " +
                    (port == 0 ? "not decapsulated" : "decapsulated at UDP port " + std::to_string(port)) +
                    "; run: aya-backend up --encap " + std::string(to_string(settings_.encap)) +
                    " --gue-port " + std::to_string(settings_.gue_port));
        for (const Prefix &vip : settings_.vips)
            if (facts_.attached.vips && !takes(*facts_.attached.vips, vip))
                add(Defect::decap_lacks_vip,
                    to_string(vip) + ": packets for it are not decapsulated; run: aya-backend up");
        check_balancers();
    }

    static bool takes(const std::vector<Prefix> &stripped, const Prefix &vip)
    {
        return std::any_of(stripped.begin(), stripped.end(),
                           [&](const Prefix &prefix) { return contains(prefix, vip); });
    }

    void check_balancers()
    {
        const auto &taken = facts_.attached.balancers;
        if (!taken || std::find(taken->begin(), taken->end(), kEveryone) != taken->end()) {
            add(Defect::any_balancer,
                settings_.interface +
                    ": packets of any sender are decapsulated, so whoever reaches this host "
                    "can pretend to be any client; name the balancers: run: aya-backend up "
                    "... --balancer ADDRESS");
            return;
        }
        for (const Prefix &balancer : settings_.balancers)
            if (std::find(taken->begin(), taken->end(), balancer) == taken->end())
                add(Defect::lacks_balancer,
                    to_string(balancer) +
                        ": packets of this balancer are not decapsulated; run: aya-backend up");
    }

    void check_tc(std::size_t ours)
    {
        const Attached &attached = facts_.attached;
        auto ahead = [&](const std::string &what) {
            add(Defect::program_ahead,
                settings_.interface + ": " + what +
                    " runs before decapsulation at tc ingress and sees packets "
                    "still in the tunnel; remove it, give it a later priority, or use --hook xdp");
        };
        for (const std::string &name : attached.tcx)
            ahead("tcx program " + name);
        for (std::size_t i = 0; i < ours; i++)
            ahead(attached.ingress[i].kind + " filter " +
                  (attached.ingress[i].name.empty() ? "" : attached.ingress[i].name + " ") + "(priority " +
                  std::to_string(attached.ingress[i].priority) + ")");
        if (settings_.strips_udp() && facts_.udp_gro)
            add(Defect::udp_gro,
                settings_.interface +
                    ": merges UDP datagrams, and so tunnel packets, before decapsulation; run: ethtool -K " +
                    settings_.interface + " rx-udp-gro-forwarding off rx-gro-list off, or use --hook xdp");
        if (settings_.mixes_families() && !facts_.kernel.strips_mixed_families_at_tc())
            add(Defect::old_kernel, settings_.interface + ": kernel " + std::to_string(facts_.kernel.major) +
                                        "." + std::to_string(facts_.kernel.minor) +
                                        " cannot decapsulate IPv4 in IPv6 or IPv6 in IPv4 at tc (6.3 can); "
                                        "use --hook xdp, or --local with addresses of the VIPs' family only");
    }

    void check_xdp()
    {
        if (facts_.attached.xdp_generic)
            add(Defect::generic_xdp, settings_.interface +
                                         ": decapsulation runs as generic XDP, after GRO has merged packets, "
                                         "and damages them; run: aya-backend up --hook tc");
        if (facts_.lro)
            add(Defect::lro, settings_.interface +
                                 ": LRO merges packets before XDP sees them; run: ethtool -K " +
                                 settings_.interface + " lro off");
    }

    bool has_gue_socket() const
    {
        return std::any_of(facts_.listeners.begin(), facts_.listeners.end(), [&](const Listener &l) {
            return !l.port.tcp && l.port.number == settings_.gue_port;
        });
    }

    // Without a program, devices of the kernel may do the work: one for each mix of families, and for GUE a
    // socket (ip fou) that takes UDP off first.
    void check_tunnels()
    {
        std::string missing;
        if (settings_.strips_udp() && !has_gue_socket())
            missing = "fou at UDP port " + std::to_string(settings_.gue_port);
        for (const IpAddress &local : settings_.locals)
            for (const Prefix &vip : settings_.vips) {
                const char *kind = !local.is_v4() ? "ip6tnl" : vip.address.is_v4() ? "ipip" : "sit";
                const auto matches = [&](const Link &l) { return l.kind == kind && l.up; };
                if (std::none_of(facts_.links.begin(), facts_.links.end(), matches) &&
                    missing.find(kind) == std::string::npos)
                    missing += (missing.empty() ? "" : ", ") + std::string(kind);
            }
        if (!missing.empty() || settings_.locals.empty())
            report_no_decap(missing);
        for (const Link &link : facts_.links)
            if (missing.empty() && link.up && (link.kind == "ipip" || link.kind == "ip6tnl") &&
                settings_.has_v4_vip() && effective(facts_, link.name, &Ipv4Conf::rp_filter) == kStrict)
                report_rp_filter(link.name, "answers do not leave by the tunnel");
    }

    void report_no_decap(const std::string &missing)
    {
        const std::string &interface = settings_.interface;
        if (settings_.locals.empty())
            add(Defect::no_decap,
                interface +
                    ": has no address that the balancer could tunnel to; add one, or give one with --local");
        else if (settings_.is_set_up && settings_.hook == Hook::tc && !facts_.attached.has_ingress_qdisc)
            add(Defect::no_clsact,
                interface + ": qdisc clsact was removed, and decapsulation with it; run: aya-backend up");
        else
            add(Defect::no_decap,
                interface +
                    ": nothing removes the outer header: there is no decapsulation program, and no tunnel "
                    "device that is up (" +
                    missing + "); run: aya-backend up --encap " + std::string(to_string(settings_.encap)));
    }

    void check_mtu()
    {
        const Link *link = facts_.link(settings_.interface);
        const bool outer_v6 = std::any_of(settings_.locals.begin(), settings_.locals.end(),
                                          [](const IpAddress &a) { return !a.is_v4(); });
        const std::uint32_t outer =
            (outer_v6 ? kIpv6Header : kIpv4Header) + (settings_.strips_udp() ? kUdpHeader : 0);
        if (!link || link->mtu >= kClientMtu + outer)
            return;
        for (const bool v4 : {true, false}) {
            if (!(v4 ? settings_.has_v4_vip() : settings_.has_v6_vip()))
                continue;
            const std::uint32_t headers = outer + (v4 ? kIpv4Header : kIpv6Header) + kTcpHeader;
            const std::uint32_t fits = link->mtu > headers ? link->mtu - headers : 0;
            const DefaultRoute *route = facts_.default_route(v4);
            if (route && route->advmss != 0 && route->advmss <= fits)
                continue;
            add(Defect::mtu, link->name + ": MTU " + std::to_string(link->mtu) +
                                 " is too small for a client's packet of 1500 bytes and "
                                 "outer headers of " +
                                 std::to_string(outer) + "; run: ip link set dev " + link->name + " mtu " +
                                 std::to_string(kClientMtu + outer) +
                                 " (on the whole path from the balancer), or make clients send "
                                 "less: ip " +
                                 (v4 ? "" : "-6 ") + "route change default ... advmss " +
                                 std::to_string(fits));
            return;
        }
    }

    void check_listeners()
    {
        for (const Port &port : settings_.ports)
            for (const Prefix &vip : settings_.vips)
                if (!has_listener(vip, port))
                    add(Defect::no_listener, text_of(vip, port) +
                                                 ": no listener; start the server, on this address or on "
                                                 "all addresses of its family");
    }

    bool has_listener(const Prefix &vip, const Port &port) const
    {
        static const IpAddress any_v4 = *parse_ip_address("0.0.0.0");
        static const IpAddress any_v6{};
        return std::any_of(facts_.listeners.begin(), facts_.listeners.end(), [&](const Listener &l) {
            return l.port.number == port.number && l.port.tcp == port.tcp &&
                   (host_prefix(l.address) == vip ||
                    (vip.address.is_v4() && (l.address == any_v4 || l.also_v4)) ||
                    (!vip.address.is_v4() && l.address == any_v6));
        });
    }

    const Facts &facts_;
    const Settings &settings_;
    std::vector<Finding> findings_;
};

} // namespace

const char *code_of(Defect defect)
{
    return kDescriptions[static_cast<std::size_t>(defect)].code;
}

bool blocks_up(Defect defect)
{
    return kDescriptions[static_cast<std::size_t>(defect)].blocks_up;
}

std::vector<Finding> judge(const Facts &facts, const Settings &settings)
{
    return Judge(facts, settings).run();
}

bool keeps_quiet(const Link &link)
{
    return link.loopback || !link.arp;
}

int effective(const Facts &facts, const std::string &interface, int Ipv4Conf::*key)
{
    return std::max(facts.conf("all").*key, facts.conf(interface).*key);
}

bool is_quiet_arp_ignore(int value)
{
    return value == 1 || value == 2 || value == 8;
}

bool is_quiet_arp_announce(int value)
{
    return value == 2;
}

std::vector<std::string> arp_interfaces(const Facts &facts)
{
    std::vector<std::string> names;
    for (const Link &link : facts.links)
        if (link.up && !keeps_quiet(link))
            names.push_back(link.name);
    return names;
}

bool drops_by_rp_filter(const Facts &facts, const std::string &interface)
{
    const DefaultRoute *route = facts.default_route(true);
    const Link *link = facts.link(interface);
    return effective(facts, interface, &Ipv4Conf::rp_filter) == kStrict && route && link &&
           std::find(route->links.begin(), route->links.end(), link->index) == route->links.end();
}

} // namespace aya::backend
