// SPDX-License-Identifier: BSD-2-Clause
#include "validate.hpp"

#include "common/config/dataplane_fields.hpp"
#include "common/json/kinds.hpp"
#include "fields.hpp"
#include "validate_quic.hpp"
#include "vip_rules.hpp"

#include <unordered_map>

namespace aya
{

namespace
{

constexpr std::uint32_t kSmallestLookup = 251;
constexpr std::uint32_t kLargestLookup = 1048573;

class Validator
{
public:
    Validator(const Config &config, ErrorSink &errors)
        : config_(config), checker_(errors), errors_(errors), vips_(config_, checker_)
    {
    }

    void run()
    {
        if (config_.dataplane)
            check_dataplane(*config_.dataplane, checker_);
        check_limits();
        check_lists();
        vips_.check();
        std::unordered_map<std::string_view, std::string> names;
        for (std::size_t i = 0; i < config_.services.size(); ++i) {
            const std::string where = pointer_token("services") + pointer_token(i);
            checker_.check_unique<std::string_view>(names, config_.services[i].name,
                                                    show(config_.services[i].name), where + "/name");
            check_service(config_.services[i], where);
        }
    }

private:
    static std::string show(std::string_view text) { return quote(text); }
    static std::string show(unsigned number) { return std::to_string(number); }
    static std::string show(const IpAddress &address) { return quote(to_string(address)); }

