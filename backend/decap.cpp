// SPDX-License-Identifier: BSD-2-Clause
#include "decap.hpp"

#include "attach.hpp"
#include "common/error.hpp"
#include "programs.hpp"

#include <algorithm>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstring>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include "decap.skel.h"
#pragma GCC diagnostic pop

namespace aya::backend
{

namespace
{

constexpr long kBpfFsMagic = 0xcafe4a11;

// First what is new, so that no packet that is taken before and after is refused between.
template <typename Item, typename Value>
void make_equal(int map, const std::vector<Item> &wanted, const Value &value)
{
    using Key = decltype(key_of(wanted.front()));
    for (const Item &item : wanted) {
        const Key key = key_of(item);
        if (bpf_map_update_elem(map, &key, &value, BPF_ANY) != 0)
            throw Error::system("cannot add to the decapsulation program: " + to_string(item), errno);
    }
    for (const Key &present : read_keys<Key>(map)) {
        const auto is_it = [&](const Item &item) {
            const Key key = key_of(item);
            return std::memcmp(&key, &present, sizeof(key)) == 0;
        };
        if (std::none_of(wanted.begin(), wanted.end(), is_it))
            bpf_map_delete_elem(map, &present);
    }
}

// An earlier version knew fewer outcomes. Its program keeps its counters until ours takes its place.
void forget_smaller_counters(const std::string &pin)
{
    const Fd map(bpf_obj_get(pin.c_str()));
    bpf_map_info info{};
    std::uint32_t length = sizeof(info);
    if (map && bpf_obj_get_info_by_fd(map.get(), &info, &length) == 0 &&
        info.max_entries < AYA_DECAP_OUTCOME_COUNT)
        ::unlink(pin.c_str());
}

} // namespace

struct Decap::Object {
    decap_bpf *skeleton = nullptr;

    ~Object() { decap_bpf__destroy(skeleton); }
};

void require_bpf_fs(const std::string &bpf_dir)
{
    const std::string parent = bpf_dir.substr(0, bpf_dir.rfind('/'));
    struct statfs info {
    };
    if (::statfs(parent.c_str(), &info) != 0 || info.f_type != kBpfFsMagic)
        throw Error(parent + ": no BPF file system; run: mount -t bpf bpf " + parent);
}

Decap::Decap(const std::string &bpf_dir, Hook hook)
    : bpf_dir_(bpf_dir), hook_(hook), object_(std::make_unique<Object>())
{
    keep_libbpf_quiet();
    require_bpf_fs(bpf_dir);
    if (::mkdir(bpf_dir.c_str(), 0700) != 0 && errno != EEXIST)
        throw Error::system(bpf_dir, errno);
    decap_bpf *skeleton = object_->skeleton = decap_bpf__open();
    if (!skeleton)
        throw Error::system("cannot open the decapsulation program", errno);
    bpf_program__set_autoload(skeleton->progs.decap_tc, hook == Hook::tc);
    bpf_program__set_autoload(skeleton->progs.decap_xdp, hook == Hook::xdp);
    forget_smaller_counters(pin_of(bpf_dir, kCounterMap));
    bpf_map__set_pin_path(skeleton->maps.decap_local, pin_of(bpf_dir, kAddressMap).c_str());
    bpf_map__set_pin_path(skeleton->maps.decap_vips, pin_of(bpf_dir, kVipMap).c_str());
    bpf_map__set_pin_path(skeleton->maps.decap_prefixes, pin_of(bpf_dir, kVipPrefixMap).c_str());
    bpf_map__set_pin_path(skeleton->maps.decap_balancers, pin_of(bpf_dir, kBalancerMap).c_str());
    bpf_map__set_pin_path(skeleton->maps.decap_counters, pin_of(bpf_dir, kCounterMap).c_str());
    const int error = -decap_bpf__load(skeleton);
    if (error == EPERM || error == EACCES)
        throw Error(
            "the kernel refused the decapsulation program: run as root (or with CAP_BPF and CAP_NET_ADMIN)");
    if (error)
        throw Error::system(
            "the kernel refused the decapsulation program (it requires kernel 5.15 or newer; if maps of "
            "another version of this tool are in " +
                bpf_dir + ", run aya-backend down first)",
            error);
}

Decap::~Decap() = default;

void Decap::configure(const Settings &settings)
{
    const auto &maps = object_->skeleton->maps;
    const aya_decap_local local{aya_cpu_to_be16(settings.strips_udp() ? settings.gue_port : std::uint16_t{0}),
                                0};
    const std::vector<Prefix> everyone{kEveryone};
    make_equal(bpf_map__fd(maps.decap_local), settings.locals, local);
    std::vector<IpAddress> vips;
    std::vector<Prefix> vip_prefixes;
    for (const Prefix &vip : settings.vips)
        if (is_host(vip))
            vips.push_back(vip.address);
        else
            vip_prefixes.push_back(vip);
    make_equal(bpf_map__fd(maps.decap_vips), vips, u32{0});
    make_equal(bpf_map__fd(maps.decap_prefixes), vip_prefixes, u32{0});
    make_equal(bpf_map__fd(maps.decap_balancers), settings.balancers.empty() ? everyone : settings.balancers,
               u32{0});
}

void Decap::attach(int link, const std::string &interface)
{
    const auto &programs = object_->skeleton->progs;
    if (hook_ == Hook::tc)
        attach_tc(bpf_program__fd(programs.decap_tc), link, interface);
    else
        attach_xdp(bpf_program__fd(programs.decap_xdp), bpf_dir_, link, interface);
}

int remove_pins(const std::string &bpf_dir)
{
    for (const char *name : {kAddressMap, kVipMap, kVipPrefixMap, kBalancerMap, kCounterMap})
        if (::unlink(pin_of(bpf_dir, name).c_str()) != 0 && errno != ENOENT)
            return errno;
    return ::rmdir(bpf_dir.c_str()) == 0 || errno == ENOENT ? 0 : errno;
}

} // namespace aya::backend
