// SPDX-License-Identifier: BSD-2-Clause
#include "fields.hpp"

#include "commands.hpp"
#include "config/fields.hpp"

#include <algorithm>
#include <charconv>

namespace aya::ctl
{

namespace
{

std::string type_of(const Key &key)
{
    return key.kind.schema.value("type", "");
}

bool is_map(const Key &key)
{
    return key.shape == Shape::object && !key.option.empty();
}

std::string placeholder_of(const Key &key)
{
    return is_map(key) ? "KEY=" + key.inside->keys.front().kind.placeholder : key.kind.placeholder;
}

std::string description_of(const Key &key)
{
    std::string text = key.help;
    if (key.is_optional)
        text += "; auto: " + key.absent;
    if (key.shape == Shape::list || is_map(key))
        text += "; repeatable";
    return text;
}

std::string dashed(std::string name)
{
    std::replace(name.begin(), name.end(), '_', '-');
    return name;
}

// The key that is named so, or by what follows its "_": "closing" is tcp_closing.
const Key *find_key(const Section &section, const std::string &name)
{
    const Key *found = nullptr;
    for (const Key &key : section.keys) {
        if (key.name == name)
            return &key;
        if (key.name.ends_with("_" + name))
            found = &key;
    }
    return found;
}

std::optional<std::int64_t> parse_number(const std::string &text)
{
    std::int64_t number = 0;
    const char *end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    return error == std::errc() && stop == end ? std::optional(number) : std::nullopt;
}

std::string complaint(const std::string &option, const Key &key, const std::string &text)
{
    const std::string wanted = type_of(key) == "integer" ? "a whole number" : key.kind.allowed;
    return option + " requires " + wanted + ", not \"" + text + "\"";
}

// "tcp_established=15m" into the object. A key that there is not is the daemon's to refuse.
void put_pair(Json &object, const std::string &option, const Key &map, const std::string &text)
{
    const auto equals = text.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == text.size()) {
        const Key &first = map.inside->keys.front();
        throw BadUsage(option + " requires " + placeholder_of(map) + ", such as " + first.name + "=" +
                       first.initial.get<std::string>() + ", not \"" + text + "\"");
    }
    const std::string name = text.substr(0, equals);
    const std::string value = text.substr(equals + 1);
    const Key *key = find_key(*map.inside, name);
    if (key == nullptr)
        object[name] = value;
    else if (auto read = value_of(*key, value))
        object[key->name] = *std::move(read);
    else
        throw BadUsage(complaint(option + " " + name, *key, value));
}

} // namespace

CLI::Option *add_number(CLI::App *app, const std::string &name, std::optional<std::int64_t> &value,
                        const std::string &description)
{
    return app
        ->add_option_function<std::string>(
            name,
            [name, &value](const std::string &text) {
                value = parse_number(text);
                if (!value)
                    throw CLI::ValidationError(name + " requires a whole number, not \"" + text + "\"");
            },
            description)
        ->type_name("N");
}

CLI::Option *add_repeated(CLI::App *app, const std::string &name, std::vector<std::string> &values,
                          const std::string &description)
{
    return app->add_option(name, values, description)->allow_extra_args(false);
}

CLI::Validator not_empty()
{
    return {[](std::string &value) { return value.empty() ? std::string("the name must not be empty") : ""; },
            ""};
}

std::optional<Json> value_of(const Key &key, const std::string &text)
{
    if (type_of(key) == "boolean")
        return text == "true" || text == "false" ? std::optional<Json>(text == "true") : std::nullopt;
    const bool bare = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
    if (type_of(key) != "integer")
        return Json(bare ? text + key.kind.unit : text);
    const auto number = parse_number(text);
    return number ? std::optional<Json>(*number) : std::nullopt;
}

KeyOptions::KeyOptions(const Section &section, const std::vector<std::string> &others) : others_(others)
{
    add_keys(section, "--", {});
}

