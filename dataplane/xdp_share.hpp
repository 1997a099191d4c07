// SPDX-License-Identifier: BSD-2-Clause
//
// Path "auto": the XDP program stays on the interface, under the AF_XDP port. It hands a VIP's packets to our
// socket, and forwards them itself where there is none or it is told to; the flow table is the same one for
// both. One of the two writes a queue's part of it at a time: the program forwards nothing while it hands
// packets over.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "aya/pinned.hpp"
#include "flow_store.hpp"

namespace aya
{

class XdpShare
{
public:
    // `directory`: the instance's, in a BPF file system. Waits until aya-controlplane has put the program on
    // the interface; nullptr: `stop` was set before. Throws SegmentError.
    static std::unique_ptr<XdpShare> join(const std::string &directory, const std::string &interface,
                                          const std::atomic<bool> &stop);

    u32 queues() const { return record()->queues; }
    u32 interface_index() const { return record()->interface_index; } // that has the program
    u32 flow_sets() const { return record()->flow_sets; }
    aya_flow_set *flows(u32 queue) const { return flows_.at<aya_flow_set>(u64{queue} * flow_sets()); }
    std::span<aya_backend_load> flow_loads(u32 queue) const
    {
        return {flow_loads_.at<aya_backend_load>(u64{queue} * record()->backends), record()->backends};
    }
    const aya_xdp_mode *mode() const { return mode_.at<aya_xdp_mode>(); }

    // Takes our sockets away from the program: from now on it forwards itself.
    void leave() const;

    // Somebody flushed, and other maps are pinned now: our sockets are where no packet comes.
    bool replaced() const;

private:
    XdpShare(const std::string &directory, const std::string &interface);
    const XdpPortRecord *record() const { return record_.at<XdpPortRecord>(); }

    std::string record_path_;
    PinnedMap record_, flows_, flow_loads_, mode_, xsks_map_;
    u64 inode_ = 0; // of the record's pin
};

// A queue's part of the program's flow table. What it holds is of the tables that the program reads, always.
class SharedFlows final : public FlowTable
{
public:
    SharedFlows(const XdpShare &share, u32 queue)
        : sets_(share.flows(queue)), mask_(share.flow_sets() - 1), loads_(share.flow_loads(queue))
    {
    }

    aya_flow_set *sets() const override { return sets_; }
    u32 set_mask() const override { return mask_; }
    std::span<aya_backend_load> loads() override { return loads_; }
    void bind(u64) noexcept override {}
    void swept(u64) noexcept override {}

private:
    aya_flow_set *sets_;
    u32 mask_;
    std::span<aya_backend_load> loads_;
};

} // namespace aya
