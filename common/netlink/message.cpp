// SPDX-License-Identifier: BSD-2-Clause
#include "common/netlink/message.hpp"

#include <algorithm>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace aya::netlink
{

void Request::add(int type, const void *data, std::size_t length)
{
    rtattr attribute{};
    attribute.rta_len = static_cast<unsigned short>(RTA_LENGTH(length));
    attribute.rta_type = static_cast<unsigned short>(type);
    char *at = buffer_.data() + NLMSG_ALIGN(header()->nlmsg_len);
    std::memcpy(at, &attribute, sizeof(attribute));
    std::memcpy(at + RTA_LENGTH(0), data, length);
    header()->nlmsg_len =
        static_cast<__u32>(NLMSG_ALIGN(header()->nlmsg_len) + RTA_ALIGN(RTA_LENGTH(length)));
}

void Request::add(int type, const IpAddress &address)
{
    add(type, address.octets(), address.length());
}

Attributes Attributes::find(int type) const
{
    std::size_t at = 0;
    while (at + sizeof(rtattr) <= length_) {
        rtattr attribute;
        std::memcpy(&attribute, data_ + at, sizeof(attribute));
        if (attribute.rta_len < sizeof(rtattr) || at + attribute.rta_len > length_)
            break;
        if ((attribute.rta_type & NLA_TYPE_MASK) == type)
            return {data_ + at + RTA_LENGTH(0), attribute.rta_len - std::size_t{RTA_LENGTH(0)}};
        at += RTA_ALIGN(attribute.rta_len);
    }
    return {};
}

std::string Attributes::text(int type) const
{
    const Attributes found = find(type);
    return found.empty() ? std::string() : std::string(found.data_, ::strnlen(found.data_, found.length_));
}

std::optional<IpAddress> Attributes::address(int type, int family) const
{
    const Attributes found = find(type);
    return read_address(family, found.data_, found.length_);
}

std::optional<IpAddress> read_address(int family, const void *data, std::size_t length)
{
    if (family == AF_INET && length == 4)
        return IpAddress::from_v4_bytes(data);
    if (family == AF_INET6 && length == 16)
        return IpAddress::from_v6_bytes(data);
    return std::nullopt;
}

bool for_each_message(const void *data, std::size_t length, const Each &each)
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

} // namespace aya::netlink
