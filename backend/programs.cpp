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
constexpr u32 kKeyBits = (sizeof(aya_decap_prefix) - sizeof(u32)) * 8;

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

aya_decap_prefix key_of(const Prefix &prefix)
{
    if (prefix == kEveryone)
        return {};
    return {kKeyBits - prefix.address.host_prefix() + prefix.length,
            aya_cpu_to_be32(prefix.address.is_v4() ? 4 : 6), key_of(prefix.address)};
}

IpAddress address_of(const aya_decap_address &key)
{
    IpAddress address;
    std::memcpy(address.bytes.data(), &key, sizeof(key));
    return address;
}

Prefix prefix_of(const aya_decap_prefix &key)
{
    if (key.length == 0)
        return kEveryone;
    const IpAddress address = address_of(key.address);
    return {address, static_cast<std::uint8_t>(key.length - kKeyBits + address.host_prefix())};
}

} // namespace aya::backend
