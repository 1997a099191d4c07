// SPDX-License-Identifier: BSD-2-Clause
#include "features.hpp"

#include <cstdint>
#include <cstring>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace aya::backend
{

namespace
{

class Ethtool
{
public:
    explicit Ethtool(const std::string &interface) : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0))
    {
        interface.copy(request_.ifr_name, sizeof(request_.ifr_name) - 1);
    }
    ~Ethtool()
    {
        if (fd_ >= 0)
            ::close(fd_);
    }
    Ethtool(const Ethtool &) = delete;
    Ethtool &operator=(const Ethtool &) = delete;

    // How many features this kernel has; 0: it does not say.
    std::uint32_t count()
    {
        std::vector<char> buffer(sizeof(ethtool_sset_info) + sizeof(std::uint32_t));
        ethtool_sset_info info{};
        info.cmd = ETHTOOL_GSSET_INFO;
        info.sset_mask = 1ULL << ETH_SS_FEATURES;
        std::memcpy(buffer.data(), &info, sizeof(info));
        if (!ask(buffer))
            return 0;
        std::memcpy(&info, buffer.data(), sizeof(info));
        std::uint32_t count = 0;
        if (info.sset_mask != 0)
            std::memcpy(&count, buffer.data() + sizeof(info), sizeof(count));
        return count;
    }

    std::vector<std::string> names(std::uint32_t count)
    {
        std::vector<char> buffer(sizeof(ethtool_gstrings) + std::size_t{count} * ETH_GSTRING_LEN);
        ethtool_gstrings header{};
        header.cmd = ETHTOOL_GSTRINGS;
        header.string_set = ETH_SS_FEATURES;
        header.len = count;
        std::memcpy(buffer.data(), &header, sizeof(header));
        std::vector<std::string> names;
        if (!ask(buffer))
            return names;
        for (std::uint32_t i = 0; i < count; i++) {
            const char *name = buffer.data() + sizeof(header) + std::size_t{i} * ETH_GSTRING_LEN;
            names.emplace_back(name, ::strnlen(name, ETH_GSTRING_LEN));
        }
        return names;
    }

    std::vector<bool> active(std::uint32_t count)
    {
        const std::uint32_t blocks = (count + 31) / 32;
        std::vector<char> buffer(sizeof(ethtool_gfeatures) + blocks * sizeof(ethtool_get_features_block));
        ethtool_gfeatures header{};
        header.cmd = ETHTOOL_GFEATURES;
        header.size = blocks;
        std::memcpy(buffer.data(), &header, sizeof(header));
        std::vector<bool> active(count);
        if (!ask(buffer))
            return active;
        for (std::uint32_t i = 0; i < count; i++) {
            ethtool_get_features_block block;
            std::memcpy(&block, buffer.data() + sizeof(header) + i / 32 * sizeof(block), sizeof(block));
            active[i] = (block.active >> (i % 32) & 1) != 0;
        }
        return active;
    }

private:
    bool ask(std::vector<char> &buffer)
    {
        request_.ifr_data = buffer.data();
        return fd_ >= 0 && ::ioctl(fd_, SIOCETHTOOL, &request_) == 0;
    }

    int fd_;
    ifreq request_{};
};

} // namespace

std::set<std::string> read_active_features(const std::string &interface)
{
    Ethtool ethtool(interface);
    const std::uint32_t count = ethtool.count();
    const std::vector<std::string> names = ethtool.names(count);
    const std::vector<bool> active = ethtool.active(count);
    std::set<std::string> found;
    for (std::size_t i = 0; i < names.size(); i++)
        if (active[i])
            found.insert(names[i]);
    return found;
}

} // namespace aya::backend
