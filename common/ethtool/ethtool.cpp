// SPDX-License-Identifier: BSD-2-Clause
#include "common/ethtool/ethtool.hpp"

#include <algorithm>
#include <cstring>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace aya::ethtool
{

namespace
{

// A command of <linux/ethtool.h>: a header, and entries after it.
template <class Header>
class Command
{
public:
    Command(unsigned command, std::size_t bytes_after) : bytes_(sizeof(Header) + bytes_after)
    {
        header()->cmd = command;
    }

    Header *header() { return reinterpret_cast<Header *>(bytes_.data()); }
    template <class Entry>
    Entry *entries()
    {
        return reinterpret_cast<Entry *>(bytes_.data() + sizeof(Header));
    }

    bool run(const std::string &interface)
    {
        const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
            return false;
        ifreq request = {};
        interface.copy(request.ifr_name, IFNAMSIZ - 1);
        request.ifr_data = bytes_.data();
        const bool done = ::ioctl(fd, SIOCETHTOOL, &request) >= 0;
        ::close(fd);
        return done;
    }

private:
    std::vector<char> bytes_;
};

std::size_t blocks_for(std::size_t features)
{
    return (features + 31) / 32;
}

// In the order of their bits; a bit without a feature has an empty name.
std::vector<std::string> feature_names(const std::string &interface)
{
    Command<ethtool_sset_info> count(ETHTOOL_GSSET_INFO, sizeof(__u32));
    count.header()->sset_mask = 1ULL << ETH_SS_FEATURES;
    if (!count.run(interface) || count.header()->sset_mask == 0)
        return {};
    const std::size_t size = *count.entries<__u32>();
    Command<ethtool_gstrings> strings(ETHTOOL_GSTRINGS, size * ETH_GSTRING_LEN);
    strings.header()->string_set = ETH_SS_FEATURES;
    strings.header()->len = static_cast<__u32>(size);
    if (!strings.run(interface))
        return {};
    std::vector<std::string> names;
    for (std::size_t i = 0; i < size; i++) {
        const char *name = strings.entries<char>() + i * ETH_GSTRING_LEN;
        names.emplace_back(name, ::strnlen(name, ETH_GSTRING_LEN));
    }
    return names;
}

} // namespace

std::string driver(const std::string &interface)
{
    Command<ethtool_drvinfo> info(ETHTOOL_GDRVINFO, 0);
    if (!info.run(interface))
        return {};
    const char *name = info.header()->driver;
    return {name, ::strnlen(name, sizeof(info.header()->driver))};
}

std::vector<Feature> features(const std::string &interface)
{
    const std::vector<std::string> names = feature_names(interface);
    const std::size_t blocks = blocks_for(names.size());
    Command<ethtool_gfeatures> get(ETHTOOL_GFEATURES, blocks * sizeof(ethtool_get_features_block));
    get.header()->size = static_cast<__u32>(blocks);
    if (names.empty() || !get.run(interface))
        return {};
    std::vector<Feature> features;
    for (std::size_t i = 0; i < names.size(); i++) {
        const ethtool_get_features_block &block = get.entries<ethtool_get_features_block>()[i / 32];
        const __u32 bit = 1U << (i % 32);
        features.push_back({.name = names[i],
                            .active = (block.active & bit) != 0,
                            .changeable = (block.available & bit) != 0 && (block.never_changed & bit) == 0});
    }
    return features;
}

bool set_feature(const std::string &interface, const std::string &name, bool on)
{
    const std::vector<std::string> names = feature_names(interface);
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end())
        return !on;
    const auto index = static_cast<std::size_t>(found - names.begin());
    const std::size_t blocks = blocks_for(names.size());
    Command<ethtool_sfeatures> set(ETHTOOL_SFEATURES, blocks * sizeof(ethtool_set_features_block));
    set.header()->size = static_cast<__u32>(blocks);
    ethtool_set_features_block &block = set.entries<ethtool_set_features_block>()[index / 32];
    block.valid = 1U << (index % 32);
    block.requested = on ? block.valid : 0;
    if (!set.run(interface))
        return false;
    const std::vector<Feature> now = features(interface);
    return index < now.size() && now[index].active == on;
}

} // namespace aya::ethtool
