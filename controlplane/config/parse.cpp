// SPDX-License-Identifier: BSD-2-Clause
#include "parse.hpp"

#include "common/file.hpp"
#include "fields.hpp"
#include "list_files.hpp"
#include "quic_lb.hpp"
#include "validate.hpp"

namespace aya
{

Result<Config> parse_config(std::string_view text)
{
    ErrorSink errors;
    const JsonText json = read_json_text(text, errors);
    if (json.syntax_error)
        return errors.take();
    Config config;
    Reader reader(json.value, "", ReadMode::whole, errors);
    fields<Config>().read(reader, config);
    reader.finish();
    read_list_files(config, errors);
    read_key_files(config.services, {}, errors);
    validate(config, errors);
    if (!errors.empty())
        return errors.take();
    return config;
}

Result<Config> load_config(const std::filesystem::path &file)
{
    const auto text = read_config_file(file);
    if (!text)
        return text.errors();
    return parse_config(*text);
}

OrderedJson to_json(const Config &config)
{
    return fields<Config>().write(config);
}

OrderedJson to_json(const DataplaneConfig &dataplane)
{
    return fields<DataplaneConfig>().write(dataplane);
}

OrderedJson to_json(const ControlplaneConfig &controlplane)
{
    return fields<ControlplaneConfig>().write(controlplane);
}

OrderedJson to_json(const ServiceConfig &service)
{
    return fields<ServiceConfig>().write(service);
}

OrderedJson to_json(const BackendConfig &backend)
{
    return fields<BackendConfig>().write(backend);
}

OrderedJson to_json(const SourceList &list)
{
    return fields<SourceList>().write(list);
}

} // namespace aya
