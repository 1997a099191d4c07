// SPDX-License-Identifier: BSD-2-Clause
#include "decap.hpp"

#include "error.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstdarg>
#include <linux/if_link.h>
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

// Our own place among the filters: the first priority, because any filter before us sees the tunnel.
constexpr std::uint32_t kPriority = 1;
constexpr std::uint32_t kHandle = 0xa7a;

constexpr long kBpfFsMagic = 0xcafe4a11;
constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46); // BPF_TCX_INGRESS, since kernel 6.6
constexpr std::uint32_t kMaxPrograms = 64;

constexpr const char *kAddressMap = "decap_local";
constexpr const char *kCounterMap = "decap_counters";

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
int keep_quiet(libbpf_print_level, const char *, va_list)
{
    return 0;
}

std::string path_of(const std::string &bpf_dir, const char *name)
{
    return bpf_dir + "/" + name;
}

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

struct ProgramInfo {
    std::string name;
    std::string tag; // hash of its instructions
    std::vector<std::uint32_t> maps;
};

std::optional<ProgramInfo> describe(const Fd &program)
{
    std::uint32_t maps[kMaxPrograms];
    bpf_prog_info info{};
    info.map_ids = reinterpret_cast<std::uintptr_t>(maps);
    info.nr_map_ids = kMaxPrograms;
    std::uint32_t length = sizeof(info);
    if (!program || bpf_obj_get_info_by_fd(program.get(), &info, &length) != 0)
        return std::nullopt;
    return ProgramInfo{info.name,
                       std::string(reinterpret_cast<const char *>(info.tag), sizeof(info.tag)),
                       {maps, maps + std::min(info.nr_map_ids, kMaxPrograms)}};
}

std::string program_name(std::uint32_t id)
{
    const auto info = describe(Fd(bpf_prog_get_fd_by_id(id)));
    return info && !info->name.empty() ? info->name : "program " + std::to_string(id);
}

aya_decap_address key_of(const Address &address)
{
    aya_decap_address key;
    static_assert(sizeof(key) == sizeof(address.bytes));
    std::memcpy(&key, address.bytes.data(), sizeof(key));
    return key;
}

// Of an entry of the map of addresses; 0: none, or the entry went away.
std::uint16_t read_gue_port(int map, const Address &address)
{
    const aya_decap_address key = key_of(address);
    aya_decap_local local{};
    return bpf_map_lookup_elem(map, &key, &local) == 0 ? aya_be16_to_cpu(local.gue_port) : std::uint16_t{0};
}

std::vector<Address> read_addresses(int map)
{
    std::vector<Address> found;
    aya_decap_address key{};
    const aya_decap_address *previous = nullptr;
    while (bpf_map_get_next_key(map, previous, &key) == 0) {
        std::memcpy(found.emplace_back().bytes.data(), &key, sizeof(key));
        previous = &key;
    }
    return found;
}

