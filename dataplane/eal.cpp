// SPDX-License-Identifier: BSD-2-Clause
#include "eal.hpp"

#include <algorithm>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <regex.h>
#include <sched.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>

#include "common/error.hpp"

namespace aya
{

namespace
{

bool devices_stay_open = false;

std::vector<u32> allowed_cores()
{
    std::vector<u32> cores;
    cpu_set_t set;
    CPU_ZERO(&set);
    ::sched_getaffinity(0, sizeof(set), &set);
    for (u32 core = 0; core < CPU_SETSIZE; core++) {
        if (CPU_ISSET(core, &set))
            cores.push_back(core);
    }
    return cores;
}

bool contains(const std::vector<u32> &list, u32 value)
{
    return std::find(list.begin(), list.end(), value) != list.end();
}

void check_cores(const DataplaneConfig &options, const std::vector<u32> &cores)
{
    std::string all;
    for (const u32 core : cores)
        all += (all.empty() ? "" : ", ") + std::to_string(core);
    const auto check = [&](u32 core, const std::string &pointer) {
        if (!contains(cores, core))
            throw StartError("/dataplane/" + pointer + ": found core " + std::to_string(core) +
                             "; this process may use cores " + all);
    };
    for (std::size_t i = 0; i < options.workers.size(); i++)
        check(options.workers[i], "workers/" + std::to_string(i));
    if (options.main_lcore)
        check(*options.main_lcore, "main_lcore");
}

// The lowest core that no worker has; core 0 is shared where there is none.
u32 main_core(const DataplaneConfig &options, const std::vector<u32> &cores)
{
    if (options.main_lcore)
        return *options.main_lcore;
    for (const u32 core : cores) {
        if (!contains(options.workers, core))
            return core;
    }
    return cores.empty() ? 0 : cores.front();
}

// Free bytes in huge pages of every size, from sysfs.
u64 free_huge_memory()
{
    u64 bytes = 0;
    std::error_code error;
    for (const auto &entry : std::filesystem::directory_iterator("/sys/kernel/mm/hugepages", error)) {
        const std::string name = entry.path().filename(); // hugepages-2048kB
        u64 kilobytes = 0;
        u64 pages = 0;
        if (std::sscanf(name.c_str(), "hugepages-%lukB", &kilobytes) == 1 &&
            std::ifstream(entry.path() / "free_hugepages") >> pages)
            bytes += pages * kilobytes << 10;
    }
    return bytes;
}

void check_huge_pages(const DataplaneConfig &options)
{
    const u64 free = free_huge_memory();
    if (!options.huge_pages || free >= options.memory)
        return;
    const u64 pages = (options.memory + (u64{2} << 20) - 1) >> 21;
    throw StartError("huge pages: " + std::to_string(free >> 20) + " MB free, /dataplane/memory needs " +
                     std::to_string(options.memory >> 20) +
                     " MB; reserve more (sysctl vm.nr_hugepages=" + std::to_string(pages) +
                     " for 2 MB pages), lower /dataplane/memory, or set " + "/dataplane/huge_pages to false");
}

// For a bad argument DPDK prints a page of usage to stdout and a line to stderr; our one line replaces both.
class QuietStdio
{
public:
    QuietStdio()
    {
        const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
        for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
            kept_[fd - STDOUT_FILENO] = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
            ::dup2(null, fd);
        }
        ::close(null);
    }
    ~QuietStdio()
    {
        std::fflush(stdout);
        for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
            ::dup2(kept_[fd - STDOUT_FILENO], fd);
            ::close(kept_[fd - STDOUT_FILENO]);
        }
    }
    QuietStdio(const QuietStdio &) = delete;
    QuietStdio &operator=(const QuietStdio &) = delete;

private:
    int kept_[2];
};

int start_eal(std::vector<char *> &argv, bool quiet)
{
    std::optional<QuietStdio> silence;
    if (quiet)
        silence.emplace();
    return rte_eal_init(static_cast<int>(argv.size()), argv.data());
}

} // namespace

void keep_devices_open() noexcept
{
    devices_stay_open = true;
}

bool is_pci_address(const std::string &device)
{
    static const regex_t pattern = [] { // POSIX: std::regex takes seconds to compile
        regex_t compiled;
        ::regcomp(&compiled, "^([0-9a-fA-F]{4,8}:)?[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\\.[0-7](,.*)?$",
                  REG_EXTENDED | REG_NOSUB);
        return compiled;
    }();
    return ::regexec(&pattern, device.c_str(), 0, nullptr, 0) == 0;
}

std::vector<std::string> eal_arguments(const DataplaneConfig &options, const std::string &instance,
                                       const std::vector<u32> &cores)
{
    // A worker's lcore id is its core's number; the main lcore takes a free id, since it may share a core.
    u32 main_id = main_core(options, cores);
    const std::string main_core_text = std::to_string(main_id);
    for (u32 id = 0; contains(options.workers, main_id); id++)
        main_id = id;
    std::string lcores = std::to_string(main_id) + "@" + main_core_text;
    for (const u32 worker : options.workers)
        lcores += "," + std::to_string(worker) + "@" + std::to_string(worker);

    // --in-memory, or --no-shconf where it is not allowed: nothing of ours is left behind in hugetlbfs or
    // /var/run/dpdk, however we end.
    std::vector<std::string> arguments{"aya-dataplane",
                                       "--file-prefix",
                                       "aya-" + instance,
                                       "--no-telemetry",
                                       "--lcores",
                                       lcores,
                                       "--main-lcore",
                                       std::to_string(main_id),
                                       "-m",
                                       std::to_string(options.memory >> 20)};
    if (options.huge_pages)
        arguments.emplace_back("--in-memory");
    else
        arguments.insert(arguments.end(), {"--no-huge", "--no-shconf"});
    bool any_pci = false;
    for (const PortConfig &port : options.ports) {
        if (!is_pci_address(port.device))
            continue;
        any_pci = true;
        arguments.insert(arguments.end(), {"-a", port.device});
    }
    // Without an allow list DPDK would take every NIC it can. Virtual addresses keep a pool in one piece,
    // which AF_XDP needs; PCI devices may have another need, which DPDK knows.
    if (!any_pci)
        arguments.insert(arguments.end(), {"--no-pci", "--iova-mode", "va"});
    arguments.insert(arguments.end(), options.eal.begin(), options.eal.end());
    return arguments;
}

Eal::Eal(const DataplaneConfig &options, const std::string &instance)
{
    const std::vector<u32> cores = allowed_cores();
    check_cores(options, cores);
    check_huge_pages(options);
    arguments_ = eal_arguments(options, instance, cores);
    for (std::string &argument : arguments_)
        argv_.push_back(argument.data());
    take_driver_complaint();
    if (start_eal(argv_, !log_shows_drivers()) < 0) {
        const std::string why = take_driver_complaint();
        throw StartError("DPDK does not start: " + (why.empty() ? rte_strerror(rte_errno) : why));
    }
    log_catch_bpf_libraries();
    take_driver_complaint();
}

Eal::~Eal()
{
    if (devices_stay_open)
        return;
    const std::string directory = rte_eal_get_runtime_dir();
    rte_eal_cleanup();
    ::rmdir(directory.c_str()); // DPDK leaves it behind; not if something is in it
}

} // namespace aya
