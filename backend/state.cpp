// SPDX-License-Identifier: BSD-2-Clause
#include "state.hpp"

#include "common/error.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace aya::backend
{

using Json = nlohmann::json;

NLOHMANN_JSON_SERIALIZE_ENUM(Hook, {{Hook::tc, "tc"}, {Hook::xdp, "xdp"}})
NLOHMANN_JSON_SERIALIZE_ENUM(Change::Kind, {{Change::Kind::sysctl, "sysctl"},
                                            {Change::Kind::pins, "pins"},
                                            {Change::Kind::clsact, "clsact"},
                                            {Change::Kind::decap_tc, "decap_tc"},
                                            {Change::Kind::decap_xdp, "decap_xdp"},
                                            {Change::Kind::address, "address"},
                                            {Change::Kind::network, "network"}})

namespace
{

constexpr int kFormat = 1;

// Everyone may read the state, but who can open the directory can lock it and keep everyone else waiting.
constexpr mode_t kDirectoryMode = 0711;
constexpr mode_t kFileMode = 0644;

std::string boot_id()
{
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string id;
    std::getline(file, id);
    return id;
}

std::uint64_t network_namespace()
{
    struct stat info {
    };
    return ::stat("/proc/self/ns/net", &info) == 0 ? info.st_ino : 0;
}

template <class Item>
Json to_json(const std::vector<Item> &items)
{
    Json list = Json::array();
    for (const Item &item : items)
        list.push_back(to_string(item));
    return list;
}

// `what`: what each text of the list must be.
template <class Item>
std::vector<Item> parse_all(const Json &list, std::optional<Item> (*parse)(std::string_view),
                            const std::string &what)
{
    std::vector<Item> items;
    for (const Json &text : list) {
        const auto item = parse(text.get<std::string>());
        if (!item)
            throw std::invalid_argument("not " + what + ": " + text.dump());
        items.push_back(*item);
    }
    return items;
}

std::vector<IpAddress> to_addresses(const Json &list)
{
    return parse_all(list, parse_ip_address, "an address");
}

Json to_json(const State &state)
{
    const Settings &settings = state.settings;
    Json changes = Json::array();
    for (const Change &c : state.changes)
        changes.push_back(
            {{"kind", c.kind}, {"name", c.name}, {"link", c.link}, {"before", c.before}, {"after", c.after}});
    return {{"format", kFormat},
            {"boot", boot_id()},
            {"network_namespace", network_namespace()},
            {"vips", to_json(settings.vips)},
            {"encap", to_string(settings.encap)},
            {"gue_port", settings.gue_port},
            {"interface", settings.interface},
            {"hook", settings.hook},
            {"locals", to_json(settings.locals)},
            {"all_locals", settings.all_locals},
            {"balancers", to_json(settings.balancers)},
            {"changes", changes}};
}

State to_state(const Json &json)
{
    State state;
    state.settings.vips = parse_all(json.at("vips"), parse_prefix, "an address or a network");
    state.settings.encap = parse_name<Encap>(json.at("encap").get<std::string>()).value_or(Encap::l2);
    state.settings.gue_port = json.value("gue_port", kGuePort); // earlier versions did not write it
    json.at("interface").get_to(state.settings.interface);
    json.at("hook").get_to(state.settings.hook);
    state.settings.locals = to_addresses(json.at("locals"));
    json.at("all_locals").get_to(state.settings.all_locals);
    state.settings.balancers =
        parse_all(json.value("balancers", Json::array()), parse_prefix, "a network"); // nor this
    state.settings.is_set_up = true;
    for (const Json &c : json.at("changes"))
        state.changes.push_back({c.at("kind").get<Change::Kind>(), c.at("name").get<std::string>(),
                                 c.at("link").get<int>(), c.at("before").get<int>(),
                                 c.at("after").get<int>()});
    return state;
}

void write_and_sync(const std::string &path, const std::string &text)
{
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kFileMode);
    if (fd < 0)
        throw Error::system(path, errno);
    ::fchmod(fd, kFileMode);
    const ssize_t written = ::write(fd, text.data(), text.size());
    const int error = written == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0 ? 0
                      : errno                                                          ? errno
                                                                                       : ENOSPC;
    ::close(fd);
    if (error)
        throw Error::system(path, error);
}

} // namespace

const Change *State::find(const Change &place) const
{
    const auto found =
        std::find_if(changes.begin(), changes.end(), [&](const Change &c) { return c.same_place(place); });
    return found == changes.end() ? nullptr : &*found;
}

StateFile::StateFile(const std::string &directory, Access access)
    : directory_(directory), path_(directory + "/state.json")
{
    if (access == Access::read)
        return;
    if (::mkdir(directory.c_str(), kDirectoryMode) != 0 && errno != EEXIST)
        throw Error::system(directory, errno);
    lock_ = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    // Whatever the umask, and whatever an earlier version made.
    if (lock_ < 0 || ::fchmod(lock_, kDirectoryMode) != 0 || ::flock(lock_, LOCK_EX) != 0)
        throw Error::system(directory, errno);
}

StateFile::~StateFile()
{
    if (lock_ >= 0)
        ::close(lock_);
}

std::optional<State> StateFile::load() const
{
    std::ifstream file(path_);
    if (!file) {
        if (errno == ENOENT)
            return std::nullopt;
        throw Error::system(path_, errno);
    }
    try {
        const Json json = Json::parse(file);
        if (json.at("format").get<int>() != kFormat)
            throw std::invalid_argument("format " + json.at("format").dump());
        if (json.at("boot").get<std::string>() != boot_id())
            return std::nullopt;
        if (json.at("network_namespace").get<std::uint64_t>() != network_namespace())
            throw Error(path_ + ": was written in another network namespace; run aya-backend there, or with "
                                "another --run-dir");
        return to_state(json);
    } catch (const Error &) {
        throw;
    } catch (const std::exception &) {
        throw Error(
            path_ +
            ": not a state file of this version of aya-backend; use the version that wrote it, or undo by "
            "hand and remove the file");
    }
}

void StateFile::save(const State &state) const
{
    const std::string temporary = path_ + ".new";
    write_and_sync(temporary, to_json(state).dump(2) + "\n");
    if (::rename(temporary.c_str(), path_.c_str()) != 0 || ::fsync(lock_) != 0)
        throw Error::system(path_, errno);
}

void StateFile::remove() const
{
    ::unlink((path_ + ".new").c_str());
    if (::unlink(path_.c_str()) != 0 && errno != ENOENT)
        throw Error::system(path_, errno);
}

} // namespace aya::backend
