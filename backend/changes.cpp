// SPDX-License-Identifier: BSD-2-Clause
#include "changes.hpp"

#include "attach.hpp"
#include "common/error.hpp"
#include "sysctl.hpp"

#include <algorithm>
#include <cerrno>

namespace aya::backend
{

namespace
{

void require(int error, const std::string &what)
{
    if (error)
        throw Error::system(what, error);
}

IpAddress changed_address(const Change &change)
{
    const auto address = parse_ip_address(change.name);
    if (!address)
        throw Error("state file: not an address: " + change.name);
    return *address;
}

Prefix changed_network(const Change &change)
{
    const auto prefix = parse_prefix(change.name);
    if (!prefix)
        throw Error("state file: not a network: " + change.name);
    return *prefix;
}

} // namespace

bool Changer::is_there(int link)
{
    const std::vector<Link> links = netlink_.links();
    return std::any_of(links.begin(), links.end(), [&](const Link &l) { return l.index == link; });
}

void Changer::make_decap(const Change &change, Hook hook)
{
    Decap decap(bpf_dir_, hook);
    decap.configure(settings_);
    decap.attach(change.link, settings_.interface);
}

void Changer::make(const Change &change)
{
    switch (change.kind) {
    case Change::Kind::sysctl:
        require(sysctl::write(change.name, change.after), sysctl::name_of(change.name));
        break;
    case Change::Kind::pins:
        require_bpf_fs(change.name);
        bpf_dir_ = change.name;
        break;
    case Change::Kind::clsact:
        create_clsact(change.link, change.name);
        break;
    case Change::Kind::decap_tc:
        make_decap(change, Hook::tc);
        break;
    case Change::Kind::decap_xdp:
        make_decap(change, Hook::xdp);
        break;
    case Change::Kind::address: {
        const int error = netlink_.add_address(change.link, changed_address(change));
        require(error == EEXIST ? 0 : error, change.name + ": cannot add it to lo");
        break;
    }
    case Change::Kind::network: {
        const int error = netlink_.add_local_network(change.link, changed_network(change));
        require(error == EEXIST ? 0 : error, change.name + ": cannot add a local route to it");
        break;
    }
    }
}

std::optional<std::string> Changer::undo(const Change &change)
{
    switch (change.kind) {
    case Change::Kind::sysctl:
        return undo_sysctl(change);
    case Change::Kind::pins:
        require(remove_pins(change.name), change.name + ": cannot remove it");
        break;
    case Change::Kind::clsact:
        return undo_clsact(change);
    case Change::Kind::decap_tc:
        if (is_there(change.link))
            require(detach_tc(change.link), change.name + ": cannot detach the program at tc ingress");
        break;
    case Change::Kind::decap_xdp:
        require(detach_xdp(change.name, change.link), change.name + ": cannot detach the XDP program");
        break;
    case Change::Kind::address: {
        const int error = netlink_.remove_address(change.link, changed_address(change));
        require(error == EADDRNOTAVAIL ? 0 : error, change.name + ": cannot remove it from lo");
        break;
    }
    case Change::Kind::network: {
        const int error = netlink_.remove_local_network(change.link, changed_network(change));
        require(error == ESRCH ? 0 : error, change.name + ": cannot remove the local route to it");
        break;
    }
    }
    return std::nullopt;
}

std::optional<std::string> Changer::undo_sysctl(const Change &change)
{
    const auto now = sysctl::read(change.name);
    if (!now || *now == change.before) // the interface is gone; or we never came to change it
        return std::nullopt;
    if (*now != change.after)
        return sysctl::name_of(change.name) + ": left at " + std::to_string(*now) +
               ", set by someone else since; it was " + std::to_string(change.before) +
               " before aya-backend up";
    require(sysctl::write(change.name, change.before), sysctl::name_of(change.name));
    return std::nullopt;
}

std::optional<std::string> Changer::undo_clsact(const Change &change)
{
    if (!is_there(change.link))
        return std::nullopt;
    if (!netlink_.is_clsact_empty(change.link))
        return change.name + ": qdisc clsact left in place, because it carries other filters";
    require(remove_clsact(change.link), change.name + ": cannot remove qdisc clsact");
    return std::nullopt;
}

} // namespace aya::backend
