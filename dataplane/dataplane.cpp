// SPDX-License-Identifier: BSD-2-Clause
#include "dataplane.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <memory>
#include <span>
#include <vector>

#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "eal.hpp"
#include "interface.hpp"
#include "port_follower.hpp"
#include "punt.hpp"
#include "segment.hpp"
#include "worker.hpp"
#include "xdp_share.hpp"

namespace aya
{

namespace
{

constexpr u32 kPoolCache = 256;
constexpr u64 kLookForTablesNs = 100'000'000;
constexpr u64 kCountLossesNs = 1'000'000'000;
constexpr u32 kIdleSleepUs = 150;
constexpr u32 kHandBackUs = 20'000; // many times what a packet takes from the program to its worker

std::atomic<bool> stop_requested{false};

void request_stop(int)
{
    stop_requested.store(true, std::memory_order_relaxed);
}

void catch_signals()
{
    struct sigaction action = {};
    action.sa_handler = request_stop;
    ::sigaction(SIGTERM, &action, nullptr);
    ::sigaction(SIGINT, &action, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGHUP, SIG_IGN); // there is nothing to reload: tables arrive by themselves
}

struct FreePool {
    void operator()(rte_mempool *pool) const { rte_mempool_free(pool); }
};
using Pool = std::unique_ptr<rte_mempool, FreePool>;

// Counters are made for these; ids beyond count in totals only. Sparse, so room that is not used costs
// nothing.
Capacities counter_capacities(const TablesView &tables)
{
    if (tables.capacities() != nullptr)
        return *tables.capacities();
    Capacities most;
    most.services = AYA_MAX_SERVICES;
    most.backends = 1u << 20;
    return most;
}

std::string tables_place(const CommandLine &line, const DataplaneConfig &options)
{
    return options.uses_xdp() ? pinned_tables_directory(line.instance.pins().string())
                              : tables_file(line.instance.run().string());
}

// Told to stop while it waited for something at its start.
struct Stopped {
};

// The program of each port, with path "auto"; waits for the control plane, which attaches them.
std::vector<std::unique_ptr<XdpShare>> join_programs(const CommandLine &line, const DataplaneConfig &options)
{
    std::vector<std::unique_ptr<XdpShare>> shares;
    if (!options.uses_xdp())
        return shares;
    for (const PortConfig &port : options.ports) {
        if (!interface_exists(port.device))
            throw StartError("port " + std::to_string(shares.size()) + " (" + port.device +
                             "): no such interface");
        shares.push_back(XdpShare::join(line.instance.pins().string(), port.device, stop_requested));
        if (!shares.back())
            throw Stopped();
    }
    return shares;
}

class Dataplane
{
public:
    Dataplane(const CommandLine &line, const DataplaneConfig &options);
    ~Dataplane();
    Dataplane(const Dataplane &) = delete;
    Dataplane &operator=(const Dataplane &) = delete;

    void run();

private:
    unsigned pool_flags() const;
    Pool make_pool(const std::string &name, std::span<const Port *const> ports);
    void make_first_pool();
    rte_mempool *pool_for(const Port &port);
    void make_workers();
    std::unique_ptr<FlowTable> open_flows(const Port &port, u32 queue) const;
    const XdpShare *share(const Port &port) const;
    void hand_back() const;
    std::string cut_off() const;
    void launch();
    void look_for_tables();
    void count_losses() const;
    static int worker_main(void *argument);

