// SPDX-License-Identifier: BSD-2-Clause
#include "options.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

#include "aya/pinned.hpp"
#include "json_section.hpp"

namespace aya
{

namespace
{

constexpr u64 kMaxLcore = 127; // Debian's RTE_MAX_LCORE less one

template <class T, class Read>
void take(const Json *value, T &into, Read read)
{
    if (value == nullptr)
        return;
    if (auto result = read(*value))
        into = static_cast<typename std::remove_reference_t<decltype(into)>>(*std::move(result));
}

// A JSON list of at least one item and at most `most`.
bool is_list(const Json *value, const JsonPlace &place, std::size_t most, const char *of_what)
{
    if (value == nullptr)
        return false;
    if (value->is_array() && !value->empty() && value->size() <= most)
        return true;
    const std::string found = value->is_array() && value->size() > most
                                  ? std::to_string(value->size()) + " items"
                                  : describe(*value);
    place.complain("found " + found + "; allowed: a list of 1 to " + std::to_string(most) + " " + of_what);
    return false;
}

std::optional<MacBytes> read_mac(const Json &value, const JsonPlace &place)
{
    if (value.is_string()) {
        const auto &text = value.get_ref<const std::string &>();
        std::array<unsigned, 6> b{};
        int used = 0;
        const int fields = std::sscanf(text.c_str(), "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3],
                                       &b[4], &b[5], &used);
        if (fields == 6 && text.size() == 17 && used == 17 && (b[0] & 1) == 0 && b != decltype(b){}) {
            MacBytes mac{};
            for (std::size_t i = 0; i < mac.size(); i++)
                mac[i] = static_cast<u8>(b[i]);
            return mac;
        }
    }
    place.refuse(value, "a unicast MAC address such as \"52:54:00:12:34:56\"");
    return std::nullopt;
}

void read_workers(JsonObject &section, DataplaneOptions &options)
{
    const JsonPlace place = section.place("workers");
    const Json *list = section.require("workers", "a list of lcore numbers, one a worker");
    if (!is_list(list, place, kMaxWorkers, "lcore numbers"))
        return;
    for (std::size_t i = 0; i < list->size(); i++) {
        const JsonPlace here = place.at(std::to_string(i));
        const auto lcore = read_integer((*list)[i], here, 0, kMaxLcore);
        if (!lcore)
            continue;
        for (const u32 other : options.workers) {
            if (other == *lcore)
                here.complain("found lcore " + std::to_string(other) + " twice; allowed: each once");
        }
        options.workers.push_back(static_cast<u32>(*lcore));
    }
}

PortOptions read_port(const Json &value, const JsonPlace &place, PathOption path)
{
    PortOptions port;
    JsonObject object(value, place);
    take(object.require("device", "a PCI address, a DPDK virtual device or a network interface"), port.device,
         [&](const Json &v) { return read_device(v, place.at("device")); });
    take(object.find("punt"), port.punt, [&](const Json &v) { return read_interface(v, place.at("punt")); });
    take(object.find("queues"), port.queues,
         [&](const Json &v) { return read_integer(v, place.at("queues"), 1, kMaxWorkers); });
    take(object.find("mtu"), port.mtu,
         [&](const Json &v) { return read_integer(v, place.at("mtu"), 1280, 9600); }); // 1280: RFC 8200 5
    take(object.find("mac"), port.mac, [&](const Json &v) { return read_mac(v, place.at("mac")); });
    // The control plane's, which attaches the program.
    if (const Json *replace = object.find("replace_program");
        replace != nullptr && *replace != false && path == PathOption::dpdk)
        place.at("replace_program").refuse(*replace, "false with path \"dpdk\"");
    object.finish();
    return port;
}

void read_ports(JsonObject &section, DataplaneOptions &options)
{
    const JsonPlace place = section.place("ports");
    const Json *list = section.require("ports", "a list of at least one port");
    if (!is_list(list, place, kMaxPorts, "ports"))
        return;
    for (std::size_t i = 0; i < list->size(); i++) {
        const JsonPlace here = place.at(std::to_string(i));
        PortOptions port = read_port((*list)[i], here, options.path);
        for (const PortOptions &other : options.ports) {
            if (!port.device.empty() && port.device == other.device)
                here.at("device").complain("found \"" + port.device + "\" twice; allowed: each once");
            if (!port.punt.empty() && port.punt == other.punt)
                here.at("punt").complain("found \"" + port.punt + "\" twice; allowed: each once");
        }
        options.ports.push_back(std::move(port));
    }
}

void read_eal(JsonObject &section, DataplaneOptions &options)
{
    const Json *list = section.find("eal");
    const JsonPlace place = section.place("eal");
    if (list == nullptr)
        return;
    if (!list->is_array()) {
        place.refuse(*list, "a list of strings, each one argument of DPDK's EAL");
        return;
    }
    for (std::size_t i = 0; i < list->size(); i++) {
        if (const auto argument = read_argument((*list)[i], place.at(std::to_string(i))))
            options.eal.push_back(*argument);
    }
}

// Which of the two sets of keys a port has depends on whether it is the kernel's.
void check_automatic_ports(const JsonPlace &ports, const DataplaneOptions &options)
{
    const std::size_t interfaces = static_cast<std::size_t>(
        std::count_if(options.ports.begin(), options.ports.end(),
                      [](const PortOptions &port) { return names_interface(port.device); }));
    if (interfaces != 0 && interfaces != options.ports.size())
        ports.complain("found kernel interfaces beside other devices; allowed with path \"auto\": one kind");
    for (std::size_t i = 0; i < options.ports.size(); i++) {
        const PortOptions &port = options.ports[i];
        if (!names_interface(port.device))
            continue;
        const JsonPlace here = ports.at(std::to_string(i));
        const std::string why =
            "; allowed with path \"auto\": none, for the interface stays the kernel's, and has its own";
        if (!port.punt.empty())
            here.at("punt").complain("found \"" + port.punt + "\"" + why);
        if (port.mtu)
            here.at("mtu").complain("found " + std::to_string(*port.mtu) + why);
        if (port.mac)
            here.at("mac").complain("found an address" + why);
    }
}

void read_section(JsonObject &section, DataplaneOptions &options)
{
    if (const Json *path = section.find("path"); path != nullptr && *path == "xdp") {
        section.place("path").complain(
            "found \"xdp\", which the kernel carries out and aya-controlplane alone sets up; "
            "aya-dataplane is for \"dpdk\" and \"auto\"");
        return;
    } else if (path != nullptr && *path == "auto") {
        options.path = PathOption::automatic;
    } else if (path != nullptr && *path != "dpdk") {
        section.place("path").refuse(*path, "\"dpdk\", \"xdp\", \"auto\"");
    }
    read_workers(section, options);
    read_ports(section, options);
    take(section.find("flows_per_worker"), options.flows_per_worker,
         [&](const Json &v) { return read_integer(v, section.place("flows_per_worker"), 1024, 1u << 28); });
    options.flows_per_worker = std::bit_ceil(options.flows_per_worker);
    take(section.find("idle_backoff"), options.idle_backoff,
         [&](const Json &v) { return read_boolean(v, section.place("idle_backoff")); });
    take(section.find("huge_pages"), options.huge_pages,
         [&](const Json &v) { return read_boolean(v, section.place("huge_pages")); });
    take(section.find("memory"), options.memory,
         [&](const Json &v) { return read_size(v, section.place("memory")); });
    take(section.find("mbufs"), options.mbufs,
         [&](const Json &v) { return read_integer(v, section.place("mbufs"), 1024, 1u << 26); });
    take(section.find("main_lcore"), options.main_lcore,
         [&](const Json &v) { return read_integer(v, section.place("main_lcore"), 0, kMaxLcore); });
    for (const u32 worker : options.workers) {
        if (options.main_lcore == worker)
            section.place("main_lcore")
                .complain("found " + std::to_string(worker) +
                          ", which is a worker; allowed: a core that no worker has");
    }
    read_eal(section, options);
    if (options.path == PathOption::automatic)
        check_automatic_ports(section.place("ports"), options);
    section.finish();
}

} // namespace

bool names_interface(const std::string &device)
{
    return device.find_first_of(":,") == std::string::npos && !device.starts_with("net_") &&
           !device.starts_with("eth_") && !device.starts_with("virtio_user");
}

bool DataplaneOptions::over_xdp() const
{
    return path == PathOption::automatic && !ports.empty() && names_interface(ports.front().device);
}

std::string CommandLine::pin_dir() const
{
    return bpf_dir + "/" + pin_name(instance);
}

DataplaneOptions parse_dataplane_options(std::string_view text, const std::string &file,
                                         std::vector<std::string> &errors)
{
    DataplaneOptions options;
    const JsonPlace root{&file, "", &errors};
    const std::optional<Json> parsed = parse_json(text, root);
    if (!parsed)
        return options;
    const Json &whole = *parsed;
    if (!whole.is_object()) {
        root.refuse(whole, "an object, { ... }");
        return options;
    }
    const auto section = whole.find("dataplane");
    if (section == whole.end()) {
        root.complain("found no \"dataplane\"; needed: the object that configures this program");
        return options;
    }
    JsonObject object(*section, root.at("dataplane"));
    read_section(object, options);
    return options;
}

DataplaneOptions load_dataplane_options(const std::string &file, std::vector<std::string> &errors)
{
    std::ifstream stream(file, std::ios::binary);
    std::stringstream text;
    if (!stream || !(text << stream.rdbuf())) {
        errors.push_back(file + ": cannot read: " + std::strerror(errno ? errno : EIO) +
                         "; name the configuration file with --config");
        return {};
    }
    return parse_dataplane_options(text.str(), file, errors);
}

} // namespace aya
