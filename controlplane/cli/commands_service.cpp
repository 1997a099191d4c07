// SPDX-License-Identifier: BSD-2-Clause
#include "commands.hpp"
#include "config/fields.hpp"
#include "fields.hpp"

#include <memory>

namespace aya::ctl
{

namespace
{

std::string service_path(const std::string &name)
{
    return "/v1/services/" + percent_encode(name);
}

std::string first_vip(const Json &vips)
{
    if (vips.empty())
        return "-";
    const std::string first =
        vips.front().is_string() ? vips.front().get<std::string>() : vips.front().dump();
    return vips.size() == 1 ? first : first + " +" + std::to_string(vips.size() - 1);
}

// How many of the backends can take new flows: "2/3".
Cell serving(const Json &backends)
{
    std::size_t good = 0;
    for (const Json &backend : backends)
        good += number(backend, "effective_weight") > 0 && text(backend, "reachable") != "no" ? 1 : 0;
    const Colour colour = backends.empty()          ? Colour::none
                          : good == backends.size() ? Colour::green
                          : good == 0               ? Colour::red
                                                    : Colour::yellow;
    return {std::to_string(good) + "/" + std::to_string(backends.size()), colour};
}

// What else is said of the probes: ", path /health, expected_status 200".
std::string probe_details(const Json &health)
{
    std::string details;
    const auto add = [&](const std::string &key, const std::string &value) {
        details += ", " + key + " " + value;
    };
    for (const char *key : {"fast_interval", "down_interval"})
        if (health.contains(key))
            add(key, text(health, key));
    for (const Key &key : aya::fields<ProbeOptions>().section().keys)
        if (health.contains(key.name))
            add(key.name,
                key.shape == Shape::list ? health[key.name].dump() : text(health, key.name.c_str()));
    return details;
}

std::string health_summary(const Json &health)
{
    const std::string type = text(health, "type");
    if (health.empty() || type == "none")
        return "none";
    std::string summary = type;
    if (health.contains("port"))
        summary += " port " + text(health, "port");
    const std::string init =
        health.contains("init_state") ? ", init_state " + text(health, "init_state") : "";
    return summary + ", every " + text(health, "interval") + ", timeout " + text(health, "timeout") +
           ", rise " + text(health, "rise") + ", fall " + text(health, "fall") + init + probe_details(health);
}

// "remembered, until idle for: tcp_established 15m, udp 2m"
std::string flow_summary(const Json &service)
{
    if (truth(service, "stateless"))
        return "not remembered";
    std::string summary;
    for (const auto &timeout : member(service, "idle_timeouts").items())
        summary +=
            (summary.empty() ? ", until idle for: " : ", ") + timeout.key() + " " +
            (timeout.value().is_string() ? timeout.value().get<std::string>() : timeout.value().dump());
    return "remembered" + summary;
}

std::string service_details(const Json &service, bool colour)
{
    Table facts({{}, {}});
    facts.add({{"name"}, {text(service, "name"), Colour::bold}});
    const Json &vips = list(service, "vips");
    for (std::size_t i = 0; i < vips.size(); ++i)
        facts.add(
            {{i == 0 ? "vips" : ""}, {vips[i].is_string() ? vips[i].get<std::string>() : vips[i].dump()}});
    for (const char *key : {"scheduler", "affinity"})
        facts.add({{key}, {text(service, key)}});
    const std::string encap = text(service, "encap");
    facts.add({{"encap"}, {encap == "gue" ? encap + ", UDP port " + text(service, "gue_port") : encap}});
    facts.add({{"health"}, {health_summary(member(service, "health"))}});
    facts.add({{"lookup table"}, {text(service, "lookup_size") + " slots"}});
    facts.add({{"flows"}, {flow_summary(service)}});
    if (service.contains("panic_threshold"))
        facts.add({{"panic"},
                   truth(service, "panic")
                       ? Cell{"yes: too many backends are down, so all are used", Colour::red}
                       : Cell{"no (starts when more than " + text(service, "panic_threshold") + " are down)",
                              Colour::none}});
    facts.add(
        {{"traffic"},
         {human_count(number(service, "packets")) + " packets, " + human_bytes(number(service, "bytes")) +
          ", " + human_count(number(service, "new_flows")) + " new flows"}});
    const Json &backends = list(service, "backends");
    if (backends.empty())
        return facts.render(colour) + "\nno backends\n";
    return facts.render(colour) + "\n" + backend_table(backends, false).render(colour);
}

std::string inventory(const Json &service)
{
    return counted(list(service, "vips").size(), "VIP") + ", " +
           counted(list(service, "backends").size(), "backend");
}

// What `service add` and `service set` have in common.
struct Edit {
    std::string name;
    std::string file;
    std::vector<std::string> backends;
    KeyOptions options = service_options();

