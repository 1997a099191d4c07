// SPDX-License-Identifier: BSD-2-Clause
// Netlink messages (netlink(7)): one to build, and the attributes of one that came.
#pragma once

#include "common/address.hpp"

#include <array>
#include <cstddef>
#include <cstring>
#include <functional>
#include <linux/netlink.h>
#include <optional>
#include <string>

namespace aya::netlink
{

class Request
{
public:
    template <class Body>
    Request(int type, int flags, const Body &body)
    {
        header()->nlmsg_len = NLMSG_LENGTH(sizeof(body));
        header()->nlmsg_type = static_cast<__u16>(type);
        header()->nlmsg_flags = static_cast<__u16>(NLM_F_REQUEST | flags);
        std::memcpy(buffer_.data() + NLMSG_HDRLEN, &body, sizeof(body));
    }

    // A request of ours holds two addresses and a number at most.
    void add(int type, const void *data, std::size_t length);
    void add(int type, const IpAddress &address);

    nlmsghdr *header() { return reinterpret_cast<nlmsghdr *>(buffer_.data()); }

private:
    alignas(nlmsghdr) std::array<char, 256> buffer_{};
};

// A list of attributes: of a message, or nested in one. Whatever is malformed ends the list.
class Attributes
{
public:
    Attributes() = default;
    Attributes(const void *data, std::size_t length) : data_(static_cast<const char *>(data)), length_(length)
    {
    }

    template <class Body>
    static Attributes of(const nlmsghdr &message)
    {
        const std::size_t offset = NLMSG_SPACE(sizeof(Body));
        const char *base = reinterpret_cast<const char *>(&message);
        return message.nlmsg_len < offset ? Attributes()
                                          : Attributes(base + offset, message.nlmsg_len - offset);
    }

    const char *data() const { return data_; }
    std::size_t length() const { return length_; }
    bool empty() const { return length_ == 0; }

    // The payload of an attribute, which may be a list itself; empty if there is none.
    Attributes find(int type) const;
    std::string text(int type) const;
    std::optional<IpAddress> address(int type, int family) const; // AF_INET, AF_INET6

    template <class Number>
    std::optional<Number> number(int type) const
    {
        const Attributes found = find(type);
        Number value;
        if (found.length_ < sizeof(value))
            return std::nullopt;
        std::memcpy(&value, found.data_, sizeof(value));
        return value;
    }

private:
    const char *data_ = nullptr;
    std::size_t length_ = 0;
};

// nullopt: another family, or not as many bytes as it has.
std::optional<IpAddress> read_address(int family, const void *data, std::size_t length);

// The fixed part of a message; nullptr if it is not whole.
template <class Body>
const Body *body_of(const nlmsghdr &message)
{
    if (message.nlmsg_len < NLMSG_LENGTH(sizeof(Body)))
        return nullptr;
    return reinterpret_cast<const Body *>(reinterpret_cast<const char *>(&message) + NLMSG_HDRLEN);
}

using Each = std::function<void(const nlmsghdr &)>;

// Calls `each` for every whole message in a buffer that was received. False: the buffer is malformed.
bool for_each_message(const void *data, std::size_t length, const Each &each);

} // namespace aya::netlink
