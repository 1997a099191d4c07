// SPDX-License-Identifier: BSD-2-Clause
#include "programs.hpp"

#include <algorithm>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cstdarg>
#include <cstring>

namespace aya::backend
{

namespace
{

constexpr std::uint32_t kMaxMaps = 64;

int print_nothing(libbpf_print_level, const char *, va_list)
{
    return 0;
}

} // namespace

void keep_libbpf_quiet()
{
    libbpf_set_print(print_nothing);
}

std::optional<ProgramInfo> describe(const Fd &program)
{
    std::uint32_t maps[kMaxMaps];
    bpf_prog_info info{};
    info.map_ids = reinterpret_cast<std::uintptr_t>(maps);
    info.nr_map_ids = kMaxMaps;
    std::uint32_t length = sizeof(info);
    if (!program || bpf_obj_get_info_by_fd(program.get(), &info, &length) != 0)
        return std::nullopt;
    return ProgramInfo{info.name,
                       std::string(reinterpret_cast<const char *>(info.tag), sizeof(info.tag)),
                       {maps, maps + std::min(info.nr_map_ids, kMaxMaps)}};
}

std::string program_name(std::uint32_t id)
{
    const auto info = describe(Fd(bpf_prog_get_fd_by_id(id)));
    return info && !info->name.empty() ? info->name : "program " + std::to_string(id);
}

std::string pin_of(const std::string &bpf_dir, const char *name)
{
    return bpf_dir + "/" + name;
}

aya_decap_address key_of(const IpAddress &address)
{
    aya_decap_address key;
    static_assert(sizeof(key) == sizeof(address.bytes));
    std::memcpy(&key, address.bytes.data(), sizeof(key));
    return key;
}

std::vector<IpAddress> read_addresses(int map)
{
    std::vector<IpAddress> found;
    aya_decap_address key{};
    const aya_decap_address *previous = nullptr;
    while (bpf_map_get_next_key(map, previous, &key) == 0) {
        std::memcpy(found.emplace_back().bytes.data(), &key, sizeof(key));
        previous = &key;
    }
    return found;
}

} // namespace aya::backend
