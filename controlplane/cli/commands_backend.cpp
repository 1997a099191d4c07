// SPDX-License-Identifier: BSD-2-Clause
#include "commands.hpp"
#include "errors.hpp"
#include "fields.hpp"

#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>

namespace aya::ctl
{

namespace
{

// The arguments of every command about one backend.
struct Target {
    std::string service;
    std::string name;
    std::string address;
    KeyOptions options = backend_options();

    std::string collection() const { return "/v1/services/" + percent_encode(service) + "/backends"; }
    std::string path() const { return collection() + "/" + percent_encode(name); }
    std::string phrase() const { return "backend " + name + " of service " + service; }
};

using TargetPtr = std::shared_ptr<Target>;

Cell weight_cell(const Json &backend)
{
    const std::uint64_t wanted = number(backend, "weight");
    const std::uint64_t effective = number(backend, "effective_weight");
    if (wanted == effective || !backend.contains("effective_weight"))
        return {text(backend, "weight")};
    return {text(backend, "weight") + " (now " + std::to_string(effective) + ")", Colour::yellow};
}

Cell next_hop_cell(const Json &backend)
{
    if (backend.contains("reachable") && !truth(backend, "reachable"))
        return {"unreachable", Colour::red};
    return {text(backend, "mac")};
}

// Why it gets no new flows, where the columns before do not say it already; and what limits its packets, if
// not the port.
std::string note_of(const Json &backend)
{
    const std::string reason = text(backend, "reason");
    const bool said = reason == text(backend, "state") || reason == text(backend, "health");
    std::string note = reason == "-" || said ? "" : reason;
    if (const std::string proves = text(backend, "health_proves");
        proves == "host" || proves == "not refused")
        note += (note.empty() ? "" : "; ") + std::string("probes prove only that the ") +
                (proves == "host" ? "host is there" : "port is not closed");
    if (const std::string source = text(backend, "path_mtu_from"); source != "-" && source != "port")
        note += (note.empty() ? "" : "; ") + ("path MTU " + text(backend, "path_mtu")) + " by " + source;
    return note;
}

std::string share_of(const Json &backend)
{
    const auto share = backend.find("share");
    return share != backend.end() && share->is_number() ? human_share(share->get<double>()) : "-";
}

// Every backend of every service, in the shape of one service's list.
Json all_backends(const Json &answer)
{
    Json backends = Json::array();
    for (const Json &service : list(answer, "services")) {
        for (const Json &backend : list(service, "backends"))
            backends.push_back(backend);
    }
    return Json::object({{"backends", backends}});
}

void run_list(Session &session, const Target &target)
{
    const bool all = target.service.empty();
    const Json answer =
        all ? all_backends(session.daemon().get("/v1/services")) : session.daemon().get(target.collection());
    if (session.json())
        return session.print_json(answer);
    const Json &backends = list(answer, "backends");
    if (backends.empty())
        return session.print(all ? std::string("no backends\n")
                                 : "no backends in service " + target.service + "\n");
    session.print_table(backend_table(backends, all));
}

void run_add(Session &session, const Target &target)
{
    Json backend = {{"name", target.name}, {"address", target.address}};
    target.options.apply(backend, KeyOptions::Request::add);
    const Json added = session.daemon().post(target.collection(), backend.dump());
    if (session.json())
        return session.print_json(added);
    session.print("added " + target.phrase() + ": " + text(added, "address") + ", weight " +
                  text(added, "weight") + generation_note(added) + "\n");
}

void run_set(Session &session, const Target &target)
{
    Json changes = Json::object();
    target.options.apply(changes, KeyOptions::Request::change);
    if (changes.empty())
        throw BadUsage("\"ayactl backend set\" requires a setting to change, such as " +
                       target.options.names().front());
    const Json backend = session.daemon().patch(target.path(), changes);
    if (session.json())
        return session.print_json(backend);
    std::string now;
    for (const auto &change : changes.items())
        now += (now.empty() ? ": " : ", ") + change.key() + " " + text(backend, change.key().c_str());
    session.print("changed " + target.phrase() + now + generation_note(backend) + "\n");
}

void run_state(Session &session, const Target &target, const std::string &state)
{
    const Json backend = session.daemon().patch(target.path(), Json::object({{"state", state}}));
    if (session.json())
        return session.print_json(backend);
    session.print(target.phrase() + " is now " + text(backend, "state") + generation_note(backend) + "\n");
}

// What `drain` does once the backend is draining.
struct Patience {
    bool waits = false;
    std::string deadline; // empty: without end
};

// For connections that stay open for a working day.
constexpr std::chrono::hours kMostPatience{24};

std::chrono::milliseconds deadline_of(const Patience &patience)
{
    return parse_time("--deadline", patience.deadline, kMostPatience);
}

// The daemon's answer, which has a number.
Json count_flows(Session &session, const Target &target)
{
    Json answer = session.daemon().get(target.path() + "/flows");
    if (text(answer, "flows") == "-")
        throw Refused({{target.phrase(),
                        "its flows cannot be counted: the service is stateless, or no data plane has run"}});
    return answer;
}

// Until the backend has no flows left; after the deadline it is disabled, and those that are left move. The
// answer is the last one of the daemon.
Json wait_for_flows(Session &session, const Target &target, const Patience &patience)
{
    using Clock = std::chrono::steady_clock;
    constexpr std::chrono::seconds kInterval{1};
    const auto deadline =
        patience.deadline.empty() ? Clock::time_point::max() : Clock::now() + deadline_of(patience);
    for (std::string before;;) {
        Json answer = count_flows(session, target);
        const std::string now = text(answer, "flows");
        if (now == "0")
            return answer;
        if (Clock::now() >= deadline) {
            session.daemon().patch(target.path(), Json::object({{"state", "disabled"}}));
            return answer;
        }
        if (now != before && !session.json())
            session.print(target.phrase() + ": " + now + " flows left\n");
        if (!session.flush())
            return answer;
        before = now;
        std::this_thread::sleep_until(std::min(Clock::now() + kInterval, deadline));
    }
}

void run_drain(Session &session, const Target &target, const Patience &patience)
{
    if (!patience.waits && !patience.deadline.empty())
        throw BadUsage("--deadline requires --wait");
    if (!patience.waits)
        return run_state(session, target, "draining");
    try {
        if (!patience.deadline.empty())
            deadline_of(patience);
    } catch (const std::invalid_argument &error) {
        throw BadUsage(error.what());
    }
    count_flows(session, target); // nothing is changed if that cannot be waited for
    session.daemon().patch(target.path(), Json::object({{"state", "draining"}}));
    const Json left = wait_for_flows(session, target, patience);
    if (session.json())
        return session.print_json(left);
    const std::string count = text(left, "flows");
    session.print(count == "0" ? target.phrase() + " is drained: no flows left\n"
                               : target.phrase() + " is now disabled: " + count +
                                     " flows were left at the deadline\n");
}

Json find_backend(const Json &answer, const std::string &name)
{
    for (const Json &backend : list(answer, "backends")) {
        if (text(backend, "name") == name)
            return backend;
    }
    return Json::object();
}

void run_remove(Session &session, const Target &target)
{
    const Json removed = find_backend(session.daemon().get(target.collection()), target.name);
    const Json answer = session.daemon().remove(target.path());
    if (session.json())
        return session.print_json(
            Json::object({{"removed", removed}, {"generation", answer.value("generation", Json())}}));
    session.print("removed " + target.phrase() + ": " + text(removed, "address") + ", weight " +
                  text(removed, "weight") + generation_note(answer) + "\n");
}

CLI::App *add_verb(Program &program, CLI::App *group, const std::string &name, const std::string &description,
                   const TargetPtr &target, std::function<void(Session &, const Target &)> run)
{
    CLI::App *verb =
        program.add_command(group, name, description,
                            [target, run = std::move(run)](Session &session) { run(session, *target); });
    CLI::Option *service =
        verb->add_option("SERVICE", target->service, "Name of the service")->required()->check(not_empty());
    program.hint(service, {Hint::Kind::services, {}});
    CLI::Option *backend =
        verb->add_option("NAME", target->name, "Name of the backend")->required()->check(not_empty());
    if (name != "add")
        program.hint(backend, {Hint::Kind::backends, {}});
    return verb;
}

void add_state_verb(Program &program, CLI::App *group, const std::string &name, const std::string &state,
                    const std::string &description)
{
    add_verb(program, group, name, description, std::make_shared<Target>(),
             [state](Session &session, const Target &target) { run_state(session, target, state); });
}

} // namespace

Table backend_table(const Json &backends, bool with_service)
{
    std::vector<Column> columns = {{"NAME"},
                                   {"ADDRESS"},
                                   {"WEIGHT", Align::right},
                                   {"STATE"},
                                   {"HEALTH"},
                                   {"SHARE", Align::right},
                                   {"NEXT HOP"},
                                   {"PACKETS", Align::right},
                                   {"BYTES", Align::right},
                                   {"NOTE"}};
    if (with_service)
        columns.insert(columns.begin(), Column{"SERVICE"});
    Table table(std::move(columns));
    for (const Json &backend : backends) {
        std::vector<Cell> row = {{text(backend, "name")},
                                 {text(backend, "address")},
                                 weight_cell(backend),
                                 condition(text(backend, "state")),
                                 condition(text(backend, "health")),
                                 {share_of(backend)},
                                 next_hop_cell(backend),
                                 {human_count(number(backend, "packets"))},
                                 {human_bytes(number(backend, "bytes"))},
                                 {note_of(backend)}};
        if (with_service)
            row.insert(row.begin(), Cell{text(backend, "service")});
        table.add(std::move(row));
    }
    return table;
}

void add_backend_commands(Program &program)
{
    CLI::App *group = program.add_group("backend", "Backends: the servers behind a service");

    const auto listed = std::make_shared<Target>();
    CLI::App *list = program.add_command(group, "list", "List the backends of a service, or of all",
                                         [listed](Session &session) { run_list(session, *listed); });
    program.hint(list->add_option("SERVICE", listed->service, "Name of the service")->check(not_empty()),
                 {Hint::Kind::services, {}});

    const auto added = std::make_shared<Target>();
    CLI::App *add = add_verb(program, group, "add", "Add a backend to a service", added, run_add);
    add->add_option("ADDRESS", added->address, "IPv4 or IPv6 address of the backend")->required();
    added->options.add_to(program, add);

    const auto changed = std::make_shared<Target>();
    CLI::App *set = add_verb(program, group, "set", "Change a backend; other settings stay as they are",
                             changed, run_set);
    changed->options.add_to(program, set);

    const auto patience = std::make_shared<Patience>();
    CLI::App *drain = add_verb(
        program, group, "drain", "Send no new flows to a backend; open ones stay", std::make_shared<Target>(),
        [patience](Session &session, const Target &target) { run_drain(session, target, *patience); });
    drain->add_flag("--wait", patience->waits, "Show how many flows are left, and return when none is");
    drain
        ->add_option("--deadline", patience->deadline,
                     "With --wait: disable the backend after this time, such as 10m; at most 24h")
        ->type_name("TIME");
    add_state_verb(program, group, "enable", "active", "Use a backend again that was drained or disabled");
    add_state_verb(program, group, "disable", "disabled",
                   "Stop using a backend at once; its flows move to others");
    add_verb(program, group, "remove", "Remove a backend from its service", std::make_shared<Target>(),
             run_remove);
}

} // namespace aya::ctl