    void check_limit(const char *what, std::uint64_t found, std::uint32_t limit)
    {
        const std::string pointer = "/controlplane/limits" + pointer_token(what);
        if (found > limit && !checker_.is_broken(pointer))
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

    void check_lists()
    {
        std::unordered_map<std::string_view, std::string> names;
        for (std::size_t i = 0; i < config_.lists.size(); ++i) {
            const SourceList &list = config_.lists[i];
            const std::string where = pointer_token("lists") + pointer_token(i);
            checker_.check_unique<std::string_view>(names, list.name, show(list.name), where + "/name");
            if (list.size() > kMostPrefixes)
                checker_.add(where + (list.file ? "/file" : "/prefixes"), // files are not read to their end
                             "found a list of " +
                                 (list.file ? "more than " + std::to_string(kMostPrefixes)
                                            : std::to_string(list.size())) +
                                 " prefixes; allowed: at most " + std::to_string(kMostPrefixes));
        }
    }

    void check_list_names(const ServiceConfig &service, const std::string &where)
    {
        std::size_t prefixes = 0;
        for (const auto &[key, names] :
             {std::pair("allow", &service.allow), std::pair("deny", &service.deny)})
            for (std::size_t i = 0; i < names->size(); ++i) {
                const SourceList *list = find_list(config_.lists, (*names)[i]);
                if (list == nullptr)
                    checker_.add(where + pointer_token(key) + pointer_token(i),
                                 "found " + quote((*names)[i]) + "; allowed: " + list_names(), {"/lists"});
                else
                    prefixes += list->size();
            }
        if (prefixes > kMostPrefixesOfAService)
            checker_.add(where, "found lists of " + std::to_string(prefixes) +
                                    " prefixes in all; allowed: at most " +
                                    std::to_string(kMostPrefixesOfAService) + " for a service");
    }

    std::string list_names() const
    {
        std::string names;
        for (const SourceList &list : config_.lists)
            names += (names.empty() ? "" : ", ") + quote(list.name);
        if (names.empty())
            return "nothing, because there are no /lists";
        return (config_.lists.size() == 1 ? "the list " : "one of the lists ") + names;
    }

    void check_service_limits(const ServiceConfig &service, const std::string &where)
    {
        const LimitsConfig &limits = service.limits;
        const std::string at = where + "/limits";
        const auto check_stateful = [&](const char *key, const std::optional<std::uint32_t> &limit) {
            if (limit && service.stateless)
                checker_.add(
                    at + pointer_token(key),
                    "found " + std::to_string(*limit) +
                        " with stateless true, where no packet begins a flow; allowed with stateless "
                        "false",
                    {where + "/stateless"});
        };
        check_stateful("new_flows", limits.new_flows);
        check_stateful("source_new_flows", limits.source_new_flows);
        if (limits.over_new_flows == OverNewFlows::refuse && !limits.limits_flows())
            checker_.add(at + "/over_new_flows",
                         "found \"refuse\" without a limit of new flows; allowed with new_flows or "
                         "source_new_flows",
                         {at + "/new_flows", at + "/source_new_flows"});
        const LimitsConfig usual;
        const bool per_source = limits.source_new_flows || limits.source_packets;
        const auto check_prefix = [&](const char *key, unsigned found, unsigned allowed) {
            if (found != allowed && !per_source)
                checker_.add(at + pointer_token(key),
                             "found " + show(found) + " without a limit per source; allowed: " +
                                 show(allowed) + ", or source_new_flows or source_packets",
                             {at + "/source_new_flows", at + "/source_packets"});
        };
        check_prefix("source_prefix_v4", limits.source_prefix_v4, usual.source_prefix_v4);
        check_prefix("source_prefix_v6", limits.source_prefix_v6, usual.source_prefix_v6);
    }

    void check_service(const ServiceConfig &service, const std::string &where)
    {
        check_lookup_size(service, where);
        check_health(service, where);
        check_draws(service, where);
        if (service.stateless && service.on_down != OnDown::move)
            checker_.add(where + "/on_down",
                         "found " + quote(to_string(service.on_down)) +
                             " with stateless true, where no flow has a backend; allowed: \"move\"",
                         {where + "/stateless"});
        check_list_names(service, where);
        check_service_limits(service, where);
        check_source_prefix(service, where, "source_prefix_v4", service.source_prefix_v4, kIpv4Bits);
        check_source_prefix(service, where, "source_prefix_v6", service.source_prefix_v6, kIpv6Bits);
        check_quic_lb(service, where, checker_);
        if (!row_of(service.encap).has_udp && service.gue_port != kGuePort)
            checker_.add(where + "/gue_port",
                         "found " + show(service.gue_port) + "; allowed with encap " +
                             quote(to_string(service.encap)) + ": " + show(kGuePort) + ", or encap \"gue\"",
                         {where + "/encap"});
        std::unordered_map<std::string_view, std::string> names;
        std::unordered_map<IpAddress, std::string> addresses;
        for (std::size_t i = 0; i < service.backends.size(); ++i) {
            const BackendConfig &backend = service.backends[i];
            const std::string backend_where = where + "/backends" + pointer_token(i);
            checker_.check_unique<std::string_view>(names, backend.name, show(backend.name),
                                                    backend_where + "/name");
            checker_.check_unique(addresses, backend.address, show(backend.address),
                                  backend_where + "/address");
            check_backend_address(service, backend.address, where, backend_where + "/address");
        }
    }

    // What was drawn must be remembered, and is not the same for all flows of a client.
    void check_draws(const ServiceConfig &service, const std::string &where)
    {
        if (!row_of(service.scheduler).draws())
            return;
        const std::string allowed = "; allowed with scheduler " + quote(to_string(service.scheduler)) + ": ";
        if (service.stateless)
            checker_.add(where + "/stateless", "found true" + allowed + "false", {where + "/scheduler"});
        if (service.affinity == Affinity::source)
            checker_.add(where + "/affinity", "found \"source\"" + allowed + "\"none\"",
                         {where + "/scheduler"});
    }

    void check_source_prefix(const ServiceConfig &service, const std::string &where, const char *key,
                             unsigned found, unsigned whole)
    {
        if (found != whole && !has_source_affinity(service))
            checker_.add(where + pointer_token(key),
                         "found " + show(found) + "; allowed with scheduler " +
                             quote(to_string(service.scheduler)) + " and affinity " +
                             quote(to_string(service.affinity)) + ": " + show(whole) +
                             ", or scheduler \"source-hash\" or affinity \"source\"",
                         {where + "/scheduler", where + "/affinity"});
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
            checker_.add(where + "/lookup_size",
                         "found " + std::to_string(size) +
                             ", which is not a prime; allowed: a prime, the nearest are " +
                             std::to_string(below) + " and " + std::to_string(above));
        } else if (size < service.backends.size()) {
            checker_.add(where + "/lookup_size",
                         "found " + std::to_string(size) + " slots for " +
                             std::to_string(service.backends.size()) +
                             " backends; allowed: at least one per backend, preferably a hundred",
                         {where + "/backends"});
        }
    }

    void check_health(const ServiceConfig &service, const std::string &where)
    {
        const HealthConfig &health = service.health;
        const std::string at = where + "/health";
        if (health.timeout >= health.interval)
            checker_.add(at + "/timeout",
                         "found \"" + format_duration(health.timeout) + "\" with the interval \"" +
                             format_duration(health.interval) + "\"; allowed: less than the interval",
                         {at + "/interval"});
        check_probe_options(health, at);
        if (health::probe_type(health.type).needs_port() && !probe_port(service))
            add_missing_port(health, at, where);
        if (health.fast_interval && *health.fast_interval > health.interval)
            checker_.add(at + "/fast_interval",
                         "found \"" + format_duration(*health.fast_interval) + "\" with the interval \"" +
                             format_duration(health.interval) + "\"; allowed: at most the interval",
                         {at + "/interval"});
    }

