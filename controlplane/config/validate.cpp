// SPDX-License-Identifier: BSD-2-Clause
#include "validate.hpp"

#include "common/json/kinds.hpp"

#include <initializer_list>
#include <set>
#include <unordered_map>

namespace aya
{

namespace
{

constexpr std::uint32_t kSmallestLookup = 251;
constexpr std::uint32_t kLargestLookup = 1048573;

// Pointers at which reading failed.
class Broken
{
public:
    explicit Broken(const ConfigErrors &errors)
    {
        for (const ConfigError &error : errors)
            pointers_.insert(error.where);
    }

    // An error at `pointer`, in something inside it, or in something around it.
    bool touches(const std::string &pointer) const
    {
        const auto inside = pointers_.lower_bound(pointer + "/");
        if (inside != pointers_.end() && inside->starts_with(pointer + "/"))
            return true;
        std::string around = pointer;
        while (!around.empty()) {
            if (pointers_.contains(around))
                return true;
            around.erase(around.rfind('/'));
        }
        return false;
    }

private:
    std::set<std::string> pointers_;
};

class Validator
{
public:
    Validator(const Config &config, ErrorSink &errors)
        : config_(config), broken_(errors.errors()), errors_(errors)
    {
    }

    void run()
    {
        if (config_.dataplane)
            check_dataplane(*config_.dataplane);
        check_limits();
        collect_vips();
        std::unordered_map<std::string_view, std::string> names;
        for (std::size_t i = 0; i < config_.services.size(); ++i) {
            const std::string where = pointer_token("services") + pointer_token(i);
            check_unique<std::string_view>(names, config_.services[i].name, where + "/name");
            check_service(config_.services[i], where);
        }
    }

private:
    struct VipOwner {
        std::string where;
        std::string_view service;
    };

    void add(const std::string &where, const std::string &message,
             std::initializer_list<std::string> depends = {})
    {
        if (broken_.touches(where))
            return;
        for (const std::string &pointer : depends) {
            if (broken_.touches(pointer))
                return;
        }
        errors_.add(where, message);
    }

    template <typename Key>
    void check_unique(std::unordered_map<Key, std::string> &seen, const Key &key, const std::string &where)
    {
        if (broken_.touches(where))
            return;
        const auto [first, is_new] = seen.try_emplace(key, where);
        if (!is_new)
            add(where,
                "found " + show(key) + ", which " + first->second + " has already; allowed: each once");
    }

    static std::string show(std::string_view text) { return quote(text); }
    static std::string show(unsigned number) { return std::to_string(number); }
    static std::string show(const IpAddress &address) { return quote(to_string(address)); }

    void check_dataplane(const DataplaneConfig &dataplane)
    {
        std::unordered_map<unsigned, std::string> workers;
        for (std::size_t i = 0; i < dataplane.workers.size(); ++i)
            check_unique(workers, dataplane.workers[i], "/dataplane/workers" + pointer_token(i));
        const auto same = dataplane.main_lcore ? workers.find(*dataplane.main_lcore) : workers.end();
        if (same != workers.end())
            add("/dataplane/main_lcore", "found " + show(same->first) + ", which " + same->second +
                                             " has already; allowed: an lcore that no worker has");
        if (dataplane.path == DataplanePath::automatic)
            check_automatic_ports(dataplane);
        std::unordered_map<std::string_view, std::string> devices;
        std::unordered_map<std::string_view, std::string> punts;
        for (std::size_t i = 0; i < dataplane.ports.size(); ++i) {
            const PortConfig &port = dataplane.ports[i];
            const std::string where = "/dataplane/ports" + pointer_token(i);
            check_unique<std::string_view>(devices, port.device, where + "/device");
            if (port.punt)
                check_unique<std::string_view>(punts, *port.punt, where + "/punt");
            if (port.replace_program && dataplane.path == DataplanePath::dpdk)
                add(where + "/replace_program", "found true; allowed with path \"dpdk\": false",
                    {"/dataplane/path"});
        }
    }

    // Which of the two sets of keys a port has depends on whether it is the kernel's.
    void check_automatic_ports(const DataplaneConfig &dataplane)
    {
        std::size_t interfaces = 0;
        for (std::size_t i = 0; i < dataplane.ports.size(); ++i) {
            const PortConfig &port = dataplane.ports[i];
            const std::string where = "/dataplane/ports" + pointer_token(i);
            if (!names_interface(port.device)) {
                if (port.replace_program)
                    add(where + "/replace_program",
                        "found true; allowed for a device that is not the kernel's: false");
                continue;
            }
            interfaces++;
            const auto refuse = [&](const char *key, const std::string &found) {
                add(where + "/" + key,
                    "found " + found +
                        "; allowed with path \"auto\": none, for the interface stays the kernel's, "
                        "and has its own");
            };
            if (port.punt)
                refuse("punt", quote(*port.punt));
            if (port.mtu)
                refuse("mtu", show(*port.mtu));
            if (port.mac)
                refuse("mac", "an address");
        }
        if (interfaces != 0 && interfaces != dataplane.ports.size())
            add("/dataplane/ports",
                "found kernel interfaces beside other devices; allowed with path \"auto\": one kind", {});
    }

    void check_limit(const char *what, std::uint64_t found, std::uint32_t limit)
    {
        const std::string pointer = "/controlplane/limits" + pointer_token(what);
        if (found > limit && !broken_.touches(pointer))
            errors_.add("/services", "found " + std::to_string(found) + " " + what + " in all; allowed: " +
                                         std::to_string(limit) + ", set by " + pointer);
    }

