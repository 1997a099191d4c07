// SPDX-License-Identifier: BSD-2-Clause
#include "paths/refusals.hpp"

#include "common/address.hpp"
#include "common/reasons.hpp"

#include <algorithm>
#include <cstring>
#include <set>

namespace aya
{

namespace
{

constexpr size_t kClientsNamed = 3;

// False: the worker wrote it meanwhile, or never.
bool copy_sample(const aya_refusal &from, aya_refusal &to)
{
    const u64 number = aya_peek_u64(&from.number);
    std::atomic_thread_fence(std::memory_order_acquire);
    to = from;
    std::atomic_thread_fence(std::memory_order_acquire);
    return number != 0 && aya_peek_u64(&from.number) == number;
}

std::string list_of(const std::set<std::string> &clients)
{
    std::string text;
    size_t named = 0;
    for (const std::string &client : clients) {
        if (named++ == kClientsNamed)
            break;
        text += (text.empty() ? "" : ", ") + client;
    }
    return clients.size() > kClientsNamed ? text + " and others" : text;
}

} // namespace

std::vector<aya_refusal> read_refusals(const CounterSources &sources)
{
    std::vector<aya_refusal> all;
    for (const CounterSource *source : sources)
        for (u32 worker = 0; worker < source->worker_count(); worker++)
            if (const aya_refusals *ring = source->refusals(worker))
                for (const aya_refusal &sample : ring->sample)
                    if (aya_refusal copy; copy_sample(sample, copy))
                        all.push_back(copy);
    std::stable_sort(all.begin(), all.end(),
                     [](const aya_refusal &a, const aya_refusal &b) { return a.when_ns < b.when_ns; });
    return all;
}

std::string client_of(const aya_refusal &refusal)
{
    IpAddress address;
    std::memcpy(address.bytes.data(), refusal.flow.src, address.bytes.size());
    return to_string(SocketAddress{address, aya_be16_to_cpu(refusal.flow.src_port)});
}

std::vector<std::string> RefusalLog::news(const CounterSources &sources, u64 now_ns,
                                          const std::function<std::string(u32)> &name_of)
{
    std::map<What, std::set<std::string>> clients;
    u64 newest = seen_ns_;
    for (const aya_refusal &refusal : read_refusals(sources)) {
        if (refusal.when_ns <= seen_ns_ || refusal.reason >= AYA_REASON_COUNT)
            continue;
        newest = std::max(newest, refusal.when_ns);
        clients[{refusal.service, refusal.reason, refusal.is_let_in != 0}].insert(client_of(refusal));
    }
    seen_ns_ = newest;
    std::vector<std::string> lines;
    for (const auto &[what, who] : clients) {
        const std::string name = name_of(what.service);
        u64 &said = said_[what];
        if (name.empty() || (said != 0 && now_ns - said < kLogEvery))
            continue;
        said = now_ns;
        lines.push_back("service " + name + ": " + kReasons[what.reason].name + ": " + list_of(who) +
                        (what.is_let_in ? " (let in)" : ""));
    }
    return lines;
}

} // namespace aya
