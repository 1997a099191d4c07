// SPDX-License-Identifier: BSD-2-Clause
#include "interface.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <fstream>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace aya
{

namespace
{

// Without multi-buffer support a driver keeps a packet in one page, together with its headroom. veth's own
// limit, by which others lie within a few bytes.
constexpr u32 kLargestNativeMtu = 3506;

ifreq request_for(const std::string &name)
{
    ifreq request = {};
    name.copy(request.ifr_name, sizeof(request.ifr_name) - 1);
    return request;
}

std::string sysfs_directory(const std::string &name)
{
    return "/sys/class/net/" + name;
}

u32 count_entries(const std::string &directory, std::string_view prefix)
{
    u32 count = 0;
    if (DIR *open = ::opendir(directory.c_str())) {
        while (const dirent *entry = ::readdir(open))
            count += std::string_view(entry->d_name).starts_with(prefix);
        ::closedir(open);
    }
    return count;
}

u32 count_rx_queues(int socket, const std::string &name)
{
    ethtool_channels channels = {};
    channels.cmd = ETHTOOL_GCHANNELS;
    ifreq request = request_for(name);
    request.ifr_data = reinterpret_cast<char *>(&channels);
    u32 count = 0;
    if (::ioctl(socket, SIOCETHTOOL, &request) == 0)
        count = channels.rx_count + channels.combined_count;
    if (count == 0)
        count = count_entries(sysfs_directory(name) + "/queues", "rx-");
    return count ? count : 1;
}

// What libbpf prints while it reads a refusal: it contains the kernel's own words.
std::string &last_message()
{
    static std::string text;
    return text;
}

int keep_kernel_message(libbpf_print_level, const char *format, va_list arguments)
{
    char text[512];
    std::vsnprintf(text, sizeof(text), format, arguments);
    if (const char *found = std::strstr(text, "Kernel error message: ")) {
        last_message() = found + std::strlen("Kernel error message: ");
        while (!last_message().empty() && last_message().back() == '\n')
            last_message().pop_back();
    }
    return 0;
}

// A link's refusal has no words, the same try over netlink has. Empty: not there either.
std::string ask_for_reason(u32 index, int program_fd, u32 mode)
{
    last_message().clear();
    const auto before = libbpf_set_print(keep_kernel_message);
    const u32 flags = mode | XDP_FLAGS_UPDATE_IF_NOEXIST;
    if (bpf_xdp_attach(static_cast<int>(index), program_fd, flags, nullptr) == 0)
        bpf_xdp_detach(static_cast<int>(index), mode, nullptr);
    libbpf_set_print(before);
    return last_message();
}

std::string in_brackets(const std::string &text)
{
    return text.empty() ? "" : " (" + text + ")";
}

// A driver that has native mode also says EOPNOTSUPP to a setting that it cannot combine with XDP: large
// receive offload, GRO in hardware, a large MTU. That must not end in generic mode unseen. Only the words
// tell: those of the kernel's dev_xdp_attach(), and of bonding.
bool has_no_native_mode(int error, const std::string &reason)
{
    return error == EOPNOTSUPP && (reason.empty() || reason.find("not support XDP") != std::string::npos ||
                                   reason.find("No native XDP") != std::string::npos);
}

std::string explain_refusal(const std::string &name, const InterfaceFacts &interface, int error,
                            const std::string &reason)
{
    std::string text =
        name + ": the driver refuses native XDP: " + std::strerror(error) + in_brackets(reason);
    if (error == EPERM || error == EACCES)
        return bpf_failure(name + ": cannot attach the XDP program", error);
    if (error == ERANGE || interface.mtu > kLargestNativeMtu)
        return text + "; its MTU is " + std::to_string(interface.mtu) + ", native mode allows up to " +
               std::to_string(kLargestNativeMtu) + " (of a veth: on its peer): ip link set " + name +
               " mtu " + std::to_string(kLargestNativeMtu);
    return text + "; common causes are large receive offload (ethtool -K " + name +
           " lro off rx-gro-hw off) and too many queues (ethtool -L " + name + ")";
}

int create_link(u32 index, int program_fd, u32 mode)
{
    LIBBPF_OPTS(bpf_link_create_opts, options, .flags = mode);
    return bpf_link_create(program_fd, static_cast<int>(index), BPF_XDP, &options);
}

// Takes away a program that is no link's, and puts it back unless kept away.
class Displaced
{
public:
    Displaced(const std::string &name, u32 index, const AttachedProgram &program)
        : index_(static_cast<int>(index)),
          flags_(program.mode == XdpMode::generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE),
          program_(bpf_prog_get_fd_by_id(program.id))
    {
        const int error = bpf_xdp_detach(index_, flags_, nullptr);
        if (error)
            throw BpfError(name + ": the XDP program " + std::to_string(program.id) + " (" + program.name +
                           ") cannot be replaced: " + std::strerror(-error) +
                           "; its owner holds it by a BPF link, so stop that program");
    }
    ~Displaced()
    {
        if (program_)
            bpf_xdp_attach(index_, program_.fd(), flags_, nullptr);
    }
    Displaced(const Displaced &) = delete;
    Displaced &operator=(const Displaced &) = delete;
    void keep_away() { program_ = BpfHandle(); }

private:
    int index_;
    u32 flags_;
    BpfHandle program_;
};

// Receive packet steering moves packets between processors before generic XDP sees them, so that several
// would write one queue's flow table at a time.
void refuse_steering(const std::string &name, const InterfaceFacts &interface)
{
    for (u32 queue = 0; queue < interface.rx_queues; queue++) {
        const std::string path = sysfs_directory(name) + "/queues/rx-" + std::to_string(queue) + "/rps_cpus";
        std::string mask;
        std::ifstream(path) >> mask;
        if (mask.find_first_not_of("0,") != std::string::npos)
            throw BpfError(name + ": generic XDP with receive packet steering (" + path + " is " + mask +
                           "): several processors would write one flow table; echo 0 > " + path);
    }
}

Attachment attach_free(const std::string &name, const InterfaceFacts &interface, int program_fd)
{
    int link = create_link(interface.index, program_fd, XDP_FLAGS_DRV_MODE);
    if (link >= 0)
        return {BpfHandle(link), XdpMode::native};
    const std::string reason = ask_for_reason(interface.index, program_fd, XDP_FLAGS_DRV_MODE);
    if (!has_no_native_mode(-link, reason))
        throw BpfError(explain_refusal(name, interface, -link, reason));
    if (!interface.stacked)
        refuse_steering(name, interface);
    link = create_link(interface.index, program_fd, XDP_FLAGS_SKB_MODE);
    if (link >= 0)
        return {BpfHandle(link), XdpMode::generic};
    throw BpfError(
        bpf_failure(name + ": cannot attach the XDP program, not even in generic mode" +
                        in_brackets(ask_for_reason(interface.index, program_fd, XDP_FLAGS_SKB_MODE)),
                    -link));
}

} // namespace

std::optional<InterfaceFacts> interface_facts(const std::string &name)
{
    const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket < 0)
        throw BpfError(bpf_failure("cannot open a socket to inspect interfaces", errno));
    const BpfHandle closes(socket);
    ifreq request = request_for(name);
    if (::ioctl(socket, SIOCGIFINDEX, &request) != 0)
        return std::nullopt;
    InterfaceFacts facts;
    facts.index = static_cast<u32>(request.ifr_ifindex);
    if (::ioctl(socket, SIOCGIFFLAGS, &request) == 0) {
        facts.up = request.ifr_flags & IFF_UP;
        facts.link = request.ifr_flags & IFF_RUNNING;
    }
    if (::ioctl(socket, SIOCGIFMTU, &request) == 0)
        facts.mtu = static_cast<u32>(request.ifr_mtu);
    if (::ioctl(socket, SIOCGIFHWADDR, &request) == 0) {
        facts.ethernet = request.ifr_hwaddr.sa_family == ARPHRD_ETHER;
        std::memcpy(facts.mac.data(), request.ifr_hwaddr.sa_data, facts.mac.size());
    }
    facts.rx_queues = count_rx_queues(socket, name);
    // Without members yet, a bond or a bridge is known by its own directory.
    for (const char *mark : {"lower_", "bonding", "bridge"})
        facts.stacked = facts.stacked || count_entries(sysfs_directory(name), mark) > 0;
    return facts;
}