    void check_limits()
    {
        std::uint64_t vips = 0;
        std::uint64_t backends = 0;
        std::uint64_t slots = 0;
        for (const ServiceConfig &service : config_.services) {
            vips += service.vips.size();
            backends += service.backends.size();
            slots += service.lookup_size;
        }
        const Limits &limits = config_.controlplane.limits;
        check_limit("services", config_.services.size(), limits.services);
        check_limit("vips", vips, limits.vips);
        check_limit("backends", backends, limits.backends);
        check_limit("lookup_slots", slots, limits.lookup_slots);
    }

    void collect_vips()
    {
        for (std::size_t i = 0; i < config_.services.size(); ++i) {
            const ServiceConfig &service = config_.services[i];
            const std::string list = pointer_token("services") + pointer_token(i) + "/vips";
            for (std::size_t j = 0; j < service.vips.size(); ++j)
                collect_vip(service, service.vips[j], list + pointer_token(j));
        }
    }

    void collect_vip(const ServiceConfig &service, const VipKey &vip, const std::string &where)
    {
        if (broken_.touches(where))
            return;
        vip_addresses_.try_emplace(vip.address, VipOwner{where, service.name});
        const auto [first, is_new] = vips_.try_emplace(vip, VipOwner{where, service.name});
        if (!is_new)
            add(where, "found " + quote(to_string(vip)) + ", which service " + quote(first->second.service) +
                           " has already (" + first->second.where + "); allowed: each VIP once");
    }

    void check_service(const ServiceConfig &service, const std::string &where)
    {
        check_lookup_size(service, where);
        check_health(service, where);
        if (service.encap != Encap::gue && service.gue_port != kGuePort)
            add(where + "/gue_port",
                "found " + show(service.gue_port) + "; allowed with encap " +
                    quote(to_string(service.encap)) + ": " + show(kGuePort) + ", or encap \"gue\"",
                {where + "/encap"});
        std::unordered_map<std::string_view, std::string> names;
        std::unordered_map<IpAddress, std::string> addresses;
        for (std::size_t i = 0; i < service.backends.size(); ++i) {
            const BackendConfig &backend = service.backends[i];
            const std::string backend_where = where + "/backends" + pointer_token(i);
            check_unique<std::string_view>(names, backend.name, backend_where + "/name");
            check_unique(addresses, backend.address, backend_where + "/address");
            check_backend_address(service, backend.address, where, backend_where + "/address");
        }
    }

    void check_lookup_size(const ServiceConfig &service, const std::string &where)
    {
        const std::uint32_t size = service.lookup_size;
        if (!is_prime(size)) {
            std::uint32_t below = size;
            std::uint32_t above = size;
            while (below > kSmallestLookup && !is_prime(below))
                --below;
            while (above < kLargestLookup && !is_prime(above))
                ++above;
            add(where + "/lookup_size", "found " + std::to_string(size) +
                                            ", which is not a prime; allowed: a prime, the nearest are " +
                                            std::to_string(below) + " and " + std::to_string(above));
        } else if (size < service.backends.size()) {
            add(where + "/lookup_size",
                "found " + std::to_string(size) + " slots for " + std::to_string(service.backends.size()) +
                    " backends; allowed: at least one a backend, better a hundred",
                {where + "/backends"});
        }
    }

    void check_health(const ServiceConfig &service, const std::string &where)
    {
        const HealthConfig &health = service.health;
        const std::string at = where + "/health";
        if (health.timeout >= health.interval)
            add(at + "/timeout",
                "found \"" + format_duration(health.timeout) + "\" with the interval \"" +
                    format_duration(health.interval) + "\"; allowed: less than the interval",
                {at + "/interval"});
        if (health::probe_type(health.type).needs_port && !probe_port(service))
            add(at + "/port",
                "found nothing, and no TCP VIP of the service names a port; required: the TCP port to probe, "
                "from 1 "
                "to 65535",
                {at + "/type", where + "/vips"});
    }

    void check_backend_address(const ServiceConfig &service, const IpAddress &address,
                               const std::string &where, const std::string &at)
    {
        if (broken_.touches(at))
            return;
        const auto vip = vip_addresses_.find(address);
        if (vip != vip_addresses_.end())
            add(at, "found " + show(address) + ", which is a VIP of service " + quote(vip->second.service) +
                        " (" + vip->second.where + "); allowed: the backend's own address");
        if (row_of(service.encap).has_tunnel())
            return;
        for (std::size_t i = 0; i < service.vips.size(); ++i) {
            const VipKey &other = service.vips[i];
            if (other.address.is_v4() == address.is_v4())
                continue;
            const std::string family = other.address.is_v4() ? "IPv4" : "IPv6";
            add(at,
                "found " + show(address) + " behind the " + family + " VIP " + quote(to_string(other)) +
                    " with encap \"l2\"; allowed: an " + family + " address, or encap \"ipip\" or \"gue\"",
                {where + "/encap", where + "/vips" + pointer_token(i)});
            return;
        }
    }

    const Config &config_;
    Broken broken_;
    ErrorSink &errors_;
    std::unordered_map<VipKey, VipOwner> vips_;
    std::unordered_map<IpAddress, VipOwner> vip_addresses_;
};

} // namespace

void validate(const Config &config, ErrorSink &errors)
{
    Validator(config, errors).run();
}

} // namespace aya
