// SPDX-License-Identifier: BSD-2-Clause
// The forwarding program, loaded into the kernel with given sizes.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "aya/shm.hpp"
#include "bpf_error.hpp"

namespace aya
{

struct ForwardSizes {
    Capacities capacities{};
    u32 queues = 1;
    u32 flow_sets = 1 << 15; // of each queue, a power of two
    u32 port_index = 0;
    bool by_processor = false; // the number of the processor takes the place of the RX queue's
};

class ForwardObject
{
public:
    using Maps = std::vector<std::pair<const char *, int>>; // name in the program, descriptor

    // `given` maps take the place of the program's own of that name. Throws BpfError.
    explicit ForwardObject(const ForwardSizes &sizes, const Maps &given = {});
    ~ForwardObject();
    ForwardObject(const ForwardObject &) = delete;
    ForwardObject &operator=(const ForwardObject &) = delete;

    int program_fd() const;
    int map_fd(const char *name) const; // throws BpfError for an unknown name

    // Differs whenever another program would be loaded.
    static u64 hash(const ForwardSizes &sizes);

private:
    struct Skeleton;
    std::unique_ptr<Skeleton> skeleton_;
};

} // namespace aya