    Json read() const
    {
        Json service = file.empty() ? Json::object() : read_json(file);
        if (!service.is_object())
            throw Refused({{file, "a service must be a JSON object"}});
        return service;
    }
};

void list_services(Session &session)
{
    const Json answer = session.daemon().get("/v1/services");
    if (session.json())
        return session.print_json(answer);
    const Json &services = list(answer, "services");
    if (services.empty())
        return session.print("no services\n");
    session.print_table(service_table(services));
}

void run_show(Session &session, const std::string &name)
{
    const Json service = session.daemon().get(service_path(name));
    if (session.json())
        return session.print_json(service);
    session.print(service_details(service, session.colour()));
}

void run_add(Session &session, const Edit &edit)
{
    Json service = edit.read();
    const std::string in_file = service.contains("name") ? text(service, "name") : "";
    if (edit.name.empty() && in_file.empty())
        throw BadUsage("\"ayactl service add\" requires NAME, or a name in the file");
    if (!edit.name.empty() && !in_file.empty() && edit.name != in_file)
        throw BadUsage("the service is named \"" + edit.name + "\" here and \"" + in_file + "\" in the file");
    if (!edit.name.empty())
        service["name"] = edit.name;
    edit.options.apply(service, KeyOptions::Request::add);
    for (const std::string &backend : edit.backends)
        service["backends"].push_back(parse_backend(backend));

    const Json added = session.daemon().post("/v1/services", service.dump());
    if (session.json())
        return session.print_json(added);
    session.print("added service " + text(added, "name") + ": " + inventory(added) + generation_note(added) +
                  "\n");
}

void run_set(Session &session, const Edit &edit)
{
    Json changes = edit.read();
    edit.options.apply(changes, KeyOptions::Request::change);
    if (changes.empty())
        throw BadUsage("\"ayactl service set\" requires a setting to change, such as " +
                       edit.options.names().front());
    const Json service = session.daemon().patch(service_path(edit.name), changes);
    if (session.json())
        return session.print_json(service);
    session.print("changed service " + edit.name + generation_note(service) + "\n");
}

void run_remove(Session &session, const std::string &name)
{
    Json removed = session.daemon().get(service_path(name));
    const Json answer = session.daemon().remove(service_path(name));
    if (session.json())
        return session.print_json(
            Json::object({{"removed", removed}, {"generation", answer.value("generation", Json())}}));
    session.print("removed service " + name + ": " + inventory(removed) + generation_note(answer) + "\n");
}

void add_name(Program &program, CLI::App *command, std::string &name)
{
    CLI::Option *option =
        command->add_option("NAME", name, "Name of the service")->required()->check(not_empty());
    program.hint(option, {Hint::Kind::services, {}});
}

void add_show(Program &program, CLI::App *group)
{
    const auto name = std::make_shared<std::string>();
    CLI::App *show = program.add_command(group, "show", "Show a service and its backends in detail",
                                         [name](Session &session) { run_show(session, *name); });
    add_name(program, show, *name);
}

void add_remove(Program &program, CLI::App *group)
{
    const auto name = std::make_shared<std::string>();
    CLI::App *remove = program.add_command(group, "remove", "Remove a service and its backends",
                                           [name](Session &session) { run_remove(session, *name); });
    add_name(program, remove, *name);
}

void add_add(Program &program, CLI::App *group)
{
    const auto edit = std::make_shared<Edit>();
    CLI::App *add = program.add_command(group, "add", "Add a service",
                                        [edit](Session &session) { run_add(session, *edit); });
    add->add_option("NAME", edit->name, "Name of the new service");
    CLI::Option *file =
        add->add_option("-f,--file", edit->file, "Read the service from a JSON file (- for standard input)");
    program.hint(file->type_name("FILE"), {Hint::Kind::files, {}});
    edit->options.add_to(program, add);
    add_repeated(add, "--backend", edit->backends,
                 "A backend, name=address[,weight=N][,mac=MAC][,state=STATE]; repeatable")
        ->type_name("BACKEND");
}

void add_set(Program &program, CLI::App *group)
{
    const auto edit = std::make_shared<Edit>();
    CLI::App *set = program.add_command(group, "set", "Change a service; other settings stay as they are",
                                        [edit](Session &session) { run_set(session, *edit); });
    add_name(program, set, edit->name);
    CLI::Option *file = set->add_option("-f,--file", edit->file,
                                        "Read the keys to change from a JSON file (- for standard input)");
    program.hint(file->type_name("FILE"), {Hint::Kind::files, {}});
    edit->options.add_to(program, set);
}

} // namespace

Table service_table(const Json &services)
{
    Table table({{"NAME"},
                 {"VIPS"},
                 {"SCHEDULER"},
                 {"ENCAP"},
                 {"HEALTH"},
                 {"SERVING", Align::right},
                 {"PACKETS", Align::right},
                 {"BYTES", Align::right},
                 {"NEW FLOWS", Align::right}});
    for (const Json &service : services) {
        table.add({{text(service, "name")},
                   {first_vip(list(service, "vips"))},
                   {text(service, "scheduler")},
                   {text(service, "encap")},
                   truth(service, "panic") ? Cell{"panic", Colour::red}
                                           : Cell{text(member(service, "health"), "type")},
                   serving(list(service, "backends")),
                   {human_count(number(service, "packets"))},
                   {human_bytes(number(service, "bytes"))},
                   {human_count(number(service, "new_flows"))}});
    }
    return table;
}

void add_service_commands(Program &program)
{
    CLI::App *group = program.add_group("service", "Services: named groups of VIPs and backends");
    program.add_command(group, "list", "List the services", list_services);
    add_show(program, group);
    add_add(program, group);
    add_set(program, group);
    add_remove(program, group);
}

} // namespace aya::ctl
