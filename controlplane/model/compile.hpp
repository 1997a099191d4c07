// SPDX-License-Identifier: BSD-2-Clause
//
// The heart of the control plane: desired state and observed state in, table image out. No I/O, no clock:
// what depends on time reaches it as an observation.
//
//   desired                 observed           table entry, new flows
//   disabled                any                DOWN: loses its flows
//   any other               down, no panic     DOWN: loses its flows; DRAINING with on_down keep
//   draining, or weight 0   any other          DRAINING: keeps its flows, gets no new ones
//   active, weight above 0  waiting, no panic  DRAINING: it has no flows yet, unless an admission ended
//   active, weight above 0  any other          UP: keeps its flows; gets new ones if its next hop is
//                                              resolved, or if that of no other backend is
//
// A backend without a result yet is unknown and counts as up, or it is waiting. Which one is decided when it
// appears, by init_state: see LiveObserver. Without an init_state a waiting backend is admitted while no
// other one is live: it is better than none.
//
// Panic: if more than panic_threshold percent of the backends that count (active, weight above 0) are down,
// health is ignored for the whole service. A waiting backend counts, but not as down. Otherwise a service
// without any backend for new flows has an empty lookup table.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/config.hpp"
#include "model/image.hpp"
#include "model/observed.hpp"
#include "model/source_set.hpp"

namespace aya
{

struct ServiceObserved {
    std::vector<BackendObserved> backends; // one for each of ServiceConfig::backends, in that order
    std::set<Prefix> local;                // addresses of its VIPs that the kernel has, too

    bool operator==(const ServiceObserved &) const = default;
};

// What all services share.
struct CompileOptions {
    Seed seed{};
    TunnelSource tunnel_source;

    bool operator==(const CompileOptions &) const = default;
};

// Pure, and without any earlier state: builds the lookup table from scratch. `sources` are the service's.
ServiceImage compile(const ServiceConfig &service, const ServiceObserved &observed,
                     const CompileOptions &options, SourceSet sources = nullptr);

// The same with a memory. Equal input gives the same image object; equal candidates for new flows give the
// same lookup table object, also when they were others in between (a backend that flaps).
class Compiler
{
public:
    explicit Compiler(const CompileOptions &options) : options_(options) {}

    std::shared_ptr<const ServiceImage> compile(const ServiceConfig &service,
                                                const ServiceObserved &observed);
    void forget(const std::string &service) { memory_.erase(service); }
    void set_lists(const std::vector<SourceList> &lists) { source_sets_.set_lists(lists); }
    const CompileOptions &options() const { return options_; }

private:
    struct Table {
        TableBuilder *build;
        std::vector<Candidate> candidates;
        LookupTable lookup;
    };
    struct Remembered {
        ServiceConfig service;
        ServiceObserved observed;
        std::shared_ptr<const ServiceImage> image;
        std::vector<Table> tables; // last used first
    };

    static LookupTable find_table(std::vector<Table> &tables, TableBuilder *build,
                                  const std::vector<Candidate> &candidates, u32 size);

    CompileOptions options_;
    SourceSets source_sets_;
    std::unordered_map<std::string, Remembered> memory_;
};

} // namespace aya
