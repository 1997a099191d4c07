// SPDX-License-Identifier: BSD-2-Clause
// Kernel parameters under /proc/sys, by path: "net/ipv4/conf/eth0.100/rp_filter".
#pragma once

#include <optional>
#include <string>

namespace aya::backend::sysctl
{

std::string ipv4_conf(const std::string &interface, const std::string &key);
std::string ipv6_conf(const std::string &interface, const std::string &key);

// nullopt: there is none, or it is no number.
std::optional<int> read(const std::string &path);
// 0 or an errno value.
int write(const std::string &path, int value);

// As sysctl(8) takes it: dots between parts, and dots inside of one as slashes.
std::string name_of(const std::string &path);
// "sysctl -w net.ipv4.conf.all.arp_ignore=1"
std::string command(const std::string &path, int value);

} // namespace aya::backend::sysctl
