// SPDX-License-Identifier: BSD-2-Clause
// counters: what was forwarded, dropped and punted; or, watched, what is.
#include "commands.hpp"
#include "fields.hpp"
#include "rates.hpp"

#include <chrono>
#include <memory>
#include <thread>

namespace aya::ctl
{

namespace
{

using Clock = std::chrono::steady_clock;

enum class Shown { usual, nonzero, all };

bool silent(const Json &object)
{
    return number(object, "packets") == 0 && number(object, "bytes") == 0 && number(object, "new_flows") == 0;
}

// The lists without what is zero and not asked for.
Json selected(Json answer, Shown shown)
{
    const auto drop = [&answer](const char *key, auto zero) {
        Json kept = Json::array();
        for (const Json &item : list(answer, key)) {
            if (!zero(item))
                kept.push_back(item);
        }
        answer[key] = kept;
    };
    if (shown != Shown::all)
        drop("reasons", [](const Json &reason) { return number(reason, "value") == 0; });
    if (shown == Shown::nonzero) {
        drop("services", silent);
        drop("backends", silent);
    }
    return answer;
}

// `per`: "" or "/S", appended to the titles of what is counted.
Table reasons_table(const Json &reasons, const std::string &per)
{
    Table table({{"REASON"}, {"PACKETS" + per, Align::right}, {"MEANING"}});
    for (const Json &reason : reasons)
        table.add({{text(reason, "name")}, {human_count(number(reason, "value"))}, {text(reason, "help")}});
    return table;
}

Table service_traffic(const Json &services, const std::string &per)
{
    Table table({{"SERVICE"},
                 {"PACKETS" + per, Align::right},
                 {"BYTES" + per, Align::right},
                 {"NEW FLOWS" + per, Align::right}});
    for (const Json &service : services) {
        table.add({{text(service, "name")},
                   {human_count(number(service, "packets"))},
                   {human_bytes(number(service, "bytes"))},
                   {human_count(number(service, "new_flows"))}});
    }
    return table;
}

Table backend_traffic(const Json &backends, const std::string &per)
{
    Table table({{"SERVICE"}, {"BACKEND"}, {"PACKETS" + per, Align::right}, {"BYTES" + per, Align::right}});
    for (const Json &backend : backends) {
        table.add({{text(backend, "service")},
                   {text(backend, "name")},
                   {human_count(number(backend, "packets"))},
                   {human_bytes(number(backend, "bytes"))}});
    }
    return table;
}

void print_counters(Session &session, const Json &answer, Shown shown, const std::string &per)
{
    const Json chosen = selected(answer, shown);
    if (session.json()) // a program gets everything unless it says otherwise
        return session.print_json(shown == Shown::nonzero ? chosen : answer);
    const Json &reasons = list(chosen, "reasons");
    if (reasons.empty())
        session.print(per.empty() ? "no packets counted yet\n" : "no packets\n");
    else
        session.print_table(reasons_table(reasons, per));
    if (const Json &services = list(chosen, "services"); !services.empty()) {
        session.print("\n");
        session.print_table(service_traffic(services, per));
    }
    if (const Json &backends = list(chosen, "backends"); !backends.empty()) {
        session.print("\n");
        session.print_table(backend_traffic(backends, per));
    }
}

struct Choice {
    bool all = false;
    bool nonzero = false;
    std::string interval;              // empty: not watched
    std::optional<std::int64_t> count; // of tables; absent: without end

    Shown shown() const { return all ? Shown::all : nonzero ? Shown::nonzero : Shown::usual; }
};

// Until `count` tables are printed, the output is closed, or the daemon is gone.
void watch(Session &session, const Choice &choice, std::chrono::milliseconds interval)
{
    const auto ask = [&session] {
        Json answer = session.daemon().get("/v1/counters");
        return std::pair(std::move(answer), Clock::now());
    };
    auto [before, asked] = ask();
    for (std::int64_t printed = 0; !choice.count || printed < *choice.count; printed++) {
        std::this_thread::sleep_until(asked + interval);
        auto [after, now] = ask();
        if (session.on_terminal())
            session.print("\x1b[H\x1b[2J"); // from the top of an empty screen
        else if (printed > 0 && !session.json())
            session.print("\n");
        const double seconds = std::chrono::duration<double>(now - asked).count();
        print_counters(session, per_second(before, after, seconds), choice.shown(), "/S");
        if (!session.flush())
            return;
        before = std::move(after);
        asked = now;
    }
}

void run_counters(Session &session, const Choice &choice)
{
    if (choice.interval.empty()) {
        if (choice.count)
            throw BadUsage("--count requires --watch");
        return print_counters(session, session.daemon().get("/v1/counters"), choice.shown(), "");
    }
    if (choice.count && *choice.count < 1)
        throw BadUsage("--count requires a whole number of at least 1");
    try {
        watch(session, choice, parse_time("--watch", choice.interval));
    } catch (const std::invalid_argument &error) {
        throw BadUsage(error.what());
    }
}

} // namespace

void add_counters_command(Program &program)
{
    const auto choice = std::make_shared<Choice>();
    CLI::App *counters =
        program.add_command(&program.app, "counters", "Show what was forwarded, dropped and punted, and why",
                            [choice](Session &session) { run_counters(session, *choice); });
    CLI::Option *all = counters->add_flag("--all", choice->all, "Also show reasons that never occurred");
    counters->add_flag("--nonzero", choice->nonzero, "Hide services and backends without traffic")
        ->excludes(all);
    counters
        ->add_option("--watch", choice->interval,
                     "Keep printing per-second rates, every second or every INTERVAL, such as 500ms or 5s")
        ->expected(0, 1)
        ->default_str("1s")
        ->type_name("INTERVAL");
    add_number(counters, "--count", choice->count, "Stop after this many tables of --watch");
}

} // namespace aya::ctl
