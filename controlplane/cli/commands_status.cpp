// SPDX-License-Identifier: BSD-2-Clause
#include "commands.hpp"

#include <algorithm>

namespace aya::ctl
{

namespace
{

std::string backend_summary(const Json &backends)
{
    const std::uint64_t total = number(backends, "total");
    std::string text = std::to_string(total);
    if (total == 0)
        return text;
    text += ": " + std::to_string(number(backends, "up")) + " up";
    for (const char *key : {"down", "draining", "disabled", "unreachable"}) {
        if (const std::uint64_t count = number(backends, key); count > 0)
            text += ", " + std::to_string(count) + " " + key;
    }
    return text;
}

Colour backend_colour(const Json &backends)
{
    if (number(backends, "down") + number(backends, "unreachable") > 0)
        return Colour::red;
    return number(backends, "total") == 0 ? Colour::none : Colour::green;
}

Cell dataplane_cell(const Json &dataplane)
{
    if (dataplane.empty())
        return {"not running", Colour::red};
    if (text(dataplane, "path") == "xdp")
        return {"XDP, in the kernel", Colour::green};
    if (text(dataplane, "path") == "auto" && text(dataplane, "carrier") == "xdp")
        return {"XDP, in the kernel, in place of aya-dataplane", Colour::yellow};
    const std::string process = "pid " + text(dataplane, "pid");
    if (!truth(dataplane, "alive"))
        return {"dead, " + process, Colour::red};
    return {"running, " + process + ", up " + human_duration(number(dataplane, "uptime_seconds")),
            Colour::green};
}

Table facts(const Json &status)
{
    Table table({{}, {}});
    table.add({{"instance"}, {text(status, "instance")}});
    table.add({{"control plane"},
               {text(status, "version") + ", pid " + text(status, "pid") + ", up " +
                human_duration(number(status, "uptime_seconds"))}});
    table.add({{"data plane"}, dataplane_cell(member(status, "dataplane"))});
    table.add({{"configuration"}, {text(status, "config_file")}});
    table.add({{"generation"}, {text(status, "generation")}});
    table.add({{"services"}, {text(status, "services")}});
    const Json &backends = member(status, "backends");
    table.add({{"backends"}, {backend_summary(backends), backend_colour(backends)}});
    return table;
}

Table worker_table(const Json &workers, std::uint64_t generation)
{
    Table table({{"WORKER", Align::right},
                 {"LCORE", Align::right},
                 {"ALIVE"},
                 {"GENERATION", Align::right},
                 {"HEARTBEAT", Align::right},
                 {"RX", Align::right},
                 {"TX", Align::right}});
    for (const Json &worker : workers) {
        const bool alive = truth(worker, "alive");
        const bool behind = number(worker, "generation") != generation;
        table.add({{text(worker, "index")},
                   {text(worker, "lcore")},
                   {alive ? "yes" : "no", alive ? Colour::green : Colour::red},
                   {text(worker, "generation"), behind ? Colour::yellow : Colour::none},
                   {text(worker, "heartbeat_ms") + "ms"},
                   {human_count(number(worker, "rx_packets"))},
                   {human_count(number(worker, "tx_packets"))}});
    }
    return table;
}

// A packet that the driver lost may be in the interface's count, too.
std::uint64_t lost(const Json &port, std::initializer_list<const char *> driver, const char *interface)
{
    const Json &losses = member(port, "losses");
    std::uint64_t sum = 0;
    for (const char *key : driver)
        sum += number(losses, key);
    return std::max(sum, number(losses, interface));
}

Cell received_lost(const Json &port)
{
    return {human_count(lost(port, {"rx_missed", "rx_no_buffer", "rx_errors"}, "interface_rx_dropped"))};
}

Cell sent_lost(const Json &port)
{
    return {human_count(lost(port, {"tx_lost"}, "interface_tx_dropped"))};
}

Table xdp_port_table(const Json &ports)
{
    Table table({{"PORT", Align::right},
                 {"INTERFACE"},
                 {"MODE"},
                 {"PROGRAM", Align::right},
                 {"MAC"},
                 {"MTU", Align::right},
                 {"QUEUES", Align::right},
                 {"RX", Align::right},
                 {"TX", Align::right},
                 {"RX LOST", Align::right},
                 {"TX LOST", Align::right}});
    for (const Json &port : ports) {
        const std::string mode = text(port, "mode");
        table.add({{text(port, "index")},
                   {text(port, "interface")},
                   {mode, mode == "native" ? Colour::green : Colour::yellow},
                   {text(port, "program_id")},
                   {text(port, "mac")},
                   {text(port, "mtu")},
                   {text(port, "queues")},
                   {human_count(number(port, "rx_packets"))},
                   {human_count(number(port, "tx_packets"))},
                   received_lost(port),
                   sent_lost(port)});
    }
    return table;
}

Table port_table(const Json &ports)
{
    if (!ports.empty() && text(ports.front(), "mode") != "-")
        return xdp_port_table(ports);
    Table table({{"PORT", Align::right},
                 {"NAME"},
                 {"INTERFACE"},
                 {"PUNT"},
                 {"MAC"},
                 {"MTU", Align::right},
                 {"QUEUES", Align::right},
                 {"RX LOST", Align::right},
                 {"TX LOST", Align::right}});
    for (const Json &port : ports) {
        table.add({{text(port, "index")},
                   {text(port, "name")},
                   {text(port, "interface")},
                   {text(port, "punt")},
                   {text(port, "mac")},
                   {text(port, "mtu")},
                   {text(port, "queues")},
                   received_lost(port),
                   sent_lost(port)});
    }
    return table;
}

} // namespace

std::string status_text(const Json &status, bool colour)
{
    std::string text = facts(status).render(colour);
    const Json &dataplane = member(status, "dataplane");
    if (const Json &workers = list(dataplane, "workers"); !workers.empty())
        text += "\n" + worker_table(workers, number(status, "generation")).render(colour);
    if (const Json &ports = list(dataplane, "ports"); !ports.empty())
        text += "\n" + port_table(ports).render(colour);
    const Json &warnings = list(status, "warnings");
    if (!warnings.empty())
        text += "\n";
    for (const Json &warning : warnings) {
        const std::string line = warning.is_string() ? warning.get<std::string>() : warning.dump();
        text += paint("warning: ", Colour::yellow, colour) + printable(line) + "\n";
    }
    return text;
}

void add_status_command(Program &program)
{
    program.add_command(&program.app, "status", "Show the state of daemons, workers, ports and backends",
                        [](Session &session) {
                            const Json status = session.daemon().get("/v1/status");
                            if (session.json())
                                session.print_json(status);
                            else
                                session.print(status_text(status, session.colour()));
                        });
}

} // namespace aya::ctl
