// SPDX-License-Identifier: BSD-2-Clause
// explain, health, refusals, version: looking without touching.
#include "commands.hpp"
#include "fields.hpp"

#include <memory>

namespace aya::ctl
{

namespace
{

struct Question {
    std::string source;
    std::string destination;
    bool no_syn = false;
    std::string quic_id;
};

void run_explain(Session &session, const Question &question)
{
    Json body = {
        {"source", question.source}, {"destination", question.destination}, {"syn", !question.no_syn}};
    if (!question.quic_id.empty())
        body["quic_id"] = question.quic_id;
    const Json answer = session.daemon().post("/v1/explain", body.dump());
    if (session.json())
        return session.print_json(answer);
    Table steps({{}, {}});
    for (const Json &step : list(answer, "steps"))
        steps.add({{text(step, "step"), Colour::bold}, {text(step, "text")}});
    session.print_table(steps);
    const std::string action = text(answer, "action");
    const std::string backend = text(answer, "backend");
    const std::string reason = text(answer, "reason");
    std::string verdict = action;
    if (action != "forward") // the counter that such a packet raises
        verdict += " (" + reason + ")";
    if (backend != "-")
        verdict += (action == "forward" ? " to " : ", chosen: ") + text(answer, "service") + "/" + backend;
    const Colour colour = action == "forward" ? Colour::green
                          : action == "drop"  ? Colour::red
                                              : Colour::yellow;
    session.print("\n" + paint(printable(verdict), colour, session.colour()) + "\n");
}

// "ok", "failed: connection refused"
std::string last_probe(const Json &backend)
{
    const std::string result = text(backend, "last_result");
    const std::string error = text(backend, "last_error");
    return error == "-" || error.empty() ? result : result + ": " + error;
}

void run_health(Session &session, const std::string &service)
{
    Json answer = session.daemon().get("/v1/health");
    if (!service.empty()) {
        Json kept = Json::array();
        for (const Json &backend : list(answer, "backends")) {
            if (text(backend, "service") == service)
                kept.push_back(backend);
        }
        if (kept.empty()) // an unknown name is refused; a service without backends is not
            session.daemon().get("/v1/services/" + percent_encode(service));
        answer["backends"] = kept;
    }
    if (session.json())
        return session.print_json(answer);
    const Json &backends = list(answer, "backends");
    if (backends.empty())
        return session.print("no backends\n");
    Table table({{"SERVICE"},
                 {"BACKEND"},
                 {"TARGET"},
                 {"HEALTH"},
                 {"SINCE", Align::right},
                 {"GOOD", Align::right},
                 {"BAD", Align::right},
                 {"LAST PROBE"}});
    for (const Json &backend : backends) {
        const bool probed = text(backend, "health") != "unchecked";
        table.add({{text(backend, "service")},
                   {text(backend, "backend")},
                   {text(backend, "target")},
                   condition(text(backend, "health")),
                   {probed ? human_duration(number(backend, "since_seconds")) : "-"},
                   {probed ? text(backend, "successes") + "/" + text(backend, "rise") : "-"},
                   {probed ? text(backend, "failures") + "/" + text(backend, "fall") : "-"},
                   {last_probe(backend)}});
    }
    session.print_table(table);
}

void run_refusals(Session &session)
{
    const Json answer = session.daemon().get("/v1/refusals");
    if (session.json())
        return session.print_json(answer);
    const Json &refusals = list(answer, "refusals");
    if (refusals.empty())
        return session.print("nothing refused\n");
    Table table({{"AGO", Align::right}, {"SERVICE"}, {"SOURCE"}, {"DESTINATION"}, {"REASON"}, {"OUTCOME"}});
    for (const Json &refusal : refusals)
        table.add({{human_duration(number(refusal, "age_seconds"))},
                   {text(refusal, "service")},
                   {text(refusal, "source")},
                   {text(refusal, "destination")},
                   {text(refusal, "reason")},
                   {refusal.value("let_in", false) ? "let in" : "dropped"}});
    session.print_table(table);
}

void run_version(Session &session, bool client_only)
{
    // The client's own line first: it is true whether or not the daemon answers.
    if (!session.json())
        session.print("ayactl " AYA_VERSION "\n");
    if (client_only) {
        if (session.json())
            session.print_json(Json::object({{"client", AYA_VERSION}}));
        return;
    }
    try {
        const Json daemon = session.daemon().get("/v1/version");
        if (session.json())
            return session.print_json(Json::object({{"client", AYA_VERSION}, {"daemon", daemon}}));
        session.print("aya-controlplane " + text(daemon, "version") + " (ABI " + text(daemon, "abi") +
                      ", instance " + text(daemon, "instance") + ")\n");
    } catch (const Unreachable &) {
        if (session.json())
            session.print_json(Json::object({{"client", AYA_VERSION}, {"daemon", nullptr}}));
        throw;
    }
}

void add_explain(Program &program)
{
    const auto question = std::make_shared<Question>();
    CLI::App *explain =
        program.add_command(&program.app, "explain", "Show step by step where a packet would go, and why",
                            [question](Session &session) { run_explain(session, *question); });
    explain->add_option("SOURCE", question->source, "Client, such as 198.51.100.7:40000")->required();
    explain->add_option("VIP", question->destination, "Destination, such as 203.0.113.10:443/tcp")
        ->required();
    explain->add_flag("--no-syn", question->no_syn, "Explain a packet from the middle of a TCP connection");
    explain->add_option("--quic-id", question->quic_id, "Destination connection id of a QUIC packet, in hex")
        ->type_name("HEX");
}

} // namespace

void add_inspect_commands(Program &program)
{
    add_explain(program);

    const auto service = std::make_shared<std::string>();
    CLI::App *health = program.add_command(&program.app, "health", "Show what the health probes see",
                                           [service](Session &session) { run_health(session, *service); });
    program.hint(
        health->add_option("SERVICE", *service, "Only the backends of this service")->check(not_empty()),
        {Hint::Kind::services, {}});

    program.add_command(&program.app, "refusals", "Show sample clients that lists and limits refused",
                        run_refusals);

    const auto client_only = std::make_shared<bool>(false);
    CLI::App *version =
        program.add_command(&program.app, "version", "Show the versions of ayactl and of the control plane",
                            [client_only](Session &session) { run_version(session, *client_only); });
    version->add_flag("--client", *client_only, "Do not ask the control plane");
}

} // namespace aya::ctl
