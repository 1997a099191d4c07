// SPDX-License-Identifier: BSD-2-Clause
// decap.bpf.c in the kernel: loaded from within this program, attached, pinned. libbpf is hidden by this
// file.
#pragma once

#include "address.hpp"
#include "facts.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "decap.h"

namespace aya::backend
{

using DecapCounters = std::array<std::uint64_t, AYA_DECAP_OUTCOME_COUNT>;

class Decap
{
public:
    // Loads the program for the hook; its maps are those pinned in the directory, or are pinned there now.
    // Throws Error.
    Decap(const std::string &bpf_dir, Hook hook);
    ~Decap();
    Decap(const Decap &) = delete;
    Decap &operator=(const Decap &) = delete;

    // Strip for these and for no others; GUE at this UDP port, 0: IP in IP alone.
    void set_addresses(const std::vector<Address> &addresses, std::uint16_t gue_port);
    // Into force on an interface: at once, without a gap if an older one of ours is there. Throws Error.
    void attach(int link, const std::string &interface);

private:
    struct Object;

    void attach_tc(int link, const std::string &interface);
    void attach_xdp(int link, const std::string &interface);

    std::string bpf_dir_;
    Hook hook_;
    std::unique_ptr<Object> object_;
};

// Makes clsact on the interface; one that is there is fine. Throws Error.
void create_clsact(int link, const std::string &interface);
// All give 0 or an errno value; what is not there is no error.
int remove_clsact(int link);
int detach_tc(int link);
int detach_xdp(const std::string &bpf_dir, int link);
int remove_pins(const std::string &bpf_dir);

// Throws Error if the directory cannot hold pins.
void require_bpf_fs(const std::string &bpf_dir);

Attached read_attached(Netlink &netlink, int link);
// nullopt: no maps are pinned there.
std::optional<DecapCounters> read_counters(const std::string &bpf_dir);

} // namespace aya::backend
