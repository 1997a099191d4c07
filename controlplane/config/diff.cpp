// SPDX-License-Identifier: BSD-2-Clause
#include "merge.hpp"

#include <string_view>
#include <unordered_map>

namespace aya
{

namespace
{

// One change for each value that differs; keys of objects inside are joined with dots.
void diff_fields(const std::string &what, const std::string &field, const OrderedJson &from,
                 const OrderedJson &to, std::vector<Change> &changes)
{
    if (from == to)
        return;
    if (!from.is_object() || !to.is_object()) {
        changes.push_back({ChangeOp::change, what, field, from, to});
        return;
    }
    const std::string prefix = field.empty() ? "" : field + ".";
    for (const auto &item : to.items()) {
        const auto old = from.find(item.key());
        diff_fields(what, prefix + item.key(), old == from.end() ? OrderedJson() : *old, item.value(),
                    changes);
    }
    for (const auto &item : from.items()) {
        if (!to.contains(item.key()))
            changes.push_back({ChangeOp::change, what, prefix + item.key(), item.value(), nullptr});
    }
}

// Matches by name, in the order of `to`; `both(from, to)` looks into what is in both.
template <typename T, typename Both>
void diff_lists(const std::string &what, const std::vector<T> &from, const std::vector<T> &to,
                std::vector<Change> &changes, Both &&both)
{
    std::unordered_map<std::string_view, const T *> old;
    for (const T &item : from)
        old.emplace(item.name, &item);
    for (const T &item : to) {
        const auto found = old.find(item.name);
        if (found == old.end()) {
            changes.push_back({ChangeOp::add, what + item.name, {}, {}, {}});
            continue;
        }
        if (*found->second != item)
            both(*found->second, item);
        old.erase(found);
    }
    for (const T &item : from) {
        if (old.contains(item.name))
            changes.push_back({ChangeOp::remove, what + item.name, {}, {}, {}});
    }
}

OrderedJson all_but_lists(const Config &config)
{
    Config rest = config;
    rest.services.clear();
    rest.lists.clear();
    OrderedJson json = to_json(rest);
    json.erase("services");
    json.erase("lists");
    return json;
}

// Of prefixes only the number, since there may be many.
void diff_list(const SourceList &from, const SourceList &to, std::vector<Change> &changes)
{
    const std::string what = "list " + to.name;
    if (from.file != to.file)
        diff_fields(what, "", {{"file", from.file ? OrderedJson(*from.file) : nullptr}},
                    {{"file", to.file ? OrderedJson(*to.file) : nullptr}}, changes);
    if (from.prefixes != to.prefixes || from.of_file != to.of_file)
        changes.push_back({ChangeOp::change, what, "number of prefixes", from.size(), to.size()});
}

OrderedJson settings_of(ServiceConfig service)
{
    service.backends.clear();
    return to_json(service);
}

// Files of the same name that now hold another key. Neither is shown.
void diff_keys(const ServiceConfig &from, const ServiceConfig &to, std::vector<Change> &changes)
{
    for (const QuicLbConfig &now : to.quic_lb)
        for (const QuicLbConfig &old : from.quic_lb)
            if (old.config_id == now.config_id && old.key_file && now.key_file &&
                old.key_file->path == now.key_file->path && old.key_file->key && now.key_file->key &&
                old.key_file->key != now.key_file->key)
                changes.push_back({ChangeOp::change, "service " + to.name,
                                   "key of config id " + std::to_string(now.config_id), "old key",
                                   "new key"});
}

void diff_service(const ServiceConfig &from, const ServiceConfig &to, std::vector<Change> &changes)
{
    const std::string what = "service " + to.name;
    diff_fields(what, "", settings_of(from), settings_of(to), changes);
    diff_keys(from, to, changes);
    diff_lists(what + " backend ", from.backends, to.backends, changes,
               [&](const BackendConfig &old, const BackendConfig &now) {
                   diff_fields(what + " backend " + now.name, "", to_json(old), to_json(now), changes);
               });
}

std::string_view to_string(ChangeOp op)
{
    switch (op) {
    case ChangeOp::add:
        return "add";
    case ChangeOp::remove:
        return "remove";
    case ChangeOp::change:
        return "change";
    }
    return {};
}

// Text without its quotes, anything else as JSON; null is "nothing".
std::string plain(const OrderedJson &value)
{
    if (value.is_null())
        return "nothing";
    return value.is_string() ? value.get<std::string>() : value.dump();
}

} // namespace

std::vector<Change> diff(const Config &from, const Config &to)
{
    std::vector<Change> changes;
    diff_fields("configuration", "", all_but_lists(from), all_but_lists(to), changes);
    diff_lists("list ", from.lists, to.lists, changes,
               [&](const SourceList &old, const SourceList &now) { diff_list(old, now, changes); });
    diff_lists("service ", from.services, to.services, changes,
               [&](const ServiceConfig &old, const ServiceConfig &now) { diff_service(old, now, changes); });
    return changes;
}

OrderedJson to_json(const Change &change)
{
    OrderedJson json = {{"op", to_string(change.op)}, {"what", change.what}};
    if (change.op == ChangeOp::change) {
        json["field"] = change.field;
        json["from"] = change.from;
        json["to"] = change.to;
    }
    return json;
}

std::string to_string(const Change &change)
{
    std::string text = std::string(to_string(change.op)) + " " + change.what;
    if (change.op != ChangeOp::change)
        return text;
    return text + ": " + change.field + " " + plain(change.from) + " -> " + plain(change.to);
}

bool needs_restart(const Change &change)
{
    return change.what == "configuration" && !change.field.starts_with("tunnel_source") &&
           change.field != "unserved";
}

} // namespace aya
