// SPDX-License-Identifier: BSD-2-Clause
#include "common/config/dataplane.hpp"

#include "common/config/dataplane_fields.hpp"
#include "common/file.hpp"

#include <algorithm>

namespace aya
{

namespace
{

std::string port_pointer(std::size_t index)
{
    return "/dataplane/ports" + pointer_token(index);
}

// Keys whose part the kernel's own settings of the interface play.
void refuse_settings(const PortConfig &port, std::size_t index, std::initializer_list<const char *> keys,
                     DataplanePath path, Checker &checker)
{
    const Json said = fields<PortConfig>().write(port);
    for (const char *key : keys) {
        if (said.contains(key))
            checker.add(port_pointer(index) + "/" + key,
                        "found " + describe(said[key]) + "; not allowed with path " + quote(to_string(path)) +
                            ": the interface remains with the kernel");
    }
}

void check_dpdk_port(const PortConfig &port, std::size_t index, Checker &checker)
{
    if (port.replace_program)
        checker.add(port_pointer(index) + "/replace_program", "found true; allowed with path \"dpdk\": false",
                    {"/dataplane/path"});
}

void check_xdp_port(const PortConfig &port, std::size_t index, Checker &checker)
{
    static const Kind<std::string> kInterface = interface_kind();
    std::string note;
    if (!kInterface.read(port.device, note))
        checker.add(port_pointer(index) + "/device",
                    "found " + quote(port.device) + "; allowed with path \"xdp\": " + kInterface.allowed);
    refuse_settings(port, index, {"punt", "queues", "mac"}, DataplanePath::xdp, checker);
}

// Which of the two sets of keys a port has depends on whether it is the kernel's.
void check_automatic_port(const PortConfig &port, std::size_t index, Checker &checker)
{
    if (names_interface(port.device))
        refuse_settings(port, index, {"punt", "mac"}, DataplanePath::automatic, checker);
    else if (port.replace_program)
        checker.add(port_pointer(index) + "/replace_program",
                    "found true; allowed for a device that is not a kernel interface: false");
}

void check_port(const PortConfig &port, std::size_t index, DataplanePath path, Checker &checker)
{
    switch (path) {
    case DataplanePath::dpdk:
        return check_dpdk_port(port, index, checker);
    case DataplanePath::xdp:
        return check_xdp_port(port, index, checker);
    case DataplanePath::automatic:
        return check_automatic_port(port, index, checker);
    }
}

void check_lcores(const DataplaneConfig &dataplane, Checker &checker)
{
    std::unordered_map<unsigned, std::string> workers;
    for (std::size_t i = 0; i < dataplane.workers.size(); ++i)
        checker.check_unique(workers, dataplane.workers[i], std::to_string(dataplane.workers[i]),
                             "/dataplane/workers" + pointer_token(i));
    const auto same = dataplane.main_lcore ? workers.find(*dataplane.main_lcore) : workers.end();
    if (same != workers.end())
        checker.add("/dataplane/main_lcore", "found " + std::to_string(same->first) + ", which " +
                                                 same->second +
                                                 " already has; allowed: an lcore that no worker has");
}

} // namespace

bool names_interface(std::string_view device)
{
    return device.find_first_of(":,") == std::string_view::npos && !device.starts_with("net_") &&
           !device.starts_with("eth_") && !device.starts_with("virtio_user");
}

bool DataplaneConfig::uses_xdp() const
{
    return path == DataplanePath::xdp ||
           (path == DataplanePath::automatic && !ports.empty() && names_interface(ports.front().device));
}

void check_dataplane(const DataplaneConfig &dataplane, Checker &checker)
{
    check_lcores(dataplane, checker);
    std::unordered_map<std::string_view, std::string> devices;
    std::unordered_map<std::string_view, std::string> punts;
    for (std::size_t i = 0; i < dataplane.ports.size(); ++i) {
        const PortConfig &port = dataplane.ports[i];
        const std::string where = port_pointer(i);
        checker.check_unique<std::string_view>(devices, port.device, quote(port.device), where + "/device");
        if (port.punt)
            checker.check_unique<std::string_view>(punts, *port.punt, quote(*port.punt), where + "/punt");
        check_port(port, i, dataplane.path, checker);
    }
    const auto interfaces =
        std::count_if(dataplane.ports.begin(), dataplane.ports.end(),
                      [](const PortConfig &port) { return names_interface(port.device); });
    if (dataplane.path == DataplanePath::automatic && interfaces != 0 &&
        !std::cmp_equal(interfaces, dataplane.ports.size()))
        checker.add("/dataplane/ports",
                    "found kernel interfaces and other devices; allowed with path \"auto\": only one kind");
}

Result<DataplaneConfig> parse_dataplane(std::string_view text)
{
    ErrorSink errors;
    const JsonText json = read_json_text(text, errors);
    if (json.syntax_error)
        return errors.take();
    DataplaneConfig dataplane;
    Reader whole(json.value, "", ReadMode::whole, errors); // never finished: the other keys are not ours
    whole.object(
        "dataplane", [&](Reader &section) { fields<DataplaneConfig>().read(section, dataplane); },
        Need::required);
    Checker checker(errors);
    check_dataplane(dataplane, checker);
    if (!errors.empty())
        return errors.take();
    return dataplane;
}

Result<DataplaneConfig> load_dataplane(const std::filesystem::path &file)
{
    const auto text = read_config_file(file);
    if (!text)
        return text.errors();
    return parse_dataplane(*text);
}

std::optional<Seed> parse_seed(std::string_view text)
{
    ErrorSink errors;
    const JsonText json = read_json_text(text, errors);
    std::string note;
    if (json.syntax_error || !json.value.is_object() || !json.value.contains("seed"))
        return std::nullopt;
    return seed_kind().read(json.value["seed"], note);
}

std::optional<Seed> load_seed(const std::filesystem::path &file)
{
    const auto text = read_config_file(file);
    return text ? parse_seed(*text) : std::nullopt;
}

} // namespace aya
