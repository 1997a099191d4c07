// SPDX-License-Identifier: BSD-2-Clause
#include "merge.hpp"

#include "fields.hpp"
#include "quic_lb.hpp"
#include "validate.hpp"

#include <algorithm>
#include <unordered_map>

namespace aya
{

namespace
{

template <typename T>
using ByName = std::unordered_map<std::string_view, const T *>;

template <typename T>
ByName<T> by_name(const std::vector<T> &items)
{
    ByName<T> map;
    for (const T &item : items)
        map.emplace(item.name, &item);
    return map;
}

template <typename T>
const T *find(const ByName<T> &map, std::string_view name)
{
    const auto found = map.find(name);
    return found == map.end() ? nullptr : found->second;
}

const Json &value_or_null(const Json &object, const std::string &key)
{
    static const Json kNull;
    const auto found = object.find(key);
    return found == object.end() ? kNull : *found;
}

// Per value: what the file changed is the file's, all else is what runs. null = absent.
Json merge_values(const Json &last, const Json &file, const Json &running)
{
    if (!file.is_object() || !running.is_object() || !last.is_object())
        return file == last ? running : file;
    Json merged = Json::object();
    const auto merge_key = [&](const std::string &key) {
        Json value =
            merge_values(value_or_null(last, key), value_or_null(file, key), value_or_null(running, key));
        if (!value.is_null())
            merged[key] = std::move(value);
    };
    for (const auto &item : file.items())
        merge_key(item.key());
    for (const auto &item : running.items()) {
        if (!file.contains(item.key()))
            merge_key(item.key());
    }
    return merged;
}

// `T`'s own values, without lists of other named things.
template <typename T>
T merge_settings(const T &last, const T &file, const T &running, ErrorSink &errors)
{
    if (last == file)
        return running;
    if (last == running)
        return file;
    const Json merged = merge_values(Json(to_json(last)), Json(to_json(file)), Json(to_json(running)));
    T result; // each value was valid where it came from; the whole is validated by merge()
    Reader reader(merged, "", ReadMode::whole, errors);
    fields<T>().read(reader, result);
    return result;
}

BackendConfig merge_item(const BackendConfig *last, const BackendConfig &file, const BackendConfig &running,
                         ErrorSink &errors)
{
    return last == nullptr ? file : merge_settings(*last, file, running, errors);
}

bool same(const BackendConfig &a, const BackendConfig &b)
{
    return a == b;
}

ServiceConfig all_but_backends(ServiceConfig service)
{
    service.backends.clear();
    return service;
}

// In any order.
bool same(const ServiceConfig &a, const ServiceConfig &b)
{
    if (all_but_backends(a) != all_but_backends(b) || a.backends.size() != b.backends.size())
        return false;
    const ByName<BackendConfig> others = by_name(b.backends);
    return std::all_of(a.backends.begin(), a.backends.end(), [&](const BackendConfig &backend) {
        const BackendConfig *other = find(others, backend.name);
        return other != nullptr && backend == *other;
    });
}

ServiceConfig merge_item(const ServiceConfig *last, const ServiceConfig &file, const ServiceConfig &running,
                         ErrorSink &errors);

template <typename T>
std::vector<T> merge_lists(const std::vector<T> &last, const std::vector<T> &file,
                           const std::vector<T> &running, ErrorSink &errors)
{
    const ByName<T> in_last = by_name(last);
    const ByName<T> in_file = by_name(file);
    const ByName<T> in_running = by_name(running);
    std::vector<T> merged;
    for (const T &item : file) {
        const T *before = find(in_last, item.name);
        const T *now = find(in_running, item.name);
        if (now != nullptr)
            merged.push_back(merge_item(before, item, *now, errors));
        else if (before == nullptr || !same(*before, item))
            merged.push_back(item);
    }
    for (const T &item : running) {
        if (!in_file.contains(item.name) && !in_last.contains(item.name))
            merged.push_back(item);
    }
    return merged;
}

ServiceConfig merge_item(const ServiceConfig *last, const ServiceConfig &file, const ServiceConfig &running,
                         ErrorSink &errors)
{
    ServiceConfig merged = last == nullptr ? all_but_backends(file)
                                           : merge_settings(all_but_backends(*last), all_but_backends(file),
                                                            all_but_backends(running), errors);
    merged.backends = merge_lists(last == nullptr ? std::vector<BackendConfig>() : last->backends,
                                  file.backends, running.backends, errors);
    return merged;
}

} // namespace

Result<Config> merge(const std::vector<ServiceConfig> &last_applied, const Config &file,
                     const std::vector<ServiceConfig> &running)
{
    Config merged = file;
    ErrorSink sink;
    merged.services = merge_lists(last_applied, file.services, running, sink);
    KeysByPath known = keys_of(file.services); // those just read, then those in use
    known.merge(keys_of(running));
    read_key_files(merged.services, std::move(known), sink);
    validate(merged, sink);
    if (sink.empty())
        return merged;
    ConfigErrors errors = sink.take();
    for (ConfigError &error : errors)
        error.message = "in the configuration merged with the changes made at run time: " + error.message;
    return errors;
}

} // namespace aya
