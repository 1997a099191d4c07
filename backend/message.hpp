// SPDX-License-Identifier: BSD-2-Clause
// Netlink messages: one to build, and the attributes of one that came.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <optional>
#include <string>

namespace aya::backend
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
    void add(int type, const void *data, std::size_t length)
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
    Attributes find(int type) const
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

    std::string text(int type) const
    {
        const Attributes found = find(type);
        return found.empty() ? std::string()
                             : std::string(found.data_, ::strnlen(found.data_, found.length_));
    }

private:
    const char *data_ = nullptr;
    std::size_t length_ = 0;
};

// The fixed part of a message; nullptr if it is not whole.
template <class Body>
const Body *body_of(const nlmsghdr &message)
{
    if (message.nlmsg_len < NLMSG_LENGTH(sizeof(Body)))
        return nullptr;
    return reinterpret_cast<const Body *>(reinterpret_cast<const char *>(&message) + NLMSG_HDRLEN);
}

} // namespace aya::backend
