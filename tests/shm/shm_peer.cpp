// SPDX-License-Identifier: BSD-2-Clause
// The other process of the shared-memory tests:
//
//   shm_peer reader DIR WORKERS          until SIGTERM; fails if any generation is not whole
//   shm_peer writer DIR FIRST COUNT      publishes the stamps FIRST, FIRST + 1, ...; takes up live tables
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <sys/prctl.h>
#include <thread>
#include <vector>

#include "dataplane_file.hpp"
#include "publish/publisher.hpp"
#include "publish/shm_sink.hpp"
#include "stamped.hpp"

using namespace aya;
using namespace aya::test;
using namespace std::chrono_literals;

namespace
{

std::atomic<bool> g_stop{false};
std::atomic<int> g_violations{0};

// A burst that lasted longer than the writer waits for a silent worker may have lost its slot: known, and
// harmless to a data plane, which checks every index. Any other difference is a violation.
void read_until_stopped(const TablesReader &tables, DataplaneFile &line, u32 worker)
{
    line.join(worker);
    while (!g_stop) {
        const u64 started = monotonic_ns();
        line.beat(worker);
        const u64 generation = tables.generation();
        const std::string wrong = check_generation(tables.view(generation));
        const bool was_silent = monotonic_ns() - started > DataplaneSegment::kSilentAfterNs;
        if (!wrong.empty() && !was_silent) {
            std::fprintf(stderr, "worker %u, generation %lu: %s\n", worker, generation, wrong.c_str());
            g_violations++;
        }
        line.worker(worker).epoch.store(generation, std::memory_order_release);
    }
    line.worker(worker).state.store(WorkerState::stopped);
}

int run_reader(const std::string &directory, u32 workers)
{
    const TablesReader tables(directory + "/tables");
    DataplaneFile line(directory, workers, tables.header().identity);
    std::vector<std::thread> threads;
    for (u32 i = 0; i < workers; i++)
        threads.emplace_back([&, i] { read_until_stopped(tables, line, i); });
    for (auto &thread : threads)
        thread.join();
    return g_violations == 0 ? 0 : 1;
}

int fail(const std::string &text)
{
    std::fprintf(stderr, "writer: %s\n", text.c_str());
    return 1;
}

bool wait_ready(Publisher &publisher)
{
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (!publisher.ready()) {
        if (std::chrono::steady_clock::now() > deadline)
            return false;
        std::this_thread::sleep_for(20us);
    }
    return true;
}

int run_writer(const std::string &directory, u64 first, u64 count)
{
    ShmSink sink(directory, kStampedCapacities);
    Publisher publisher(sink);
    if (sink.generation() > 0) {
        // The live slot is whole, whenever the predecessor was killed.
        const TablesReader tables(directory + "/tables");
        const aya_view &view = tables.view(sink.generation());
        if (auto wrong = check_generation(view); !wrong.empty())
            return fail("took up a broken generation: " + wrong);
        if (!wait_ready(publisher))
            return fail("readers did not get ready");
        const u64 stamp = stamp_of(view.services[publisher.find_service("s0")->id]);
        const auto again = publisher.publish(Stamped{stamp}.image(), Publisher::Clock::now());
        if (!again || again->changed)
            return fail("publishing what is live already changed something");
    }
    for (u64 i = 0; i < count && !g_stop; i++) {
        if (!wait_ready(publisher))
            return fail("readers did not get ready");
        const auto published = publisher.publish(Stamped{first + i}.image(), Publisher::Clock::now());
        if (!published)
            return fail(published.errors()[0].message);
        if (!published->changed)
            return fail("nothing was published");
    }
    return 0;
}

} // namespace

int main(int argc, char **argv)
{
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::signal(SIGTERM, [](int) { g_stop = true; });
    try {
        const std::string role = argc > 1 ? argv[1] : "";
        if (role == "reader" && argc == 4)
            return run_reader(argv[2], static_cast<u32>(std::atoi(argv[3])));
        if (role == "writer" && argc == 5)
            return run_writer(argv[2], std::strtoull(argv[3], nullptr, 10),
                              std::strtoull(argv[4], nullptr, 10));
    } catch (const std::exception &error) {
        std::fprintf(stderr, "shm_peer: %s\n", error.what());
        return 3;
    }
    return 2;
}
