// SPDX-License-Identifier: BSD-2-Clause
#include "list_files.hpp"

#include "common/file.hpp"
#include "common/json/json_text.hpp"
#include "common/json/kinds.hpp"

#include <algorithm>
#include <filesystem>

namespace aya
{

namespace
{

constexpr std::size_t kMostComplaints = 10;      // about one file
constexpr std::uintmax_t kLargestFile = 1 << 26; // bounds what a wrong file name can cost

std::string_view without_comment(std::string_view line)
{
    line = line.substr(0, line.find_first_of("#;"));
    const std::size_t begin = line.find_first_not_of(" \t\r");
    return begin == std::string_view::npos ? std::string_view()
                                           : line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1);
}

// What is wrong with opening it; empty: nothing.
std::string obstacle_to(const std::filesystem::path &file)
{
    std::error_code error;
    const auto status = std::filesystem::status(file, error);
    if (!std::filesystem::exists(status))
        return "no such file";
    if (!std::filesystem::is_regular_file(status)) // a pipe would be waited for
        return "not a regular file";
    const auto size = std::filesystem::file_size(file, error);
    return !error && size > kLargestFile ? "more than 64 MiB" : "";
}

} // namespace

std::vector<Prefix> parse_list(std::string_view text, const std::string &file, const std::string &where,
                               ErrorSink &errors)
{
    static const Kind<Prefix> kind = prefix_kind();
    std::vector<Prefix> prefixes;
    std::size_t complaints = 0;
    for (std::size_t number = 1; !text.empty() && complaints < kMostComplaints; number++) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view word = without_comment(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (word.empty())
            continue;
        std::string note;
        if (const auto prefix = kind.read(Json(word), note)) {
            prefixes.push_back(*prefix);
            continue;
        }
        complaints++;
        errors.add(where, file + " line " + std::to_string(number) + ": found " + quote(word) +
                              (note.empty() ? "" : ", " + note) + "; allowed: " + kind.allowed);
    }
    return prefixes;
}

void read_list_files(Config &config, ErrorSink &errors)
{
    for (std::size_t i = 0; i < config.lists.size(); i++) {
        SourceList &list = config.lists[i];
        if (!list.file)
            continue;
        const std::string where = pointer_token("lists") + pointer_token(i) + "/file";
        std::string obstacle = obstacle_to(*list.file);
        const auto text = obstacle.empty() ? read_file(*list.file) : std::optional<std::string>();
        if (!text)
            obstacle = text.errors().front().message;
        if (obstacle.empty() && *text)
            list.of_file = parse_list(**text, *list.file, where, errors);
        else
            errors.add(where, "found " + quote(*list.file) + ": " + obstacle +
                                  "; required: a file of prefixes that aya-controlplane can read");
    }
}

} // namespace aya
