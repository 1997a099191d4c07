// SPDX-License-Identifier: BSD-2-Clause
#include "probe_device.hpp"

#include <algorithm>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bpf_error.hpp"
#include "common/error.hpp"
#include "common/netlink/socket.hpp"
#include "common/probe_marks.hpp"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include "probe.skel.h"
#pragma GCC diagnostic pop

namespace aya
{

namespace
{

using netlink::Request;

constexpr int kFamilies[] = {AF_INET, AF_INET6};
constexpr u32 kMarkMask = ~(u32{AYA_PROBE_MOST} - 1);
// Fits every path (IPv6's minimum), and one segment per packet: what is joined could not be encapsulated.
constexpr u32 kMtu = 1280;
constexpr u32 kMostSegments = 1;
constexpr u32 kFirst = 1;             // priority of the rule: right after the kernel's own addresses
constexpr u32 kLastMetric = 1U << 31; // of the route behind the one to the interface
constexpr int kMostLeft = 8;          // rules and routes that earlier processes may have left

int print_nothing(libbpf_print_level, const char *, va_list)
{
    return 0;
}

// The same for every process of an instance, and seldom that of another: 4 bits of ours and 8 of the name's
// hash (FNV-1a). Also the number of the routing table.
u32 marks_of(const std::string &instance)
{
    u32 hash = 0x811c9dc5;
    for (const char c : instance)
        hash = (hash ^ static_cast<u8>(c)) * 0x01000193;
    return kProbeMarks | (hash >> 24) << 20;
}

int send(Request &request)
{
    return netlink::Socket().exchange(request, [](const nlmsghdr &) {});
}

void add_number(Request &request, int type, u32 value)
{
    request.add(type, &value, sizeof(value));
}

int change_rule(int type, int flags, int family, u32 marks)
{
    fib_rule_hdr body{};
    body.family = static_cast<u8>(family);
    body.action = FR_ACT_TO_TBL;
    Request request(type, flags, body);
    add_number(request, FRA_PRIORITY, kFirst);
    add_number(request, FRA_FWMARK, marks);
    add_number(request, FRA_FWMASK, kMarkMask);
    add_number(request, FRA_TABLE, marks);
    return send(request);
}

// `link` 0: what is left when the interface is gone, so that a probe never takes another route.
int change_route(int type, int flags, int family, u32 table, int link)
{
    rtmsg body{};
    body.rtm_family = static_cast<u8>(family);
    body.rtm_protocol = RTPROT_STATIC;
    body.rtm_scope = link != 0 && family == AF_INET ? u8{RT_SCOPE_LINK} : u8{RT_SCOPE_UNIVERSE};
    body.rtm_type = link != 0 ? u8{RTN_UNICAST} : u8{RTN_UNREACHABLE};
    Request request(type, flags, body);
    add_number(request, RTA_TABLE, table);
    if (link != 0)
        add_number(request, RTA_OIF, static_cast<u32>(link));
    else
        add_number(request, RTA_PRIORITY, kLastMetric);
    return send(request);
}

} // namespace

struct ProbeDevice::Object {
    probe_bpf *skeleton = nullptr;
    ~Object() { probe_bpf__destroy(skeleton); }
};

ProbeDevice::ProbeDevice(const std::string &instance, u32 most)
    : marks_(marks_of(instance)), object_(std::make_unique<Object>())
{
    unroute();
    try {
        open_tap();
        set_up_link();
        attach(most);
        route();
    } catch (...) {
        close();
        throw;
    }
}

ProbeDevice::~ProbeDevice()
{
    close();
}

void ProbeDevice::close()
{
    unroute();
    if (tap_ >= 0)
        ::close(tap_);
    tap_ = -1;
}

void ProbeDevice::open_tap()
{
    tap_ = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tap_ < 0)
        throw Error::system("/dev/net/tun", errno);
    ifreq request{};
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    std::strncpy(request.ifr_name, "aya-probe%d", IFNAMSIZ - 1);
    if (::ioctl(tap_, TUNSETIFF, &request) != 0)
        throw Error::system("cannot create an interface for probes", errno);
    name_ = request.ifr_name;
    link_ = static_cast<int>(::if_nametoindex(name_.c_str()));
}

// Without ARP: whatever the destination, packets go to the program at once.
void ProbeDevice::set_up_link() const
{
    ifinfomsg body{};
    body.ifi_index = link_;
    body.ifi_flags = IFF_UP | IFF_NOARP;
    body.ifi_change = IFF_UP | IFF_NOARP;
    Request request(RTM_NEWLINK, 0, body);
    add_number(request, IFLA_MTU, kMtu);
    add_number(request, IFLA_GSO_MAX_SEGS, kMostSegments);
    if (const int error = send(request))
        throw Error::system("cannot set up " + name_, error);
}

void ProbeDevice::attach(u32 most)
{
    libbpf_set_print(print_nothing);
    probe_bpf *skeleton = object_->skeleton = probe_bpf__open();
    if (!skeleton)
        throw BpfError(bpf_failure("cannot open the program for probes", errno));
    bpf_map__set_max_entries(skeleton->maps.probe_ways, std::min(most, u32{AYA_PROBE_MOST}));
    if (const int error = probe_bpf__load(skeleton))
        throw BpfError(bpf_failure("the kernel refused the program for probes", -error));
    bpf_tc_hook hook{};
    hook.sz = sizeof(hook);
    hook.ifindex = link_;
    hook.attach_point = BPF_TC_EGRESS;
    bpf_tc_opts place{};
    place.sz = sizeof(place);
    place.prog_fd = bpf_program__fd(skeleton->progs.probe_tc);
    int error = bpf_tc_hook_create(&hook);
    if (error == 0)
        error = bpf_tc_attach(&hook, &place);
    if (error != 0)
        throw BpfError(bpf_failure("cannot attach the program for probes to " + name_, -error));
}

// First the routes: a rule that leads to an empty table would let probes go on to the next.
void ProbeDevice::route()
{
    for (const int family : kFamilies) {
        int error = change_route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, family, marks_, 0);
        if (error == 0)
            error = change_route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, family, marks_, link_);
        if (error == 0)
            error = change_rule(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, family, marks_);
        if (error == 0)
            continue;
        if (family == AF_INET)
            throw Error::system("cannot route probes to " + name_, error);
        obstacle_ipv6_ = "cannot route probes over IPv6 to " + name_ + ": " + std::strerror(error);
    }
}

void ProbeDevice::unroute() const
{
    const auto repeat = [](auto change) {
        for (int i = 0; i < kMostLeft && change() == 0; i++)
            ;
    };
    for (const int family : kFamilies) {
        repeat([&] { return change_rule(RTM_DELRULE, 0, family, marks_); });
        repeat([&] { return change_route(RTM_DELROUTE, 0, family, marks_, 0); });
    }
}

const std::string &ProbeDevice::obstacle(const IpAddress &family) const
{
    return family.is_v4() ? none_ : obstacle_ipv6_;
}

int ProbeDevice::set_way(u32 mark, const aya_probe_way &way)
{
    const int map = bpf_map__fd(object_->skeleton->maps.probe_ways);
    return bpf_map_update_elem(map, &mark, &way, BPF_ANY) == 0 ? 0 : errno;
}

int ProbeDevice::clear_way(u32 mark)
{
    const int map = bpf_map__fd(object_->skeleton->maps.probe_ways);
    return bpf_map_delete_elem(map, &mark) == 0 || errno == ENOENT ? 0 : errno;
}

} // namespace aya
