// SPDX-License-Identifier: BSD-2-Clause
//
// Brings a TableImage into the tables: gives ids and places in the lookup arena, writes what differs into the
// slot that has no readers, and flips.
//
// The live tables are the truth for ids: a publisher that starts on tables that exist takes names, ids,
// incarnations and spans from the live slot, and writes nothing if they already say what the image says.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "model/image.hpp"
#include "publish/sink.hpp"

namespace aya
{

struct Published {
    u64 generation = 0;   // the live one
    bool changed = false; // false: the live tables said so already, nothing was written
};

struct LiveBackend {
    u32 id = AYA_BACKEND_NONE;
    u16 incarnation = 0;
    u8 state = AYA_BACKEND_FREE;      // enum aya_backend_state
    std::optional<IpAddress> address; // absent: recovered from tables, which do not tell
};

struct LiveService {
    u32 id = AYA_SERVICE_NONE;
    u32 lookup_size = 0;
    bool has_previous = false; // a previous lookup table waits for retire_previous()
};

// A lookup table becomes the previous one of its service only if it was in force for so long. One that stood
// for a moment (a backend that was found up a second later, probes that all failed once) knows few
// connections, and would send those of the others astray.
constexpr std::chrono::seconds kLookupInForce{5};

class Publisher
{
public:
    using Clock = std::chrono::steady_clock;

    // Throws SegmentError if the live tables contradict themselves. `sink` must outlive the publisher.
    explicit Publisher(Sink &sink);
    ~Publisher();
    Publisher(const Publisher &) = delete;
    Publisher &operator=(const Publisher &) = delete;

    // True once every reader uses the live generation; only then the other slot may be written. Poll it.
    bool ready();

    // Needs ready(). An error (a table is full) names the limit and its key, and nothing has changed.
    Result<Published> publish(const TableImage &image, Clock::time_point now);

    // The services whose previous lookup table has outlived the connections that could need it: it was
    // replaced as long ago as it was in force, or as the service's idle timeout of established connections.
    std::vector<std::string> outlived_previous(Clock::time_point now) const;

    // Takes the previous lookup tables of these services out of use, which is a publish as well: needs
    // ready().
    Published retire_previous(const std::vector<std::string> &services);

    u64 generation() const;
    std::optional<LiveService> find_service(std::string_view service) const;
    std::optional<LiveBackend> find_backend(std::string_view service, std::string_view backend) const;
    std::vector<std::string> services_with_previous() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace aya