void KeyOptions::add_keys(const Section &section, const std::string &prefix, std::vector<const Key *> path)
{
    for (const Key &key : section.keys) {
        const bool other = std::find(others_.begin(), others_.end(), key.name) != others_.end();
        if (!key.fixed.empty() || key.shape == Shape::objects || other)
            continue;
        path.push_back(&key);
        if (key.shape == Shape::object && !is_map(key))
            add_keys(*key.inside, prefix + dashed(key.name) + "-", path);
        else
            options_.push_back(
                {key.option.empty() ? prefix + dashed(key.name) : "--" + key.option, path, {}});
        path.pop_back();
    }
}

void KeyOptions::add_to(Program &program, CLI::App *app)
{
    for (Option &option : options_) {
        const Key &key = *option.path.back();
        const bool many = key.shape == Shape::list || is_map(key);
        const auto take = [&option, &key, many](const std::string &text) {
            const bool is_checked = !is_map(key) && !(key.is_optional && text == "auto");
            if (is_checked && !value_of(key, text))
                throw CLI::ValidationError(complaint(option.name, key, text));
            if (!many)
                option.texts.clear();
            option.texts.push_back(text);
        };
        CLI::Option *added = app->add_option_function<std::vector<std::string>>(
            option.name,
            [take](const std::vector<std::string> &texts) {
                std::for_each(texts.begin(), texts.end(), take);
            },
            description_of(key));
        added->type_name(placeholder_of(key))->allow_extra_args(false);
        if (!many)
            added->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::Throw);
        if (!key.kind.words.empty())
            program.suggest(added, key.kind.words);
    }
}

void KeyOptions::apply(Json &object, Request request) const
{
    for (const Option &option : options_) {
        if (option.texts.empty())
            continue;
        const Key &key = *option.path.back();
        Json *place = &object;
        for (std::size_t i = 0; i + 1 < option.path.size(); ++i)
            place = &(*place)[option.path[i]->name];
        if (key.is_optional && option.texts == std::vector<std::string>{"auto"}) {
            if (request == Request::change)
                (*place)[key.name] = nullptr;
            continue;
        }
        if (key.shape == Shape::list)
            (*place)[key.name] = Json::array();
        for (const std::string &text : option.texts) {
            if (is_map(key))
                put_pair((*place)[key.name], option.name, key, text);
            else if (key.shape == Shape::list)
                (*place)[key.name].push_back(*value_of(key, text));
            else
                (*place)[key.name] = *value_of(key, text);
        }
    }
}

std::vector<std::string> KeyOptions::names() const
{
    std::vector<std::string> names;
    for (const Option &option : options_)
        names.push_back(option.name);
    return names;
}

KeyOptions service_options()
{
    return KeyOptions(aya::fields<ServiceConfig>().section());
}

KeyOptions backend_options()
{
    return KeyOptions(aya::fields<BackendConfig>().section(), {"state"}); // drain, enable, disable
}

Json parse_backend(const std::string &text)
{
    const auto bad = [&text](const std::string &why) {
        return BadUsage("--backend " + text + ": " + why +
                        "; the form is name=address[,weight=N][,mac=MAC][,state=STATE]");
    };
    const Section &section = aya::fields<BackendConfig>().section();
    Json backend = Json::object();
    std::size_t start = 0;
    while (start <= text.size()) {
        const std::size_t end = std::min(text.find(',', start), text.size());
        const std::string part = text.substr(start, end - start);
        const std::size_t equals = part.find('=');
        if (equals == 0 || equals == std::string::npos || equals + 1 == part.size())
            throw bad("\"" + part + "\" is not key=value");
        const std::string name = part.substr(0, equals);
        const std::string value = part.substr(equals + 1);
        const Key *key = find_key(section, name);
        if (start == 0) {
            backend["name"] = name;
            backend["address"] = value;
        } else if (key == nullptr || !key->fixed.empty()) {
            throw bad("\"" + name + "\" is not a key of a backend");
        } else if (auto read = value_of(*key, value)) {
            backend[key->name] = *std::move(read);
        } else {
            throw bad("\"" + value + "\" is not " + key->kind.allowed);
        }
        start = end + 1;
    }
    return backend;
}

} // namespace aya::ctl
