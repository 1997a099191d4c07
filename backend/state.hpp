// SPDX-License-Identifier: BSD-2-Clause
// What this tool changed on the host, so that `down` undoes that and nothing else.
#pragma once

#include "settings.hpp"

#include <optional>
#include <string>
#include <vector>

namespace aya::backend
{

struct Change {
    enum class Kind { sysctl, pins, clsact, decap_tc, decap_xdp, address, network };

    Kind kind = Kind::sysctl;
    std::string
        name{};   // sysctl: path; pins, decap_xdp: directory; address, network: the VIP; else: the interface
    int link = 0; // index of the interface; a new one of the same name is another one
    int before = 0; // sysctl only
    int after = 0;

    // The same thing in the same place, whatever its values.
    bool same_place(const Change &other) const
    {
        return kind == other.kind && name == other.name && link == other.link;
    }
};

struct State {
    Settings settings{};
    std::vector<Change> changes{}; // in the order in which they are made

    const Change *find(const Change &place) const;
};

// The state file, and the right to change it.
class StateFile
{
public:
    enum class Access { read, change };

    // `change`: makes the directory and waits until no other aya-backend holds it. Throws Error.
    StateFile(const std::string &directory, Access access);
    ~StateFile();
    StateFile(const StateFile &) = delete;
    StateFile &operator=(const StateFile &) = delete;

    // nullopt: nothing is set up (or it was, before a reboot). Throws Error.
    std::optional<State> load() const;
    // On disk when this returns, old or new as a whole at any time. Throws Error.
    void save(const State &state) const;
    void remove() const;
    const std::string &path() const { return path_; }

private:
    std::string directory_;
    std::string path_;
    int lock_ = -1;
};

} // namespace aya::backend