// What the program with this id strips, from the map that it uses.
void read_stripped(std::uint32_t id, Attached &attached)
{
    const auto program = describe(Fd(bpf_prog_get_fd_by_id(id)));
    for (const std::uint32_t map_id : program ? program->maps : std::vector<std::uint32_t>()) {
        const Fd map(bpf_map_get_fd_by_id(map_id));
        bpf_map_info info{};
        std::uint32_t length = sizeof(info);
        if (map && bpf_obj_get_info_by_fd(map.get(), &info, &length) == 0 &&
            std::string(info.name) == kAddressMap) {
            attached.addresses = read_addresses(map.get());
            for (const Address &address : *attached.addresses)
                attached.gue_port = read_gue_port(map.get(), address); // the same for all
            return;
        }
    }
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
    libbpf_set_print(keep_quiet);
    require_bpf_fs(bpf_dir);
    if (::mkdir(bpf_dir.c_str(), 0700) != 0 && errno != EEXIST)
        throw Error::system(bpf_dir, errno);
    decap_bpf *skeleton = object_->skeleton = decap_bpf__open();
    if (!skeleton)
        throw Error::system("cannot open the decapsulation program", errno);
    bpf_program__set_autoload(skeleton->progs.decap_tc, hook == Hook::tc);
    bpf_program__set_autoload(skeleton->progs.decap_xdp, hook == Hook::xdp);
    bpf_map__set_pin_path(skeleton->maps.decap_local, path_of(bpf_dir, kAddressMap).c_str());
    bpf_map__set_pin_path(skeleton->maps.decap_counters, path_of(bpf_dir, kCounterMap).c_str());
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

void Decap::set_addresses(const std::vector<Address> &addresses, std::uint16_t gue_port)
{
    const int map = bpf_map__fd(object_->skeleton->maps.decap_local);
    const aya_decap_local local{aya_cpu_to_be16(gue_port), 0};
    for (const Address &address : addresses) {
        const aya_decap_address key = key_of(address);
        if (bpf_map_update_elem(map, &key, &local, BPF_ANY) != 0)
            throw Error::system("cannot add to the decapsulation program: " + address.text(), errno);
    }
    for (const Address &address : read_addresses(map)) {
        const aya_decap_address key = key_of(address);
        if (!contains(addresses, address))
            bpf_map_delete_elem(map, &key);
    }
}

void Decap::attach(int link, const std::string &interface)
{
    if (hook_ == Hook::tc)
        attach_tc(link, interface);
    else
        attach_xdp(link, interface);
}

void Decap::attach_tc(int link, const std::string &interface)
{
    const int program = bpf_program__fd(object_->skeleton->progs.decap_tc);
    const auto ours = describe(Fd(::dup(program)));
    const bpf_tc_hook hook = tc_hook(link);
    bpf_tc_opts opts = tc_place();
    if (bpf_tc_query(&hook, &opts) == 0) {
        const auto present = describe(Fd(bpf_prog_get_fd_by_id(opts.prog_id)));
        if (present && present->name != "decap_tc")
            throw Error(interface + ": program " + present->name +
                        " occupies our place at tc ingress (priority 1, handle " +
                        "0xa7a); remove it, or use --hook xdp");
        if (present && ours && present->tag == ours->tag && present->maps == ours->maps)
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

void Decap::attach_xdp(int link, const std::string &interface)
{
    const int program = bpf_program__fd(object_->skeleton->progs.decap_xdp);
    const std::string pin = xdp_pin(bpf_dir_, link);
    const Fd pinned(bpf_obj_get(pin.c_str()));
    bpf_link_info info{};
    std::uint32_t length = sizeof(info);
    if (pinned && bpf_obj_get_info_by_fd(pinned.get(), &info, &length) == 0 &&
        info.xdp.ifindex == static_cast<std::uint32_t>(link)) {
        const auto present = describe(Fd(bpf_prog_get_fd_by_id(info.prog_id)));
        const auto ours = describe(Fd(::dup(program)));
        if (present && ours && present->tag == ours->tag && present->maps == ours->maps)
            return;
        if (bpf_link_update(pinned.get(), program, nullptr) != 0)
            throw Error::system(interface + ": cannot replace the XDP program", errno);
        return;
    }
    if (pinned)
        detach_xdp(bpf_dir_, link);
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
    libbpf_set_print(keep_quiet);
    bpf_tc_hook hook = tc_hook(link);
    const int error = -bpf_tc_hook_create(&hook);
    if (error && error != EEXIST)
        throw Error::system(interface + ": cannot create qdisc clsact", error);
}

int remove_clsact(int link)
{
    libbpf_set_print(keep_quiet);
    const auto both = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
    bpf_tc_hook hook = tc_hook(link, both);
    const int error = -bpf_tc_hook_destroy(&hook);
    return error == ENOENT || error == EINVAL ? 0 : error;
}

int detach_tc(int link)
{
    libbpf_set_print(keep_quiet);
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

int remove_pins(const std::string &bpf_dir)
{
    for (const char *name : {kAddressMap, kCounterMap})
        if (::unlink(path_of(bpf_dir, name).c_str()) != 0 && errno != ENOENT)
            return errno;
    return ::rmdir(bpf_dir.c_str()) == 0 || errno == ENOENT ? 0 : errno;
}

Attached read_attached(Netlink &netlink, int link)
{
    libbpf_set_print(keep_quiet);
    Attached attached;
    attached.has_ingress_qdisc = netlink.has_ingress_qdisc(link);
    attached.ingress = netlink.ingress_filters(link);

    std::uint32_t ids[kMaxPrograms];
    std::uint32_t count = kMaxPrograms;
    std::uint32_t flags = 0;
    if (bpf_prog_query(link, kTcxIngress, 0, &flags, ids, &count) == 0)
        for (std::uint32_t i = 0; i < count; i++)
            attached.tcx.push_back(program_name(ids[i]));

    bpf_xdp_query_opts xdp{};
    xdp.sz = sizeof(xdp);
    std::uint32_t xdp_id = 0;
    if (bpf_xdp_query(link, 0, &xdp) == 0 && xdp.attach_mode != XDP_ATTACHED_NONE) {
        attached.xdp_generic = xdp.attach_mode == XDP_ATTACHED_SKB;
        xdp_id = attached.xdp_generic ? xdp.skb_prog_id : xdp.prog_id ? xdp.prog_id : xdp.drv_prog_id;
        attached.xdp = program_name(xdp_id);
    }
    if (const auto filter = attached.decap_filter())
        read_stripped(attached.ingress[*filter].program_id, attached);
    else if (attached.has_decap_xdp())
        read_stripped(xdp_id, attached);
    return attached;
}

std::optional<DecapCounters> read_counters(const std::string &bpf_dir)
{
    const Fd map(bpf_obj_get(path_of(bpf_dir, kCounterMap).c_str()));
    const int cpus = libbpf_num_possible_cpus();
    if (!map || cpus <= 0)
        return std::nullopt;
    DecapCounters counters{};
    std::vector<std::uint64_t> values(static_cast<std::size_t>(cpus));
    for (std::uint32_t i = 0; i < AYA_DECAP_OUTCOME_COUNT; i++)
        if (bpf_map_lookup_elem(map.get(), &i, values.data()) == 0)
            for (const std::uint64_t value : values)
                counters[i] += value;
    return counters;
}

} // namespace aya::backend
