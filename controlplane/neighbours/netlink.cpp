// SPDX-License-Identifier: BSD-2-Clause
#include "neighbours/netlink.hpp"

#include <cerrno>
#include <cstring>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <system_error>
#include <unistd.h>

namespace aya::netlink
{

namespace
{

constexpr std::size_t kBufferSize = 64 * 1024;
constexpr int kReceiveQueue = 4 << 20; // room for a burst of route changes

struct Attribute {
    const void *data = nullptr;
    std::size_t length = 0;
};

template <class Body>
const Body *body_of(const nlmsghdr &message)
{
    if (message.nlmsg_len < NLMSG_LENGTH(sizeof(Body)))
        return nullptr;
    return reinterpret_cast<const Body *>(reinterpret_cast<const char *>(&message) + NLMSG_HDRLEN);
}

// The last attribute of each wanted type, as the kernel itself reads them.
template <class Body, std::size_t N>
void read_attributes(const nlmsghdr &message, Attribute (&found)[N])
{
    std::size_t at = NLMSG_SPACE(sizeof(Body));
    const char *base = reinterpret_cast<const char *>(&message);
    while (at + sizeof(rtattr) <= message.nlmsg_len) {
        rtattr header;
        std::memcpy(&header, base + at, sizeof(header));
        if (header.rta_len < sizeof(rtattr) || at + header.rta_len > message.nlmsg_len)
            return;
        const std::size_t type = header.rta_type & NLA_TYPE_MASK;
        if (type < N)
            found[type] = {base + at + RTA_LENGTH(0), header.rta_len - std::size_t{RTA_LENGTH(0)}};
        at += RTA_ALIGN(header.rta_len);
    }
}

std::optional<IpAddress> address_of(const Attribute &attribute, int family)
{
    if (family == AF_INET && attribute.length == 4)
        return IpAddress::from_v4_bytes(attribute.data);
    if (family == AF_INET6 && attribute.length == 16)
        return IpAddress::from_v6_bytes(attribute.data);
    return std::nullopt;
}

std::optional<int> integer_of(const Attribute &attribute)
{
    int value = 0;
    if (attribute.length != sizeof(value))
        return std::nullopt;
    std::memcpy(&value, attribute.data, sizeof(value));
    return value;
}

// A request with room for the two attributes that any of ours has.
template <class Body>
struct Request {
    nlmsghdr header{};
    Body body{};
    char attributes[64] = {};

    Request(std::uint16_t type, std::uint16_t flags)
    {
        header.nlmsg_len = NLMSG_LENGTH(sizeof(Body));
        header.nlmsg_type = type;
        header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    }

    void add(std::uint16_t type, const void *data, std::size_t length)
    {
        const rtattr attribute = {.rta_len = static_cast<unsigned short>(RTA_LENGTH(length)),
                                  .rta_type = type};
        char *at = reinterpret_cast<char *>(this) + NLMSG_ALIGN(header.nlmsg_len);
        std::memcpy(at, &attribute, sizeof(attribute));
        std::memcpy(at + RTA_LENGTH(0), data, length);
        header.nlmsg_len = static_cast<std::uint32_t>(NLMSG_ALIGN(header.nlmsg_len) + RTA_LENGTH(length));
    }

