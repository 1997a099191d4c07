// SPDX-License-Identifier: BSD-2-Clause
// Tables in plain memory, with readers that are threads (or steps of a test) of the same process.
#pragma once

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "aya/shm.hpp"
#include "publish/sink.hpp"

namespace aya::test
{

class MemorySink final : public Sink
{
public:
    static constexpr u64 kNotReading = ~u64{0};

    explicit MemorySink(const Capacities &capacities, size_t readers = 1)
        : capacities_(capacities), layout_(capacities), memory_(allocate(layout_.size)), epochs_(readers)
    {
        for (size_t i = 0; i < 2; i++) {
            const TablesLayout::Slot &at = layout_.slot[i];
            slots_[i] = {.settings = place<aya_settings>(at.settings),
                         .vips = place<aya_vip>(at.vips),
                         .services = place<aya_service>(at.services),
                         .backends = place<aya_backend>(at.backends),
                         .tunnels = place<aya_tunnel>(at.tunnels),
                         .service_names = place<aya_name>(at.service_names),
                         .backend_names = place<aya_name>(at.backend_names)};
        }
        for (auto &epoch : epochs_)
            epoch.store(kNotReading);
    }

    const Capacities &capacities() const override { return capacities_; }
    const TableSlot &slot(u64 generation) const override { return slots_[generation & 1]; }
    u32 *lookup() const override { return place<u32>(layout_.lookup); }
    u64 generation() const override { return generation_.load(); }
    void flip(u64 generation) override { generation_.store(generation); }

    bool quiescent() override
    {
        for (auto &epoch : epochs_)
            if (epoch.load() < generation_.load())
                return false;
        return true;
    }

    // A reader's side: join before the first read; then generation() at the start and report() at the end of
    // a burst.
    void report(size_t reader, u64 epoch) { epochs_[reader].store(epoch); }
    void join(size_t reader) { report(reader, 0); }
    void leave(size_t reader) { report(reader, kNotReading); }

    aya_view view(u64 generation) const
    {
        const TableSlot &at = slot(generation);
        return {.settings = at.settings,
                .vips = at.vips,
                .services = at.services,
                .backends = at.backends,
                .tunnels = at.tunnels,
                .lookup = lookup(),
                .vip_count = capacities_.vips,
                .service_count = capacities_.services,
                .backend_count = capacities_.backends,
                .lookup_count = capacities_.lookup_slots};
    }

    std::vector<char> copy_of_everything() const { return {memory_.get(), memory_.get() + layout_.size}; }

private:
    struct Free {
        void operator()(char *memory) const { std::free(memory); }
    };

    static char *allocate(u64 size)
    {
        void *memory = std::aligned_alloc(4096, size);
        if (!memory)
            throw std::bad_alloc();
        return static_cast<char *>(std::memset(memory, 0, size));
    }

    template <class T>
    T *place(u64 offset) const
    {
        return reinterpret_cast<T *>(memory_.get() + offset);
    }

    Capacities capacities_;
    TablesLayout layout_;
    std::unique_ptr<char, Free> memory_;
    std::array<TableSlot, 2> slots_{};
    std::atomic<u64> generation_{0};
    std::vector<std::atomic<u64>> epochs_;
};

} // namespace aya::test
