// SPDX-License-Identifier: BSD-2-Clause
//
// Starts and stops DPDK's environment abstraction layer with arguments made from our own options.
#pragma once

#include <string>
#include <vector>

#include "options.hpp"

namespace aya
{

bool is_pci_address(const std::string &device);

// Pure, for tests: what is handed to rte_eal_init. `cores` are the machine's, ascending.
std::vector<std::string> eal_arguments(const DataplaneConfig &options, const std::string &instance,
                                       const std::vector<u32> &cores);

// Closing an AF_XDP device takes the XDP program off its interface, also when another process put it there
// and lives by it. After this call nothing is closed any more, and the end of the process frees what is ours.
void keep_devices_open() noexcept;

class Eal
{
public:
    // Throws StartError.
    Eal(const DataplaneConfig &options, const std::string &instance);
    ~Eal();
    Eal(const Eal &) = delete;
    Eal &operator=(const Eal &) = delete;

private:
    std::vector<std::string> arguments_; // DPDK keeps pointers into them
    std::vector<char *> argv_;
};

} // namespace aya
