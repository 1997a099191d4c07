// SPDX-License-Identifier: BSD-2-Clause
// Making and undoing changes. Both can be repeated, and both can find that someone else has changed things.
#pragma once

#include "decap.hpp"
#include "netlink.hpp"
#include "state.hpp"

#include <optional>
#include <string>

namespace aya::backend
{

class Changer
{
public:
    explicit Changer(const Settings &settings) : settings_(settings) {}

    // Throws Error.
    void make(const Change &change);
    // The answer says what was left as it is, and why; nullopt: undone, or there was nothing to undo. Throws
    // Error.
    std::optional<std::string> undo(const Change &change);

private:
    void make_decap(const Change &change, Hook hook);
    std::optional<std::string> undo_sysctl(const Change &change);
    std::optional<std::string> undo_clsact(const Change &change);
    // The interface of a change, unless it is gone.
    bool is_there(int link);

    const Settings settings_;
    Netlink netlink_;
    std::string bpf_dir_; // known once the change `pins` is made
};

} // namespace aya::backend
