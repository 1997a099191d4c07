// SPDX-License-Identifier: BSD-2-Clause
// Programs and maps in the kernel, as libbpf hands them out. For decap.cpp, attach.cpp and inspect.cpp.
#pragma once

#include "common/address.hpp"
#include "common/prefix.hpp"
#include "settings.hpp"

#include <bpf/bpf.h>
#include <cstdint>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

#include "decap.h"

namespace aya::backend
{

class Fd
{
public:
    explicit Fd(int fd) : fd_(fd) {}
    ~Fd()
    {
        if (fd_ >= 0)
            ::close(fd_);
    }
    Fd(const Fd &) = delete;
    Fd &operator=(const Fd &) = delete;
    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }

private:
    int fd_;
};

// libbpf's own words are for its developers.
void keep_libbpf_quiet();

struct ProgramInfo {
    std::string name;
    std::string tag; // hash of its instructions
    std::vector<std::uint32_t> maps;
};

// nullopt: it is gone, or not ours to see.
std::optional<ProgramInfo> describe(const Fd &program);
std::string program_name(std::uint32_t id); // "program 12" if it has none

// The maps of decap.bpf.c, pinned by these names.
constexpr const char *kAddressMap = "decap_local";
constexpr const char *kVipMap = "decap_vips";
constexpr const char *kVipPrefixMap = "decap_prefixes";
constexpr const char *kBalancerMap = "decap_balancers";
constexpr const char *kCounterMap = "decap_counters";

std::string pin_of(const std::string &bpf_dir, const char *name);

aya_decap_address key_of(const IpAddress &address);
aya_decap_prefix key_of(const Prefix &prefix);
IpAddress address_of(const aya_decap_address &key);
Prefix prefix_of(const aya_decap_prefix &key);

template <typename Key>
std::vector<Key> read_keys(int map)
{
    std::vector<Key> found;
    Key key{};
    while (bpf_map_get_next_key(map, found.empty() ? nullptr : &found.back(), &key) == 0)
        found.push_back(key);
    return found;
}

} // namespace aya::backend
