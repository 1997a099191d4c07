// SPDX-License-Identifier: BSD-2-Clause
#include "commands.hpp"

#include "changes.hpp"
#include "common/error.hpp"
#include "findings.hpp"
#include "plan.hpp"
#include "report.hpp"
#include "state.hpp"

#include <algorithm>
#include <iostream>
#include <unistd.h>

namespace aya::backend
{

namespace
{

void require_root()
{
    if (::geteuid() != 0)
        throw Error("not root: addresses, kernel parameters and BPF programs require root; run with sudo");
}

// From the command line, with defaults taken from the host.
Settings complete(const Options &options, const Facts &facts)
{
    Settings settings;
    settings.vips = options.vips;
    settings.encap = *options.encap;
    settings.gue_port = options.gue_port;
    settings.interface = options.interface;
    settings.ports = options.ports;
    if (settings.has_tunnel()) {
        settings.balancers = options.balancers;
        settings.all_locals = options.locals.empty();
        settings.locals =
            options.locals.empty() ? facts.locals(options.interface, options.vips) : options.locals;
        settings.hook = options.hook.value_or(choose_hook(facts, settings));
    }
    return settings;
}

std::string interface_of(const Options &options)
{
    return options.interface.empty() ? find_interface(options.balancers) : options.interface;
}

// What up does not put right by itself, it does not start with.
void refuse_if_hopeless(const Facts &facts, const Settings &settings)
{
    std::string reasons;
    for (const Finding &finding : judge(facts, settings))
        if (blocks_up(finding.defect))
            reasons += (reasons.empty() ? "" : "\naya-backend: ") + finding.text;
    if (reasons.empty() && settings.has_tunnel() && settings.locals.empty())
        reasons = settings.interface +
                  ": has no address that the balancer could tunnel to; add one, or give one with --local";
    for (const IpAddress &local : settings.locals) {
        const auto is_it = [&](const InterfaceAddress &a) { return a.address == local; };
        if (std::none_of(facts.addresses.begin(), facts.addresses.end(), is_it))
            reasons += (reasons.empty() ? "" : "\naya-backend: ") + ("--local " + to_string(local)) +
                       ": not an address of this host";
    }
    if (!reasons.empty())
        throw Error(reasons);
}

// Undone in reverse order. Returns how many; each one that had to be left gets a line on stderr.
void undo_all(Changer &changer, std::vector<Change> changes)
{
    std::reverse(changes.begin(), changes.end());
    for (const Change &change : changes)
        if (const auto left = changer.undo(change))
            std::cerr << "aya-backend: " << *left << "\n";
}

// Decapsulation as it was: its maps have been filled with what `next` says.
void restore_decap(const State &old)
{
    Changer changer(old.settings);
    for (const Change &change : old.changes)
        if (change.kind == Change::Kind::pins || change.kind == Change::Kind::decap_tc ||
            change.kind == Change::Kind::decap_xdp)
            changer.make(change);
}

// Brings the host from `old` to `next`: first what is new, so that traffic never misses anything. Whatever
// may be made is in the state file before it is made.
void change_over(const StateFile &file, const State &old, const State &next)
{
    Changer changer(next.settings);
    const std::vector<Change> stale = difference(old.changes, next.changes);
    State both = next;
    both.changes.insert(both.changes.begin(), stale.begin(), stale.end());
    file.save(both);
    try {
        for (const Change &change : next.changes)
            changer.make(change);
    } catch (const Error &) {
        undo_all(changer, difference(next.changes, old.changes));
        restore_decap(old);
        if (old.changes.empty())
            file.remove();
        else
            file.save(old);
        throw;
    }
    undo_all(changer, stale);
    file.save(next);
}

} // namespace

int up(const Options &given)
{
    require_root();
    Options options = given;
    options.interface = interface_of(given);
    const StateFile file(options.run_dir, StateFile::Access::change);
    const State old = file.load().value_or(State{});
    const Facts facts = gather(options.interface, {});

    State next;
    next.settings = complete(options, facts);
    refuse_if_hopeless(facts, next.settings);
    next.changes = plan(facts, next.settings, old.changes, options.bpf_dir);
    change_over(file, old, next);

    std::cout << "up: " << describe(next.settings) << "\n";
    for (const Finding &finding : judge(gather(options.interface, {}), next.settings))
        std::cerr << "aya-backend: still to do: " << finding.text << "\n";
    return 0;
}

int down(const Options &options)
{
    require_root();
    const StateFile file(options.run_dir, StateFile::Access::change);
    const auto state = file.load();
    if (!state) {
        file.remove();
        std::cout << "down: nothing to undo\n";
        return 0;
    }
    Changer changer(state->settings);
    undo_all(changer, state->changes);
    file.remove();
    std::cout << "down: removed: " << describe(state->settings) << "\n";
    return 0;
}

int check(const Options &given)
{
    Settings settings;
    const auto state = StateFile(given.run_dir, StateFile::Access::read).load();
    Options options = given;
    if (!options.encap) {
        if (!state)
            throw Error("nothing is set up; give the settings to check: --vip ADDRESS --encap " +
                        encap_names("|", "|"));
        settings = state->settings;
        settings.ports = options.ports;
        options.interface = settings.interface;
    } else {
        options.interface = interface_of(given);
    }
    std::vector<Port> ports = options.ports;
    if (row_of(options.encap.value_or(settings.encap)).strips_udp)
        ports.push_back({options.encap ? options.gue_port : settings.gue_port, false});
    const Facts facts = gather(options.interface, ports);
    if (options.encap) {
        settings = complete(options, facts);
        settings.is_set_up = state && state->settings.interface == settings.interface &&
                             state->settings.encap == settings.encap;
        if (settings.is_set_up && !options.hook)
            settings.hook = state->settings.hook;
    } else if (settings.has_tunnel() && settings.all_locals)
        settings.locals = facts.locals(settings.interface, settings.vips); // they may be others by now
    return report(judge(facts, settings), settings, options.json);
}

int status(const Options &options)
{
    require_root();
    const auto state = StateFile(options.run_dir, StateFile::Access::read).load();
    if (!state)
        return report_nothing_set_up(options.json);
    std::optional<DecapCounters> counters;
    for (const Change &change : state->changes)
        if (change.kind == Change::Kind::pins)
            counters = read_counters(change.name);
    std::optional<Facts> facts;
    try {
        facts = gather(state->settings.interface, {});
    } catch (const Error &e) {
        std::cerr << "aya-backend: " << e.what() << "\n";
    }
    return report(*state, facts, counters, options.json);
}

} // namespace aya::backend
