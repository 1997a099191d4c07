// SPDX-License-Identifier: BSD-2-Clause
#include "reference/schema.hpp"

namespace aya
{

namespace
{

// What an editor shows. Ranges of text are in it because the schema cannot check them.
std::string description_of(const Key &key)
{
    std::string text = key.help + ".";
    const bool is_text = key.kind.schema.value("type", "") == "string";
    if (is_text || !key.rule.empty())
        text += " Allowed: " + (is_text ? key.kind.allowed : "") +
                (is_text && !key.rule.empty() ? "; " : "") + key.rule + ".";
    if (!key.absent.empty())
        text += " If absent: " + key.absent + ".";
    return text;
}

OrderedJson list_schema(const Key &key, OrderedJson items)
{
    OrderedJson schema = {{"type", "array"}};
    if (key.count.least > 0 && key.not_required.empty()) // otherwise it is a rule of the section
        schema["minItems"] = key.count.least;
    if (key.count.most != SIZE_MAX)
        schema["maxItems"] = key.count.most;
    if (key.is_unique)
        schema["uniqueItems"] = true;
    schema["items"] = std::move(items);
    return schema;
}

OrderedJson value_schema(const Key &key)
{
    switch (key.shape) {
    case Shape::value:
        return key.kind.schema;
    case Shape::list:
        return list_schema(key, key.kind.schema);
    case Shape::object:
        return schema_of(*key.inside);
    case Shape::objects:
        return list_schema(key, schema_of(*key.inside));
    }
    return {};
}

} // namespace

OrderedJson schema_of(const Section &section)
{
    OrderedJson required = OrderedJson::array();
    OrderedJson properties = OrderedJson::object();
    for (const Key &key : section.keys) {
        if (key.is_required && key.not_required.empty())
            required.push_back(key.name);
        OrderedJson &property = properties[key.name];
        property["description"] = description_of(key);
        property.update(value_schema(key));
        if (key.shape != Shape::object && !key.initial.is_null())
            property["default"] = key.initial;
    }
    OrderedJson schema = {{"type", "object"}, {"additionalProperties", false}};
    if (!required.empty())
        schema["required"] = std::move(required);
    schema["properties"] = std::move(properties);
    if (!section.rules.is_null())
        schema.update(section.rules);
    return schema;
}

} // namespace aya
