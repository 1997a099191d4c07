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
        for (size_t i = 0; i < 2; i++)
            slots_[i] = layout_.slot[i].in(memory_.get());
        for (auto &epoch : epochs_)
            epoch.store(kNotReading);
    }

    const Capacities &capacities() const override { return capacities_; }
    const TableSlot &slot(u64 generation) const override { return slots_[generation & 1]; }
    u32 *lookup() const override { return reinterpret_cast<u32 *>(memory_.get() + layout_.lookup); }
    u64 generation() const override { return generation_.load(); }
    void prepare(u64 generation) override { announce_writing(control, generation); }
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

    aya_control control{}; // only what is said before a write

    aya_view view(u64 generation) const { return view_of(slot(generation), lookup(), capacities_); }

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

    Capacities capacities_;
    TablesLayout layout_;
    std::unique_ptr<char, Free> memory_;
    std::array<TableSlot, 2> slots_{};
    std::atomic<u64> generation_{0};
    std::vector<std::atomic<u64>> epochs_;
};

} // namespace aya::test