    const CommandLine &line_;
    const DataplaneConfig &options_;
    InstanceLock lock_;
    std::vector<std::unique_ptr<XdpShare>> shares_; // by port; path "auto" only
    TablesView tables_;
    Eal eal_;
    std::vector<std::unique_ptr<Port>> ports_;
    Pool pool_;
    std::vector<Pool> later_pools_;
    std::unique_ptr<PuntPath> punt_;
    std::unique_ptr<SegmentWriter> segment_;
    std::vector<SiblingFlows> flow_tables_; // of all queues: workers look into them
    std::vector<aya_buckets> buckets_;      // of all workers, as the next
    std::vector<u64> source_buckets_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::atomic<bool> stop_{false};
};

Dataplane::Dataplane(const CommandLine &line, const DataplaneConfig &options)
    : line_(line), options_(options), lock_(line.instance, "dataplane"),
      shares_(join_programs(line, options)),
      tables_(tables_place(line, options),
              options.uses_xdp() ? TablesView::Kind::pinned : TablesView::Kind::file),
      eal_(options, line.instance.name)
{
    const u32 worker_count = static_cast<u32>(options_.workers.size());
    const std::optional<Seed> seed = load_seed(line_.config_file);
    for (PortConfig port : options_.ports) {
        if (options_.uses_xdp())
            port.mtu.reset(); // a limit for what is sent to backends; the interface stays as it is
        ports_.push_back(std::make_unique<Port>(static_cast<u32>(ports_.size()), port, worker_count, seed));
    }
    make_first_pool();
    for (const auto &port : ports_)
        port->start(pool_.get(), static_cast<int>(rte_socket_id()));
    punt_ = std::make_unique<PuntPath>(pool_.get());
    for (const auto &port : ports_)
        punt_->add_port(*port);
    segment_ = std::make_unique<SegmentWriter>(line_.instance.run().string(), counter_capacities(tables_),
                                               worker_count);
    for (const auto &port : ports_)
        segment_->set_port(*port, punt_->ifindex(port->index()));
    segment_->set_tables_identity(tables_.identity());
    make_workers();
}

Dataplane::~Dataplane()
{
    for (const auto &port : ports_)
        port->stop();
    workers_.clear();
    punt_.reset();
    ports_.clear(); // closes them: rings give their buffers back
    if (pool_)
        log_debug(
            "packet buffers in use at the end: " + std::to_string(rte_mempool_in_use_count(pool_.get())) +
            " of " + std::to_string(pool_->size));
}

// net_af_xdp takes the pool for an array without gaps: it tells the kernel of count x size bytes, and a
// buffer beyond them is lost to the port. DPDK leaves gaps, so that no buffer crosses a page, unless no one
// needs physical addresses.
unsigned Dataplane::pool_flags() const
{
    const bool physical = std::any_of(options_.ports.begin(), options_.ports.end(),
                                      [](const PortConfig &port) { return is_pci_address(port.device); });
    return physical ? 0 : RTE_MEMPOOL_F_NO_IOVA_CONTIG;
}

Pool Dataplane::make_pool(const std::string &name, std::span<const Port *const> ports)
{
    u32 needed = (kPortRingSize + kPuntRingSizes) * static_cast<u32>(ports.size());
    u32 room = RTE_MBUF_DEFAULT_DATAROOM;
    for (const Port *port : ports) {
        needed += port->mbufs_needed();
        room = std::max(room, port->frame_room());
    }
    needed += static_cast<u32>(options_.workers.size() + 1) * (kPoolCache * 2 + 2 * kBurst * kMaxPorts);
    const u32 count = options_.mbufs.value_or(needed);
    const u32 rounded = (room + 63) & ~63u;
    Pool pool(rte_mempool_create(name.c_str(), count, sizeof(rte_mbuf) + rounded + RTE_PKTMBUF_HEADROOM,
                                 kPoolCache, sizeof(rte_pktmbuf_pool_private), rte_pktmbuf_pool_init, nullptr,
                                 rte_pktmbuf_init, nullptr, static_cast<int>(rte_socket_id()), pool_flags()));
    if (!pool)
        throw StartError("no memory for " + std::to_string(count) +
                         " packet buffers: " + rte_strerror(rte_errno) + "; raise /dataplane/memory (" +
                         std::to_string(options_.memory >> 20) + "MB)");
    return pool;
}

void Dataplane::make_first_pool()
{
    std::vector<const Port *> ports;
    for (const auto &port : ports_)
        ports.push_back(port.get());
    pool_ = make_pool("mbufs", ports);
}

// net_af_xdp leaves in the kernel's rings, when it is closed, what it had put there: a pool of its own for
// each time, of what memory there is.
rte_mempool *Dataplane::pool_for(const Port &port)
{
    if (!port.is_af_xdp())
        return pool_.get();
    const Port *const only[] = {&port};
    later_pools_.push_back(make_pool("mbufs" + std::to_string(later_pools_.size() + 1), only));
    return later_pools_.back().get();
}

const XdpShare *Dataplane::share(const Port &port) const
{
    return shares_.empty() ? nullptr : shares_[port.index()].get();
}

std::unique_ptr<FlowTable> Dataplane::open_flows(const Port &port, u32 queue) const
{
    if (const XdpShare *program = share(port)) {
        if (queue >= program->queues())
            port.refuse("the XDP program was attached when the interface had " +
                        std::to_string(program->queues()) +
                        " queues; restart aya-controlplane, or set /dataplane/ports/" +
                        std::to_string(port.index()) + "/queues");
        return std::make_unique<SharedFlows>(*program, queue);
    }
    // Twice as many entries as flows: a set-associative table that is half full keeps nearly all.
    const u32 sets = std::max(1u, options_.flows_per_worker / AYA_FLOW_WAYS * 2);
    const u64 ticks = monotonic_ns() / AYA_TICK_NS;
    const auto open = [&](bool huge) {
        const std::string path =
            flow_file_path(line_.instance.run().string(), line_.instance.name, port.index(), queue, huge);
        return std::make_unique<FlowStore>(path, sets, port.queues(), ticks,
                                           counter_capacities(tables_).backends);
    };
    std::unique_ptr<FlowStore> store;
    try {
        store = open(options_.huge_pages);
    } catch (const SegmentError &error) {
        if (!options_.huge_pages)
            throw;
        log_warning(std::string(error.what()) + "; keeping this flow table on small pages");
        store = open(false);
    }
    log_debug(store->path() + ": " + std::to_string(store->taken_up()) + " flows kept");
    return store;
}

void Dataplane::make_workers()
{
    buckets_.resize(counter_capacities(tables_).services);
    source_buckets_.resize(std::size_t{2} * AYA_SOURCE_BUCKETS);
    for (u32 index = 0; index < options_.workers.size(); index++) {
        auto worker = std::make_unique<Worker>(index, options_.workers[index], tables_.current(),
                                               segment_->worker(index), segment_->counters(index),
                                               options_.idle_backoff);
        worker->limit_punts(options_.punt_limit);
        worker->set_guards({.buckets = buckets_,
                            .source_buckets = source_buckets_.data(),
                            .refusals = segment_->refusals(index),
                            .reasons = segment_->counters(index).totals->reasons});
        for (const auto &port : ports_)
            worker->add_port(*port, punt_->rings(port->index()),
                             port->rx(index) ? open_flows(*port, index) : nullptr,
                             share(*port) ? share(*port)->mode() : nullptr);
        worker->list_flow_tables(flow_tables_);
        workers_.push_back(std::move(worker));
    }
    for (const auto &worker : workers_)
        worker->set_siblings(flow_tables_);
}

struct Launch {
    Worker *worker;
    const std::atomic<bool> *stop;
};

int Dataplane::worker_main(void *argument)
{
    const auto *launch = static_cast<const Launch *>(argument);
    launch->worker->run(*launch->stop);
    return 0;
}

// Workers see a new source only after its identity is in our segment: a publisher of these tables then
// knows that we may read them.
void Dataplane::look_for_tables()
{
    std::vector<const TablesCursor *> cursors;
    for (const auto &worker : workers_)
        cursors.push_back(&worker->cursor());
    tables_.reclaim(cursors);
    if (!tables_.find())
        return;
    segment_->set_tables_identity(tables_.pending_identity());
    tables_.publish();
    log_info("tables found: " + tables_place(line_, options_));
}

void Dataplane::count_losses() const
{
    for (const auto &port : ports_)
        segment_->set_losses(port->index(), port->losses());
}

// Other maps than ours: nothing will ever come in here again. Whoever watches over this process starts it
// again.
std::string Dataplane::cut_off() const
{
    for (std::size_t i = 0; i < shares_.size(); i++)
        if (shares_[i]->replaced())
            return ports_[i]->device() +
                   ": the XDP program was flushed and attached again; restart aya-dataplane";
    return {};
}

// The program forwards what comes from now on; workers finish what it has handed over.
void Dataplane::hand_back() const
{
    for (const auto &program : shares_)
        program->leave();
    if (!shares_.empty())
        punt_->serve(kHandBackUs);
}

void Dataplane::run()
{
    ::prctl(PR_SET_TIMERSLACK, 1UL);
    std::vector<Launch> launches;
    for (const auto &worker : workers_)
        launches.push_back({worker.get(), &stop_});
    for (Launch &launch : launches)
        rte_eal_remote_launch(worker_main, &launch, launch.worker->lcore());
    segment_->publish();
    log_info("instance " + line_.instance.name + ": " + std::to_string(workers_.size()) + " worker(s), " +
             std::to_string(ports_.size()) + " port(s)" +
             (tables_.identity() == 0 ? "; no tables yet, everything goes to the kernel" : ""));

    PortFollower follower({.ports = ports_,
                           .workers = workers_,
                           .shares = shares_,
                           .punt = *punt_,
                           .segment = *segment_,
                           .pool_for = [this](const Port &port) { return pool_for(port); }});
    std::string complaint;
    u64 next_look = 0;
    u64 next_count = 0;
    while (!stop_requested.load(std::memory_order_relaxed)) {
        punt_->serve(kIdleSleepUs); // one burst a port at most, so that its duties below are never starved
        const u64 now = monotonic_ns();
        if (now >= next_look) {
            complaint = cut_off();
            if (!complaint.empty())
                break;
            look_for_tables();
            follower.look();
            next_look = now + kLookForTablesNs;
        }
        if (now >= next_count) {
            count_losses();
            next_count = now + kCountLossesNs;
        }
    }
    log_info("stopping");
    hand_back();
    stop_.store(true, std::memory_order_relaxed);
    rte_eal_mp_wait_lcore();
    count_losses();
    if (!complaint.empty())
        throw StartError(complaint);
}

} // namespace

void run_dataplane(const CommandLine &line, const DataplaneConfig &options)
{
    if (::geteuid() != 0)
        throw StartError(
            "not root: ports, huge pages and the run directory need root; start it with sudo, or "
            "as a system service");
    log_open(line.log_level);
    catch_signals();
    const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
    ::setrlimit(RLIMIT_MEMLOCK, &unlimited); // AF_XDP buffers and BPF maps are locked memory on old kernels
    try {
        Dataplane(line, options).run();
    } catch (const Stopped &) {
        log_info("stopped before it started");
    }
}

} // namespace aya