    void add_address(std::uint16_t type, const IpAddress &address)
    {
        if (address.is_v4())
            add(type, address.v4_bytes(), 4);
        else
            add(type, address.bytes.data(), 16);
    }
};

unsigned char family_of(const IpAddress &address)
{
    return address.is_v4() ? AF_INET : AF_INET6;
}

} // namespace

std::optional<Link> read_link(const nlmsghdr &message)
{
    const auto *info = body_of<ifinfomsg>(message);
    if (message.nlmsg_type != RTM_NEWLINK || !info)
        return std::nullopt;
    Attribute found[IFLA_IFNAME + 1];
    read_attributes<ifinfomsg>(message, found);
    const Attribute &name = found[IFLA_IFNAME];
    if (name.length == 0)
        return std::nullopt;
    const char *text = static_cast<const char *>(name.data);
    return Link{.index = info->ifi_index,
                .name = std::string(text, strnlen(text, name.length)),
                .up = (info->ifi_flags & IFF_UP) != 0};
}

std::optional<Neighbour> read_neighbour(const nlmsghdr &message)
{
    const auto *info = body_of<ndmsg>(message);
    if ((message.nlmsg_type != RTM_NEWNEIGH && message.nlmsg_type != RTM_DELNEIGH) || !info)
        return std::nullopt;
    Attribute found[NDA_LLADDR + 1];
    read_attributes<ndmsg>(message, found);
    const auto address = address_of(found[NDA_DST], info->ndm_family);
    if (!address)
        return std::nullopt;
    Neighbour neighbour{.link = info->ndm_ifindex, .address = *address, .mac = {}, .state = info->ndm_state};
    if (message.nlmsg_type == RTM_DELNEIGH)
        neighbour.state = 0;
    else if (const Attribute &mac = found[NDA_LLADDR]; mac.length == 6)
        std::memcpy(neighbour.mac.emplace().bytes.data(), mac.data, 6);
    return neighbour;
}

std::optional<Route> read_route(const nlmsghdr &message)
{
    const auto *info = body_of<rtmsg>(message);
    if (message.nlmsg_type != RTM_NEWROUTE || !info || info->rtm_type != RTN_UNICAST)
        return std::nullopt;
    Attribute found[RTA_VIA + 1];
    read_attributes<rtmsg>(message, found);
    const auto link = integer_of(found[RTA_OIF]);
    if (!link)
        return std::nullopt;
    Route route{.link = *link,
                .gateway = address_of(found[RTA_GATEWAY], info->rtm_family),
                .source = address_of(found[RTA_PREFSRC], info->rtm_family)};
    if (const Attribute &via = found[RTA_VIA]; via.length > sizeof(rtvia)) { // a gateway of the other family
        rtvia head;
        std::memcpy(&head, via.data, sizeof(head));
        route.gateway =
            address_of({static_cast<const char *>(via.data) + sizeof(head), via.length - sizeof(head)},
                       head.rtvia_family);
    }
    return route;
}

bool for_each_message(const void *data, std::size_t length, const std::function<void(const nlmsghdr &)> &each)
{
    const char *at = static_cast<const char *>(data);
    while (length >= sizeof(nlmsghdr)) {
        const auto &message = *reinterpret_cast<const nlmsghdr *>(at);
        if (message.nlmsg_len < sizeof(nlmsghdr) || message.nlmsg_len > length)
            return false;
        each(message);
        const std::size_t step = std::min<std::size_t>(NLMSG_ALIGN(message.nlmsg_len), length);
        at += step;
        length -= step;
    }
    return length == 0;
}

Socket::Socket(const std::vector<int> &groups) : buffer_(kBufferSize)
{
    fd_ = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd_ < 0)
        throw std::system_error(errno, std::generic_category(), "netlink socket");
    const timeval patience = {.tv_sec = 1, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (::setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveQueue, sizeof(kReceiveQueue)) != 0)
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &kReceiveQueue, sizeof(kReceiveQueue));
    const sockaddr_nl local = {.nl_family = AF_NETLINK, .nl_pad = 0, .nl_pid = 0, .nl_groups = 0};
    int error = ::bind(fd_, reinterpret_cast<const sockaddr *>(&local), sizeof(local)) == 0 ? 0 : errno;
    for (const int group : groups)
        if (!error && ::setsockopt(fd_, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) != 0)
            error = errno;
    if (error) {
        ::close(fd_);
        throw std::system_error(error, std::generic_category(), "netlink socket");
    }
}

Socket::~Socket()
{
    ::close(fd_);
}

bool Socket::drain(const std::function<void(const nlmsghdr &)> &each)
{
    for (;;) {
        const ssize_t length = ::recv(fd_, buffer_.data(), buffer_.size(), MSG_DONTWAIT | MSG_TRUNC);
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK;
        if (static_cast<std::size_t>(length) > buffer_.size())
            return false;
        for_each_message(buffer_.data(), static_cast<std::size_t>(length), each);
    }
}

int Socket::exchange(void *request, const std::function<void(const nlmsghdr &)> &each)
{
    auto *header = static_cast<nlmsghdr *>(request);
    header->nlmsg_seq = ++sequence_;
    if (::send(fd_, request, header->nlmsg_len, 0) < 0)
        return errno;
    const bool dump = (header->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
    std::optional<int> result;
    while (!result) {
        const ssize_t length = ::recv(fd_, buffer_.data(), buffer_.size(), 0);
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            return errno;
        for_each_message(buffer_.data(), static_cast<std::size_t>(length), [&](const nlmsghdr &message) {
            if (message.nlmsg_seq != sequence_)
                return; // the end of an earlier exchange
            if (message.nlmsg_type == NLMSG_ERROR) {
                const auto *error = body_of<nlmsgerr>(message);
                result = error ? -error->error : EBADMSG;
            } else if (message.nlmsg_type == NLMSG_DONE) {
                result = 0;
            } else {
                each(message);
                if (!dump)
                    result = 0;
            }
        });
    }
    return *result;
}

std::vector<Link> Socket::links()
{
    Request<ifinfomsg> request(RTM_GETLINK, NLM_F_DUMP);
    std::vector<Link> links;
    exchange(&request, [&](const nlmsghdr &message) {
        if (auto link = read_link(message))
            links.push_back(std::move(*link));
    });
    return links;
}

std::optional<Route> Socket::route_to(const IpAddress &destination)
{
    Request<rtmsg> request(RTM_GETROUTE, 0);
    request.body.rtm_family = family_of(destination);
    request.body.rtm_dst_len = destination.is_v4() ? 32 : 128;
    request.add_address(RTA_DST, destination);
    std::optional<Route> route;
    exchange(&request, [&](const nlmsghdr &message) { route = read_route(message); });
    return route;
}

std::optional<Neighbour> Socket::neighbour(int link, const IpAddress &address)
{
    Request<ndmsg> request(RTM_GETNEIGH, 0);
    request.body.ndm_family = family_of(address);
    request.body.ndm_ifindex = link;
    request.add_address(NDA_DST, address);
    std::optional<Neighbour> neighbour;
    exchange(&request, [&](const nlmsghdr &message) { neighbour = read_neighbour(message); });
    return neighbour;
}

int Socket::resolve(int link, const IpAddress &address)
{
    Request<ndmsg> request(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_ACK);
    request.body.ndm_family = family_of(address);
    request.body.ndm_ifindex = link;
    request.body.ndm_flags = NTF_USE;
    request.add_address(NDA_DST, address);
    return exchange(&request, [](const nlmsghdr &) {});
}

} // namespace aya::netlink
