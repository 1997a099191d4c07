// SPDX-License-Identifier: BSD-2-Clause
// The keys of `health` that only some types of probes have.
#include "fields.hpp"

#include "common/json/text_value.hpp"

#include <algorithm>
#include <utility>

namespace aya
{

namespace
{

bool is_visible(char c)
{
    return c > ' ' && c < 0x7f;
}

Kind<StatusSet> status_kind()
{
    KindFacts facts;
    facts.allowed = "up to 16 statuses and ranges from 100 to 599, such as \"200-399\" or \"200,301-308\"";
    facts.noun = "text";
    facts.note = "statuses and ranges from 100 to 599";
    facts.placeholder = "STATUS";
    facts.schema = text_schema("^[1-5][0-9]{2}(-[1-5][0-9]{2})?(,[1-5][0-9]{2}(-[1-5][0-9]{2})?){0,15}$");
    return {std::move(facts),
            [](const Json &value, std::string &) {
                const std::string *text = text_of(value);
                return text == nullptr ? std::nullopt : StatusSet::parse(*text);
            },
            [](const StatusSet &set) { return OrderedJson(set.text()); }};
}

Kind<std::string> path_kind()
{
    KindFacts facts;
    facts.allowed = "a path that starts with \"/\", with its query; at most 1024 characters, no spaces";
    facts.noun = "text";
    facts.note = "starts with `/`, at most 1024 characters, no spaces";
    facts.placeholder = "PATH";
    facts.schema = text_schema("^/[!-~]{0,1023}$");
    return text_kind(std::move(facts), [](std::string_view text) {
        return text.starts_with('/') && text.size() <= 1024 &&
               std::all_of(text.begin(), text.end(), is_visible);
    });
}

bool is_of_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

bool is_of_host(char c)
{
    return is_of_name(c) || c == ':' || c == '[' || c == ']';
}

Kind<std::string> host_kind(const char *allowed, const char *pattern, bool (*is_part)(char))
{
    KindFacts facts;
    facts.allowed = std::string(allowed) + "; at most 255 characters";
    facts.noun = "text";
    facts.note = "at most 255 characters";
    facts.placeholder = "HOST";
    facts.schema = text_schema(pattern);
    return text_kind(std::move(facts), [is_part](std::string_view text) {
        return !text.empty() && text.size() <= 255 && std::all_of(text.begin(), text.end(), is_part);
    });
}

Kind<std::string> any_text_kind(std::size_t most)
{
    KindFacts facts;
    facts.allowed = "text of 1 to " + std::to_string(most) + " bytes";
    facts.noun = "text";
    facts.note = "1 to " + std::to_string(most) + " bytes";
    facts.placeholder = "TEXT";
    facts.schema = {{"type", "string"}, {"minLength", 1}, {"maxLength", most}};
    return text_kind(std::move(facts),
                     [most](std::string_view text) { return !text.empty() && text.size() <= most; });
}

Kind<std::string> payload_kind()
{
    KindFacts facts;
    facts.allowed = "text of 1 to 1024 bytes, or \"hex:\" and bytes in hex digits such as \"hex:00ff\"";
    facts.noun = "text";
    facts.note = "1 to 1024 bytes";
    facts.placeholder = "BYTES";
    facts.schema = {{"type", "string"}, {"minLength", 1}, {"maxLength", 2052}};
    return text_kind(std::move(facts), [](std::string_view text) {
        const auto bytes = payload_bytes(text);
        return bytes && !bytes->empty() && bytes->size() <= 1024;
    });
}

Kind<std::string> command_word_kind()
{
    KindFacts facts;
    facts.allowed = "text of at most 255 bytes";
    facts.noun = "text";
    facts.note = "at most 255 bytes";
    facts.placeholder = "WORD";
    facts.schema = {{"type", "string"}, {"maxLength", 255}};
    return text_kind(std::move(facts), [](std::string_view text) {
        return text.size() <= 255 && text.find('\0') == std::string_view::npos;
    });
}

std::vector<Field<ProbeOptions>> option_rows()
{
    return {
        field("method", &ProbeOptions::method, word_kind<HttpMethod>(), "Method of the request")
            .absent("`GET`"),
        field("path", &ProbeOptions::path, path_kind(), "Path of the request").absent("`/`"),
        field("host", &ProbeOptions::host,
              host_kind("a host name or address, with or without a port", "^[A-Za-z0-9._:\\[\\]-]{1,255}$",
                        is_of_host),
              "Host that the request names")
            .absent("the probed address"),
        field("expected_status", &ProbeOptions::expected_status, status_kind(),
              "Statuses of the answer that are a success")
            .absent("`200-399`"),
        field("expected_body", &ProbeOptions::expected_body, any_text_kind(256),
              "Text that the body of the answer must contain")
            .absent("the body is not read")
            .more("It is looked for in the first 64 KB. Not with `method` `HEAD`, whose answer has no "
                  "body."),
        field("tls_verify", &ProbeOptions::tls_verify, boolean_kind(),
              "Whether a certificate that is not valid is a failure")
            .absent("`false`")
            .more("The issuer must be one that this system trusts, and the certificate must be for "
                  "`tls_server_name`, or without one for the probed address."),
        field("tls_server_name", &ProbeOptions::tls_server_name,
              host_kind("a host name", "^[A-Za-z0-9._-]{1,255}$", is_of_name),
              "Server name that the probe sends by TLS (SNI)")
            .absent("`host`, if that is a name"),
        field("payload", &ProbeOptions::payload, payload_kind(), "What the probe sends")
            .absent("an empty datagram")
            .more("`hex:` stands before bytes in hex digits, such as `hex:00ff`."),
        field("expected_answer", &ProbeOptions::expected_answer, payload_kind(),
              "What the answer must contain")
            .absent("no answer is needed")
            .more("Written as `payload`."),
        list_field("command", &ProbeOptions::command, command_word_kind(), {1, 32},
                   "Program to run, and its arguments")
            .absent("none, and `exec` requires one")
            .more("The program is started without a shell, as user `nobody` without capabilities, with "
                  "`AYA_ADDRESS` and `AYA_PORT` in its environment."),
        field("tls", &ProbeOptions::tls, boolean_kind(), "Whether the probe uses TLS")
            .absent("`false`")
            .more("`tls_verify` and `tls_server_name` require it."),
        field("grpc_service", &ProbeOptions::grpc_service, any_text_kind(256),
              "Service whose health is asked for")
            .absent("the server as a whole"),
    };
}

} // namespace

std::string types_with(std::string_view option)
{
    std::string types;
    for (const health::ProbeType &type : health::kProbeTypes)
        if (type.has(option))
            types += (types.empty() ? "" : ", ") + quote(type.name);
    return types;
}

template <>
const Fields<ProbeOptions> &fields()
{
    static const Fields<ProbeOptions> all([] {
        std::vector<Field<ProbeOptions>> rows = option_rows();
        for (Field<ProbeOptions> &row : rows)
            row.key.rule = "only with `type` " + types_with(row.key.name);
        return rows;
    }());
    return all;
}

} // namespace aya