bool interface_works(const std::string &name)
{
    const BpfHandle socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request = request_for(name);
    constexpr int kWorks = IFF_UP | IFF_RUNNING;
    return ::ioctl(socket.fd(), SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & kWorks) == kWorks;
}

const char *to_string(XdpMode mode)
{
    return mode == XdpMode::native ? "native" : mode == XdpMode::generic ? "generic" : "none";
}

AttachedProgram attached_program(u32 interface_index)
{
    LIBBPF_OPTS(bpf_xdp_query_opts, query);
    AttachedProgram attached;
    if (bpf_xdp_query(static_cast<int>(interface_index), 0, &query) != 0 || !query.attach_mode)
        return attached;
    attached.mode = query.drv_prog_id || query.hw_prog_id ? XdpMode::native : XdpMode::generic;
    attached.id = query.drv_prog_id   ? query.drv_prog_id
                  : query.hw_prog_id  ? query.hw_prog_id
                  : query.skb_prog_id ? query.skb_prog_id
                                      : query.prog_id;
    bpf_prog_info info = {};
    u32 length = sizeof(info);
    const BpfHandle program(bpf_prog_get_fd_by_id(attached.id));
    if (program && bpf_obj_get_info_by_fd(program.fd(), &info, &length) == 0)
        attached.name = info.name;
    return attached;
}

void refuse_other_program(const std::string &name, const InterfaceFacts &interface)
{
    const AttachedProgram other = attached_program(interface.index);
    if (other.mode != XdpMode::none)
        throw BpfError(name + ": has an XDP program already: " + std::to_string(other.id) + " (" +
                       other.name + "), " + to_string(other.mode) + " mode; detach it (ip link set " + name +
                       " xdp off), or let AYA replace it: \"replace_program\": true");
}

Attachment attach_xdp(const std::string &name, const InterfaceFacts &interface, int program_fd, bool replace)
{
    const AttachedProgram other = attached_program(interface.index);
    if (other.mode == XdpMode::none)
        return attach_free(name, interface, program_fd);
    if (!replace)
        refuse_other_program(name, interface);
    Displaced displaced(name, interface.index, other);
    Attachment attachment = attach_free(name, interface, program_fd);
    displaced.keep_away();
    return attachment;
}

} // namespace aya
