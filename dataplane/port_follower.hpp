// SPDX-License-Identifier: BSD-2-Clause
//
// Keeps the ports in step with the kernel's interfaces under them, on the main lcore: link, MTU, MAC address,
// and interfaces that vanish, are moved to another network namespace, and come back.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/netlink/socket.hpp"
#include "port.hpp"
#include "punt.hpp"
#include "segment.hpp"
#include "worker.hpp"
#include "xdp_share.hpp"

namespace aya
{

class PortFollower
{
public:
    struct Parts {
        const std::vector<std::unique_ptr<Port>> &ports;
        const std::vector<std::unique_ptr<Worker>> &workers;
        const std::vector<std::unique_ptr<XdpShare>> &shares; // by port; path "auto" only
        PuntPath &punt;
        SegmentWriter &segment;
        // Buffers for a port that is opened again. Throws StartError.
        std::function<rte_mempool *(const Port &)> pool_for;
    };
    explicit PortFollower(Parts parts);

    // Takes a look at every port. To be called from time to time, often.
    void look();

private:
    enum class Stage {
        open,
        leaving, // until every worker has let go of the devices
        closed,  // until the interface is back
    };
    struct Followed {
        Stage stage = Stage::open;
        PortState state = PortState::works;
        u32 mtu = 0;           // of the interface, as of the last look
        bool deleted = false;  // the kernel said that the interface with this index has left
        std::string complaint; // why it cannot be opened again; said once
        u64 next_try = 0;
        rte_mempool *pool = nullptr; // to open it again with; kept over tries that fail
    };

    void hear_of_deleted();
    void look_at(u32 index);
    void watch(u32 index);
    void watch_mtu(u32 index);
    void watch_mac(u32 index);
    void leave(u32 index);
    void close(u32 index);
    void try_again(u32 index);
    bool is_back(u32 index) const;
    void show(u32 index, PortState state);

    Parts parts_;
    netlink::Socket links_;
    std::vector<Followed> followed_;
};

} // namespace aya
