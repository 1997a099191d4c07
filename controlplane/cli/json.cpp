// SPDX-License-Identifier: BSD-2-Clause
#include "json.hpp"

namespace aya::ctl
{

namespace
{

const Json *find(const Json &object, const char *key)
{
    if (!object.is_object())
        return nullptr;
    const auto found = object.find(key);
    return found == object.end() ? nullptr : &*found;
}

} // namespace

std::string text(const Json &object, const char *key)
{
    const Json *value = find(object, key);
    if (value == nullptr || value->is_null())
        return "-";
    if (value->is_string())
        return value->get<std::string>();
    if (value->is_boolean())
        return value->get<bool>() ? "yes" : "no";
    return value->dump();
}

std::uint64_t number(const Json &object, const char *key)
{
    const Json *value = find(object, key);
    return value != nullptr && value->is_number() ? value->get<std::uint64_t>() : 0;
}

bool truth(const Json &object, const char *key)
{
    const Json *value = find(object, key);
    return value != nullptr && value->is_boolean() && value->get<bool>();
}

const Json &list(const Json &object, const char *key)
{
    static const Json empty = Json::array();
    const Json *value = find(object, key);
    return value != nullptr && value->is_array() ? *value : empty;
}

const Json &member(const Json &object, const char *key)
{
    static const Json empty = Json::object();
    const Json *value = find(object, key);
    return value != nullptr && value->is_object() ? *value : empty;
}

} // namespace aya::ctl
