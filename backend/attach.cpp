// SPDX-License-Identifier: BSD-2-Clause
#include "attach.hpp"

#include "common/error.hpp"
#include "programs.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <linux/if_link.h>
#include <unistd.h>

namespace aya::backend
{

namespace
{

// Our own place among the filters: the first priority, because any filter before us sees the tunnel.
constexpr std::uint32_t kPriority = 1;
constexpr std::uint32_t kHandle = 0xa7a;

bpf_tc_hook tc_hook(int link, bpf_tc_attach_point point = BPF_TC_INGRESS)
{
    bpf_tc_hook hook{};
    hook.sz = sizeof(hook);
    hook.ifindex = link;
    hook.attach_point = point;
    return hook;
}

bpf_tc_opts tc_place()
{
    bpf_tc_opts opts{};
    opts.sz = sizeof(opts);
    opts.handle = kHandle;
    opts.priority = kPriority;
    return opts;
}

// One for each interface, so that a new one can be made before the old one goes.
std::string xdp_pin(const std::string &bpf_dir, int link)
{
    return bpf_dir + "/link-" + std::to_string(link);
}

// What is attached is this program, with these maps.
bool is_same(const std::optional<ProgramInfo> &present, int program)
{
    const auto ours = describe(Fd(::dup(program)));
    return present && ours && present->tag == ours->tag && present->maps == ours->maps;
}

Error xdp_error(const std::string &interface, int error)
{
    const std::string where = interface + ": cannot attach native XDP: ";
    if (error == EBUSY || error == EEXIST)
        return Error(where + "another XDP program is attached; detach it (ip link set dev " + interface +
                     " xdp off), or use --hook tc");
    if (error == EOPNOTSUPP)
        return Error(where + "the driver does not support it; use --hook tc");
    if (error == EINVAL || error == ERANGE || error == E2BIG)
        return Error(where + "the driver refuses, usually because the MTU is too large for it or LRO is on; "
                             "use --hook tc");
    return Error::system(interface + ": cannot attach native XDP", error);
}

} // namespace

void attach_tc(int program, int link, const std::string &interface)
{
    const bpf_tc_hook hook = tc_hook(link);
    bpf_tc_opts opts = tc_place();
    if (bpf_tc_query(&hook, &opts) == 0) {
        const auto present = describe(Fd(bpf_prog_get_fd_by_id(opts.prog_id)));
        if (present && present->name != "decap_tc")
            throw Error(interface + ": program " + present->name +
                        " occupies our place at tc ingress (priority 1, handle " +
                        "0xa7a); remove it, or use --hook xdp");
        if (is_same(present, program))
            return;
    }
    opts = tc_place();
    opts.prog_fd = program;
    opts.flags = BPF_TC_F_REPLACE;
    if (const int error = -bpf_tc_attach(&hook, &opts); error == EINVAL)
        throw Error(interface +
                    ": a filter of another kind has priority 1 at tc ingress; move it (tc filter show dev " +
                    interface + " ingress), or use --hook xdp");
    else if (error)
        throw Error::system(interface + ": cannot attach at tc ingress", error);
}

void attach_xdp(int program, const std::string &bpf_dir, int link, const std::string &interface)
{
    const std::string pin = xdp_pin(bpf_dir, link);
    const Fd pinned(bpf_obj_get(pin.c_str()));
    bpf_link_info info{};
    std::uint32_t length = sizeof(info);
    if (pinned && bpf_obj_get_info_by_fd(pinned.get(), &info, &length) == 0 &&
        info.xdp.ifindex == static_cast<std::uint32_t>(link)) {
        if (is_same(describe(Fd(bpf_prog_get_fd_by_id(info.prog_id))), program))
            return;
        if (bpf_link_update(pinned.get(), program, nullptr) != 0)
            throw Error::system(interface + ": cannot replace the XDP program", errno);
        return;
    }
    if (pinned)
        detach_xdp(bpf_dir, link);
    bpf_link_create_opts opts{};
    opts.sz = sizeof(opts);
    opts.flags = XDP_FLAGS_DRV_MODE; // never generic: that comes after GRO
    const Fd created(bpf_link_create(program, link, BPF_XDP, &opts));
    if (!created)
        throw xdp_error(interface, errno);
    if (bpf_obj_pin(created.get(), pin.c_str()) != 0)
        throw Error::system(pin, errno);
}

void create_clsact(int link, const std::string &interface)
{
    keep_libbpf_quiet();
    bpf_tc_hook hook = tc_hook(link);
    const int error = -bpf_tc_hook_create(&hook);
    if (error && error != EEXIST)
        throw Error::system(interface + ": cannot create qdisc clsact", error);
}

int remove_clsact(int link)
{
    keep_libbpf_quiet();
    const auto both = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
    bpf_tc_hook hook = tc_hook(link, both);
    const int error = -bpf_tc_hook_destroy(&hook);
    return error == ENOENT || error == EINVAL ? 0 : error;
}

int detach_tc(int link)
{
    keep_libbpf_quiet();
    const bpf_tc_hook hook = tc_hook(link);
    bpf_tc_opts opts = tc_place();
    if (bpf_tc_query(&hook, &opts) != 0 || program_name(opts.prog_id) != "decap_tc")
        return 0;
    opts = tc_place();
    return -bpf_tc_detach(&hook, &opts);
}

int detach_xdp(const std::string &bpf_dir, int link)
{
    const std::string pin = xdp_pin(bpf_dir, link);
    const Fd pinned(bpf_obj_get(pin.c_str()));
    if (!pinned)
        return errno == ENOENT ? 0 : errno;
    // Before the pin goes: the kernel would detach some time later.
    if (bpf_link_detach(pinned.get()) != 0 && errno != ENOLINK)
        return errno;
    return ::unlink(pin.c_str()) == 0 ? 0 : errno;
}

} // namespace aya::backend
