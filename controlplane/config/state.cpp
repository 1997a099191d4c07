// SPDX-License-Identifier: BSD-2-Clause
#include "state.hpp"

#include "common/file.hpp"
#include "fields.hpp"
#include "parse.hpp"

namespace aya
{

namespace
{

constexpr int kVersion = 1;

OrderedJson services_json(const std::vector<ServiceConfig> &services)
{
    OrderedJson list = OrderedJson::array();
    for (const ServiceConfig &service : services)
        list.push_back(to_json(service));
    return {{"services", std::move(list)}};
}

void decode_services(Reader &reader, std::vector<ServiceConfig> &services)
{
    reader.objects("services", {}, services, [](Reader &inside, ServiceConfig &service) {
        fields<ServiceConfig>().read(inside, service);
    });
}

} // namespace

std::string format_state(const State &state)
{
    const OrderedJson json = {{"version", kVersion},
                              {"last_applied", services_json(state.last_applied)},
                              {"running", services_json(state.running)}};
    return json.dump() + "\n";
}

Result<State> parse_state(std::string_view text)
{
    ErrorSink errors;
    const JsonText json = read_json_text(text, errors);
    if (!errors.empty())
        return errors.take();
    const bool ours =
        json.value.is_object() && json.value.contains("version") && json.value.contains("running");
    if (!ours)
        return ConfigError{"", "found " + describe(json.value) + " that is not a state file of AYA"};
    // The version comes first: another one may mean anything by the other keys.
    const Json &version = json.value["version"];
    if (version != kVersion)
        return ConfigError{"/version", "found version " + describe(version) +
                                           "; this program reads version " + std::to_string(kVersion)};
    State state;
    int read_version = 0;
    Reader reader(json.value, "", ReadMode::whole, errors);
    reader.required("version", integer_kind(kVersion, kVersion), read_version);
    reader.object("last_applied", [&](Reader &inside) { decode_services(inside, state.last_applied); });
    reader.object("running", [&](Reader &inside) { decode_services(inside, state.running); });
    reader.finish();
    if (!errors.empty())
        return errors.take();
    return state;
}

Result<std::optional<State>> read_state(const std::filesystem::path &file)
{
    const auto text = read_file(file);
    if (!text)
        return text.errors();
    if (!*text)
        return std::optional<State>();
    Result<State> state = parse_state(**text);
    if (!state)
        return state.errors();
    return std::optional(std::move(state).value());
}

ConfigErrors write_state(const std::filesystem::path &file, const State &state)
{
    const auto error = write_file_atomically(file, format_state(state));
    return error ? ConfigErrors{*error} : ConfigErrors{};
}

} // namespace aya
