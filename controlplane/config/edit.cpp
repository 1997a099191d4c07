// SPDX-License-Identifier: BSD-2-Clause
#include "edit.hpp"

#include "fields.hpp"
#include "quic_lb.hpp"
#include "validate.hpp"

#include <algorithm>

namespace aya
{

namespace
{

// What a request names, in the copy that it changes.
struct Target {
    ServiceConfig *service = nullptr;
    BackendConfig *backend = nullptr;
    std::string where; // pointer to the innermost
};

Target locate(Config &config, std::string_view service_name)
{
    for (std::size_t i = 0; i < config.services.size(); ++i) {
        if (config.services[i].name == service_name)
            return {&config.services[i], nullptr, "/services" + pointer_token(i)};
    }
    return {};
}

Target locate(const Target &outer, std::string_view backend_name)
{
    auto &backends = outer.service->backends;
    for (std::size_t i = 0; i < backends.size(); ++i) {
        if (backends[i].name == backend_name)
            return {outer.service, &backends[i], outer.where + "/backends" + pointer_token(i)};
    }
    return {};
}

template <typename T>
ConfigErrors read_into(std::string_view text, ReadMode mode, T &out)
{
    ErrorSink errors;
    const JsonText json = read_json_text(text, errors);
    if (!json.syntax_error) {
        Reader reader(json.value, "", mode, errors);
        fields<T>().read(reader, out);
        reader.finish();
    }
    return errors.take();
}

// A request that changes the type of probe need not take away what only the old type had.
void drop_leftovers(HealthConfig &health, const HealthConfig &before)
{
    if (health.type == before.type)
        return;
    if (health.type == HealthType::icmp && health.port == before.port)
        health.port.reset();
    OrderedJson kept = fields<ProbeOptions>().write(health.options);
    const OrderedJson old = fields<ProbeOptions>().write(before.options);
    for (const auto &[key, value] : old.items())
        if (!health::probe_type(health.type).has(key) && kept.contains(key) && kept[key] == value)
            kept.erase(key);
    health.options = {};
    ErrorSink none;
    const Json rest = kept;
    Reader reader(rest, "", ReadMode::whole, none);
    fields<ProbeOptions>().read(reader, health.options);
}

// Keys of files that `before` has stay what they are. Pointers below `where` become relative to it, as the
// request's text is all that the client sees.
Result<Config> validated(Config config, const Config &before, const std::string &where = "")
{
    ErrorSink sink;
    read_key_files(config.services, keys_of(before.services), sink);
    validate(config, sink);
    if (sink.empty())
        return config;
    ConfigErrors errors = sink.take();
    for (ConfigError &error : errors) {
        if (error.where.starts_with(where + "/"))
            error.where.erase(0, where.size());
    }
    return errors;
}

} // namespace

ConfigError no_service(const Config &config, std::string_view name)
{
    std::vector<std::string_view> names;
    for (const ServiceConfig &service : config.services)
        names.emplace_back(service.name);
    return {"", not_found("service " + quote(name), name, "services", names), ErrorKind::not_found};
}

ConfigError no_backend(const ServiceConfig &service, std::string_view name)
{
    std::vector<std::string_view> names;
    for (const BackendConfig &backend : service.backends)
        names.emplace_back(backend.name);
    return {
        "",
        not_found("backend " + quote(name) + " in service " + quote(service.name), name, "backends", names),
        ErrorKind::not_found};
}

Result<Config> add_service(const Config &config, std::string_view text)
{
    ServiceConfig service;
    const ConfigErrors errors = read_into(text, ReadMode::whole, service);
    if (!errors.empty())
        return errors;
    if (find_service(config.services, service.name) != nullptr)
        return ConfigError{"/name", "found " + quote(service.name) + ", which is already a service",
                           ErrorKind::conflict};
    Config changed = config;
    changed.services.push_back(std::move(service));
    return validated(std::move(changed), config, "/services" + pointer_token(config.services.size()));
}

Result<Config> patch_service(const Config &config, std::string_view service, std::string_view text)
{
    Config changed = config;
    const Target target = locate(changed, service);
    if (target.service == nullptr)
        return no_service(config, service);
    const HealthConfig before = target.service->health;
    const ConfigErrors errors = read_into(text, ReadMode::patch, *target.service);
    if (!errors.empty())
        return errors;
    drop_leftovers(target.service->health, before);
    return validated(std::move(changed), config, target.where);
}

Result<Config> remove_service(const Config &config, std::string_view service)
{
    Config changed = config;
    if (std::erase_if(changed.services, [&](const ServiceConfig &s) { return s.name == service; }) == 0)
        return no_service(config, service);
    return validated(std::move(changed), config);
}

Result<Config> add_backend(const Config &config, std::string_view service, std::string_view text)
{
    Config changed = config;
    const Target target = locate(changed, service);
    if (target.service == nullptr)
        return no_service(config, service);
    BackendConfig backend;
    const ConfigErrors errors = read_into(text, ReadMode::whole, backend);
    if (!errors.empty())
        return errors;
    auto &backends = target.service->backends;
    if (find_backend(*target.service, backend.name) != nullptr)
        return ConfigError{"/name",
                           "found " + quote(backend.name) + ", which is already a backend of service " +
                               quote(service),
                           ErrorKind::conflict};
    backends.push_back(std::move(backend));
    return validated(std::move(changed), config,
                     target.where + "/backends" + pointer_token(backends.size() - 1));
}

Result<Config> patch_backend(const Config &config, std::string_view service, std::string_view backend,
                             std::string_view text)
{
    Config changed = config;
    const Target outer = locate(changed, service);
    if (outer.service == nullptr)
        return no_service(config, service);
    const Target target = locate(outer, backend);
    if (target.backend == nullptr)
        return no_backend(*outer.service, backend);
    const ConfigErrors errors = read_into(text, ReadMode::patch, *target.backend);
    if (!errors.empty())
        return errors;
    return validated(std::move(changed), config, target.where);
}

Result<Config> remove_backend(const Config &config, std::string_view service, std::string_view backend)
{
    Config changed = config;
    const Target target = locate(changed, service);
    if (target.service == nullptr)
        return no_service(config, service);
    if (std::erase_if(target.service->backends, [&](const BackendConfig &b) { return b.name == backend; }) ==
        0)
        return no_backend(*target.service, backend);
    return validated(std::move(changed), config);
}

} // namespace aya
