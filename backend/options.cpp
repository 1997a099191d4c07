// SPDX-License-Identifier: BSD-2-Clause
#include "options.hpp"

#include "common/error.hpp"
#include "common/vip_prefix.hpp"

#include "decap.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <iostream>

namespace aya::backend
{

namespace
{

struct Texts {
    std::vector<std::string> vips, locals, balancers, ports;
    std::string encap, gue_port, hook, output = "table";
};

IpAddress parse_address(const std::string &option, const std::string &text)
{
    const auto address = parse_ip_address(text);
    if (!address)
        throw UsageError(option + " " + text +
                         ": must be an IPv4 or IPv6 address without prefix length, such as 203.0.113.10");
    if (!is_routable(*address))
        throw UsageError(option + " " + text + ": must be a unicast address, not loopback or link-local");
    return *address;
}

[[noreturn]] void refuse_repeated(const std::string &option, const std::string &text)
{
    throw UsageError(option + " " + text + ": given twice");
}

std::vector<IpAddress> parse_addresses(const std::string &option, const std::vector<std::string> &texts)
{
    std::vector<IpAddress> addresses;
    for (const std::string &text : texts) {
        const IpAddress address = parse_address(option, text);
        if (contains(addresses, address))
            refuse_repeated(option, text);
        addresses.push_back(address);
    }
    return addresses;
}

// `example`: two of them, such as "10.0.1.2 or 10.0.1.0/24".
std::vector<Prefix> parse_prefixes(const std::string &option, const std::vector<std::string> &texts,
                                   const std::string &example)
{
    std::vector<Prefix> prefixes;
    for (const std::string &text : texts) {
        const auto prefix = parse_prefix(text);
        if (!prefix)
            throw UsageError(option + " " + text + ": must be an IPv4 or IPv6 address or network, such as " +
                             example);
        if (!is_routable(prefix->address))
            throw UsageError(option + " " + text + ": must be unicast addresses, not loopback or link-local");
        if (network_of(*prefix) != *prefix)
            throw UsageError(option + " " + text + ": has bits beyond its prefix length; the network is " +
                             to_string(network_of(*prefix)));
        if (std::find(prefixes.begin(), prefixes.end(), *prefix) != prefixes.end())
            refuse_repeated(option, text);
        prefixes.push_back(*prefix);
    }
    return prefixes;
}

std::optional<Encap> parse_encap(const std::string &text)
{
    if (text.empty())
        return std::nullopt;
    const auto encap = parse_name<Encap>(text);
    if (!encap)
        throw UsageError("--encap " + text + ": must be " + encap_names(", ", " or "));
    return encap;
}

std::optional<Hook> parse_hook(const std::string &text)
{
    if (text.empty() || text == "auto")
        return std::nullopt;
    if (text != "tc" && text != "xdp")
        throw UsageError("--hook " + text + ": must be tc, xdp or auto");
    return text == "tc" ? Hook::tc : Hook::xdp;
}

// 0: no port number.
std::uint16_t port_number(std::string_view text)
{
    std::uint16_t number = 0;
    const char *end = text.data() + text.size();
    const auto [parsed, error] = std::from_chars(text.data(), end, number);
    return error == std::errc() && parsed == end ? number : std::uint16_t{0};
}

Port parse_port(const std::string &text)
{
    const std::size_t slash = text.find('/');
    const std::string protocol = slash == std::string::npos ? "tcp" : text.substr(slash + 1);
    Port port;
    port.number = port_number(std::string_view(text).substr(0, slash));
    if (port.number == 0 || (protocol != "tcp" && protocol != "udp"))
        throw UsageError("--port " + text + ": must be 1 to 65535, optionally followed by /tcp or /udp");
    port.tcp = protocol == "tcp";
    return port;
}

std::uint16_t parse_gue_port(const std::string &text)
{
    if (text.empty())
        return kGuePort;
    const std::uint16_t number = port_number(text);
    if (number == 0)
        throw UsageError("--gue-port " + text + ": must be 1 to 65535");
    return number;
}

void check_vip_lengths(const std::vector<Prefix> &vips)
{
    for (const Prefix &vip : vips)
        if (is_too_short_for_vips(vip))
            throw UsageError("--vip " + to_string(vip) + ": too short a prefix; at least /" +
                             std::to_string(vip.address.is_v4() ? kShortestVip4 : kShortestVip6));
}

void check_count(const std::string &option, std::size_t count, std::size_t limit)
{
    if (count > limit)
        throw UsageError(option + ": at most " + std::to_string(limit));
}

void check_combination(const Options &options, bool hook_given, bool gue_port_given)
{
    if (options.verb == Verb::up && (options.vips.empty() || !options.encap))
        throw UsageError("up requires --vip ADDRESS (repeatable) and --encap " + encap_names("|", "|"));
    if (options.verb == Verb::check && options.vips.empty() != !options.encap)
        throw UsageError("check requires both --vip and --encap, or neither (to check what up has set up)");
    if (options.encap && !row_of(*options.encap).has_tunnel && (hook_given || !options.locals.empty()))
        throw UsageError("--hook and --local require --encap " + encap_names(", ", " or ", true) + "; " +
                         std::string(to_string(*options.encap)) + " needs no decapsulation");
    if (!(options.encap && row_of(*options.encap).strips_udp) && gue_port_given)
        throw UsageError("--gue-port requires --encap gue");
    check_count("--local", options.locals.size(), AYA_DECAP_MAX_ADDRESSES);
    check_count("--vip", options.vips.size(), AYA_DECAP_MAX_VIPS);
    check_count("--balancer", options.balancers.size(), AYA_DECAP_MAX_BALANCERS);
    for (const IpAddress &local : options.locals)
        if (contains(options.vips, local))
            throw UsageError("--local " + to_string(local) +
                             ": is a VIP; the tunnel must end at an address that only this host has");
    for (const Prefix &balancer : options.balancers)
        for (const Prefix &vip : options.vips)
            if (contains(vip, balancer))
                throw UsageError("--balancer " + to_string(balancer) + ": is in --vip " + to_string(vip) +
                                 ", so this host would take the balancer's address for its own");
}

void add_list(CLI::App &app, const std::string &name, std::vector<std::string> &into, const std::string &type,
              const std::string &help)
{
    app.add_option(name, into, help)->type_name(type)->allow_extra_args(false);
}

void add_backend_options(CLI::App &app, Options &options, Texts &texts)
{
    add_list(app, "--vip", texts.vips, "ADDRESS|PREFIX",
             "VIP of a service that this backend belongs to; repeatable");
    app.add_option("--encap", texts.encap,
                   "How packets arrive from the balancer: " + encap_names(", ", " or "))
        ->type_name("ENCAP");
    app.add_option("--gue-port", texts.gue_port, "UDP port of the tunnel with --encap gue [6080]")
        ->type_name("PORT");
    app.add_option(
           "--interface", options.interface,
           "Interface that faces the balancer [that of the route to the first --balancer, else of the "
           "default route]")
        ->type_name("NAME");
    add_list(app, "--balancer", texts.balancers, "ADDRESS|PREFIX",
             "Decapsulate only packets that this balancer sends; repeatable [any sender's]");
    app.add_option("--hook", texts.hook,
                   "Where to remove the outer headers: tc, xdp (native only) or auto [auto]")
        ->type_name("HOOK");
    add_list(app, "--local", texts.locals, "ADDRESS",
             "Decapsulate packets tunnelled to this address; repeatable [all of the interface's]");
}

void add_verbs(CLI::App &app, Options &options, Texts &texts)
{
    auto *up = app.add_subcommand("up", "Set this host up as a backend, or change its setup");
    add_backend_options(*up, options, texts);
    auto *check = app.add_subcommand("check", "Print one line per problem, with what to do; changes nothing");
    add_backend_options(*check, options, texts);
    add_list(*check, "--port", texts.ports, "PORT[/udp]",
             "Require a listener for every VIP on this port; repeatable");
    auto *status = app.add_subcommand("status", "Show what is set up, and the counters of decapsulation");
    auto *down = app.add_subcommand("down", "Undo what up did, and nothing else");
    for (auto *verb : {check, status})
        verb->add_option("-o,--output", texts.output, "table or json [table]")->type_name("FORMAT");
    for (auto *verb : {up, check, status, down})
        verb->add_option("--run-dir", options.run_dir, "Directory of the state file [/run/aya-backend]")
            ->type_name("DIR");
    up->add_option("--bpf-dir", options.bpf_dir, "Where to pin maps [/sys/fs/bpf/aya-backend]")
        ->type_name("DIR");
}

// CLI11 would call it an argument too many, along with all that follows.
void check_verb(int argc, const char *const *argv)
{
    const std::string verb = argc > 1 ? argv[1] : "";
    if (verb.empty())
        throw UsageError("no command; choose up, check, status or down; see aya-backend --help");
    if (verb[0] != '-' && verb != "up" && verb != "check" && verb != "status" && verb != "down")
        throw UsageError(verb + ": no such command; choose up, check, status or down");
}

Verb chosen_verb(const CLI::App &app)
{
    const std::string name = app.get_subcommands().front()->get_name();
    return name == "up"       ? Verb::up
           : name == "check"  ? Verb::check
           : name == "status" ? Verb::status
                              : Verb::down;
}

} // namespace

std::optional<Options> parse_options(int argc, const char *const *argv)
{
    check_verb(argc, argv);
    Options options;
    Texts texts;
    CLI::App app("Sets this host up as a backend of an AYA load balancer, and diagnoses what is missing.",
                 "aya-backend");
    app.set_version_flag("--version", "aya-backend " AYA_VERSION);
    app.require_subcommand(1);
    add_verbs(app, options, texts);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError &e) {
        if (e.get_exit_code() != 0)
            throw UsageError(std::string(e.what()) + "; see aya-backend --help");
        app.exit(e);
        return std::nullopt;
    }
    if (texts.output != "table" && texts.output != "json")
        throw UsageError("--output " + texts.output + ": must be table or json");
    options.verb = chosen_verb(app);
    options.json = texts.output == "json";
    options.vips = parse_prefixes("--vip", texts.vips, "203.0.113.10 or 203.0.113.0/28");
    check_vip_lengths(options.vips);
    options.encap = parse_encap(texts.encap);
    options.gue_port = parse_gue_port(texts.gue_port);
    options.hook = parse_hook(texts.hook);
    options.locals = parse_addresses("--local", texts.locals);
    options.balancers = parse_prefixes("--balancer", texts.balancers, "10.0.1.2 or 10.0.1.0/24");
    for (const std::string &text : texts.ports)
        options.ports.push_back(parse_port(text));
    check_combination(options, !texts.hook.empty(), !texts.gue_port.empty());
    return options;
}

} // namespace aya::backend
