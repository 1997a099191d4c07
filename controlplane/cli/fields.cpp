// SPDX-License-Identifier: BSD-2-Clause
#include "fields.hpp"

#include <charconv>

namespace aya::ctl
{

namespace
{

void put(Json &object, const char *key, const std::string &value)
{
    if (!value.empty())
        object[key] = value;
}

void put(Json &object, const char *key, const std::optional<std::int64_t> &value)
{
    if (value)
        object[key] = *value;
}

CLI::Option *add_word(Program &program, CLI::App *app, const std::string &name, std::string &value,
                      std::vector<std::string> words, const std::string &description)
{
    std::string choice;
    for (const std::string &word : words)
        choice += (choice.empty() ? "" : "|") + word;
    CLI::Option *option = app->add_option(name, value, description)->type_name(choice);
    program.suggest(option, std::move(words));
    return option;
}

// "tcp_established=15m" into the object.
void put_timeout(Json &timeouts, const std::string &setting)
{
    const auto equals = setting.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == setting.size())
        throw BadUsage("--idle-timeout requires KEY=TIME, such as tcp_established=15m, not \"" + setting +
                       "\"");
    std::string key = setting.substr(0, equals);
    if (key == "embryonic" || key == "established" || key == "closing")
        key.insert(0, "tcp_");
    timeouts[key] = setting.substr(equals + 1);
}

std::int64_t parse_number(const std::string &name, const std::string &text)
{
    std::int64_t value = 0;
    const char *end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stop != end)
        throw CLI::ValidationError(name + " requires a whole number, not \"" + text + "\"");
    return value;
}

} // namespace

CLI::Option *add_number(CLI::App *app, const std::string &name, std::optional<std::int64_t> &value,
                        const std::string &description)
{
    return app
        ->add_option_function<std::string>(
            name, [name, &value](const std::string &text) { value = parse_number(name, text); }, description)
        ->type_name("N");
}

CLI::Option *add_repeated(CLI::App *app, const std::string &name, std::vector<std::string> &values,
                          const std::string &description)
{
    return app->add_option(name, values, description)->allow_extra_args(false);
}

CLI::Validator not_empty()
{
    return {[](std::string &value) { return value.empty() ? std::string("the name must not be empty") : ""; },
            ""};
}

void ServiceFields::add_options(Program &program, CLI::App *app)
{
    add_repeated(app, "--vip", vips, "VIP to answer for, such as 203.0.113.10:443/tcp; repeatable")
        ->type_name("VIP");
    add_word(program, app, "--scheduler", scheduler, {"maglev", "source-hash"},
             "How a new flow finds its backend");
    add_word(program, app, "--affinity", affinity, {"none", "source"},
             "Which flows share a backend: none, or all of one client (source)");
    add_word(program, app, "--encap", encap, {"l2", "ipip", "gue"}, "How packets reach the backends");
    add_number(app, "--gue-port", gue_port, "UDP port of the backends with --encap gue (default: 6080)");
    add_word(program, app, "--health", health_type, {"tcp", "none"}, "Kind of health probe");
    app->add_option("--health-interval", health_interval, "Time between probes, such as 1s or 500ms")
        ->type_name("TIME");
    app->add_option("--health-timeout", health_timeout, "Time after which a probe has failed")
        ->type_name("TIME");
    add_number(app, "--health-rise", health_rise, "Consecutive successes until a backend is up");
    add_number(app, "--health-fall", health_fall, "Consecutive failures until a backend is down");
    add_number(app, "--health-port", health_port, "Port to probe (default: the VIP's)");
    add_number(app, "--lookup-size", lookup_size, "Slots of the lookup table, a prime");
    add_repeated(app, "--idle-timeout", idle_timeouts,
                 "How long a silent flow is remembered, such as tcp_established=15m; repeatable")
        ->type_name("KEY=TIME");
    app->add_option("--panic-threshold", panic_threshold,
                    "Share of backends that may be down at once before all are used again, such as 50%")
        ->type_name("PERCENT");
    CLI::Option *option = app->add_option_function<std::string>(
        "--stateless",
        [this](const std::string &word) {
            if (word != "true" && word != "false")
                throw CLI::ValidationError("--stateless requires true or false, not \"" + word + "\"");
            stateless = word == "true";
        },
        "Do not keep flow state");
    program.suggest(option->type_name("true|false"), {"true", "false"});
}

void ServiceFields::apply(Json &service) const
{
    if (!vips.empty())
        service["vips"] = vips;
    put(service, "scheduler", scheduler);
    put(service, "affinity", affinity);
    put(service, "encap", encap);
    put(service, "gue_port", gue_port);
    put(service, "lookup_size", lookup_size);
    const bool bare = panic_threshold.find_first_not_of("0123456789") == std::string::npos;
    if (!panic_threshold.empty())
        service["panic_threshold"] = bare ? panic_threshold + "%" : panic_threshold;
    if (stateless)
        service["stateless"] = *stateless;
    Json health = member(service, "health");
    put(health, "type", health_type);
    put(health, "interval", health_interval);
    put(health, "timeout", health_timeout);
    put(health, "rise", health_rise);
    put(health, "fall", health_fall);
    put(health, "port", health_port);
    if (!health.empty())
        service["health"] = health;
    Json timeouts = member(service, "idle_timeouts");
    for (const std::string &setting : idle_timeouts)
        put_timeout(timeouts, setting);
    if (!timeouts.empty())
        service["idle_timeouts"] = timeouts;
}

void BackendFields::add_options(CLI::App *app)
{
    add_number(app, "--weight", weight, "Share of new flows relative to the others; 0 for none");
    app->add_option("--mac", mac, "MAC address of the next hop; auto to use the neighbour table")
        ->type_name("MAC");
}

void BackendFields::apply(Json &backend) const
{
    put(backend, "weight", weight);
    if (mac == "auto")
        backend["mac"] = nullptr;
    else
        put(backend, "mac", mac);
}

} // namespace aya::ctl
