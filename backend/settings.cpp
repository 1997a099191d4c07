// SPDX-License-Identifier: BSD-2-Clause
#include "settings.hpp"

#include <algorithm>

namespace aya::backend
{

namespace
{

bool is_v4(const Address &address)
{
    return address.is_v4();
}

} // namespace

bool Settings::has_v4_vip() const
{
    return std::any_of(vips.begin(), vips.end(), is_v4);
}

bool Settings::has_v6_vip() const
{
    return !std::all_of(vips.begin(), vips.end(), is_v4);
}

bool Settings::mixes_families() const
{
    const bool outer_v4 = std::any_of(locals.begin(), locals.end(), is_v4);
    const bool outer_v6 = !std::all_of(locals.begin(), locals.end(), is_v4);
    return (outer_v4 && has_v6_vip()) || (outer_v6 && has_v4_vip());
}

std::string text_of(const Address &vip, const Port &port)
{
    const std::string address = vip.is_v4() ? vip.text() : "[" + vip.text() + "]";
    return address + ":" + std::to_string(port.number) + (port.tcp ? "/tcp" : "/udp");
}

} // namespace aya::backend
