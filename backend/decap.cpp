// SPDX-License-Identifier: BSD-2-Clause
#include "decap.hpp"

#include "attach.hpp"
#include "common/error.hpp"
#include "programs.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
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
    bpf_map__set_pin_path(skeleton->maps.decap_local, pin_of(bpf_dir, kAddressMap).c_str());
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

void Decap::set_addresses(const std::vector<IpAddress> &addresses, std::uint16_t gue_port)
{
    const int map = bpf_map__fd(object_->skeleton->maps.decap_local);
    const aya_decap_local local{aya_cpu_to_be16(gue_port), 0};
    for (const IpAddress &address : addresses) {
        const aya_decap_address key = key_of(address);
        if (bpf_map_update_elem(map, &key, &local, BPF_ANY) != 0)
            throw Error::system("cannot add to the decapsulation program: " + to_string(address), errno);
    }
    for (const IpAddress &address : read_addresses(map)) {
        const aya_decap_address key = key_of(address);
        if (!contains(addresses, address))
            bpf_map_delete_elem(map, &key);
    }
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
    for (const char *name : {kAddressMap, kCounterMap})
        if (::unlink(pin_of(bpf_dir, name).c_str()) != 0 && errno != ENOENT)
            return errno;
    return ::rmdir(bpf_dir.c_str()) == 0 || errno == ENOENT ? 0 : errno;
}

} // namespace aya::backend