    void add_missing_port(const HealthConfig &health, const std::string &at, const std::string &where)
    {
        const bool udp = health::probe_type(health.type).port == health::PortOf::udp_vip;
        const std::string protocol = udp ? "UDP" : "TCP";
        checker_.add(at + "/port",
                     "missing, and no " + protocol + " VIP of the service has a single port; required: the " +
                         protocol + " port to probe, from 1 to 65535",
                     {at + "/type", where + "/vips"});
    }

    void check_probe_options(const HealthConfig &health, const std::string &at)
    {
        const OrderedJson options = fields<ProbeOptions>().write(health.options);
        for (const auto &[key, value] : options.items())
            if (!health::probe_type(health.type).has(key))
                checker_.add(at + pointer_token(key),
                             "found " + describe(Json(value)) + " with type " +
                                 quote(to_string(health.type)) + "; allowed with type " + types_with(key),
                             {at + "/type"});
        check_keys_without_effect(health, at);
        if (health.via == Via::tunnel && !health::probe_type(health.type).tunnels())
            checker_.add(at + "/via",
                         "found \"tunnel\" with type " + quote(to_string(health.type)) +
                             ", which has no VIP to go to; allowed: \"direct\"",
                         {at + "/type"});
        const auto &command = health.options.command;
        if (health.type == HealthType::exec && !command)
            checker_.add(at + "/command", "missing; required with type \"exec\": the program to run",
                         {at + "/type"});
        if (command && !command->empty() && !command->front().starts_with('/'))
            checker_.add(at + "/command/0",
                         "found " + show(command->front()) + "; allowed: the absolute path of a program");
    }

    // Keys that the type has, and that say nothing beside another key.
    void check_keys_without_effect(const HealthConfig &health, const std::string &at)
    {
        const ProbeOptions &options = health.options;
        if (health.type == HealthType::icmp && health.port)
            checker_.add(at + "/port",
                         "found " + std::to_string(*health.port) +
                             " with type \"icmp\", which has no ports; required: no port",
                         {at + "/type"});
        if (health.type == HealthType::grpc && !options.tls.value_or(false)) {
            const std::string without_tls = " with tls false; allowed with tls true";
            if (options.tls_verify)
                checker_.add(at + "/tls_verify", "found " + describe(Json(*options.tls_verify)) + without_tls,
                             {at + "/tls"});
            if (options.tls_server_name)
                checker_.add(at + "/tls_server_name", "found " + show(*options.tls_server_name) + without_tls,
                             {at + "/tls"});
        }
        if (options.method == HttpMethod::head && options.expected_body)
            checker_.add(at + "/expected_body",
                         "found " + show(*options.expected_body) +
                             " with method \"HEAD\", whose answer has no body; allowed with method "
                             "\"GET\", \"OPTIONS\"",
                         {at + "/method"});
    }

    void check_backend_address(const ServiceConfig &service, const IpAddress &address,
                               const std::string &where, const std::string &at)
    {
        if (checker_.is_broken(at))
            return;
        if (const VipRules::Owner *owner = vips_.owner_of(address))
            checker_.add(at, "found " + show(address) + ", which is a VIP of service " +
                                 quote(owner->service) + " (" + owner->where +
                                 "); allowed: the backend's own address");
        if (row_of(service.encap).has_tunnel())
            return;
        for (std::size_t i = 0; i < service.vips.size(); ++i) {
            const VipKey &other = service.vips[i];
            if (other.address.is_v4() == address.is_v4())
                continue;
            const std::string family = other.address.is_v4() ? "IPv4" : "IPv6";
            checker_.add(at,
                         "found " + show(address) + " for the " + family + " VIP " + quote(to_string(other)) +
                             " with encap \"l2\"; allowed: an " + family +
                             " address, or encap \"ipip\" or \"gue\"",
                         {where + "/encap", where + "/vips" + pointer_token(i)});
            return;
        }
    }

    const Config &config_;
    Checker checker_;
    ErrorSink &errors_;
    VipRules vips_;
};

} // namespace

void validate(const Config &config, ErrorSink &errors)
{
    Validator(config, errors).run();
}

} // namespace aya
