// SPDX-License-Identifier: BSD-2-Clause
// decap.bpf.c in the kernel: loaded from within this program, its maps pinned. libbpf is hidden by this file,
// attach.hpp and inspect.hpp.
#pragma once

#include "common/address.hpp"
#include "settings.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace aya::backend
{

class Decap
{
public:
    // Loads the program for the hook; its maps are those pinned in the directory, or are pinned there now.
    // Throws Error.
    Decap(const std::string &bpf_dir, Hook hook);
    ~Decap();
    Decap(const Decap &) = delete;
    Decap &operator=(const Decap &) = delete;

    // Strip what these settings say, and nothing else. Throws Error.
    void configure(const Settings &settings);
    // Into force on an interface: at once, without a gap if an older one of ours is there. Throws Error.
    void attach(int link, const std::string &interface);

private:
    struct Object;

    std::string bpf_dir_;
    Hook hook_;
    std::unique_ptr<Object> object_;
};

// 0 or an errno value; what is not there is no error.
int remove_pins(const std::string &bpf_dir);

// Throws Error if the directory cannot hold pins.
void require_bpf_fs(const std::string &bpf_dir);

} // namespace aya::backend
