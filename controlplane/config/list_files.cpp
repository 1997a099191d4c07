// SPDX-License-Identifier: BSD-2-Clause
#include "list_files.hpp"

#include "common/file.hpp"
#include "common/json/json_text.hpp"
#include "common/json/kinds.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace aya
{

namespace
{

constexpr std::size_t kMostComplaints = 10;      // about one file
constexpr std::uintmax_t kLargestFile = 1 << 23; // bounds what a wrong file name can cost

// A file that stays the same one, whatever becomes of its path. Opened by O_PATH: nothing is waited for.
class ListFile
{
public:
    explicit ListFile(const std::string &path) : fd_(::open(path.c_str(), O_PATH | O_CLOEXEC)) {}
    ~ListFile()
    {
        if (fd_ >= 0)
            ::close(fd_);
    }
    ListFile(const ListFile &) = delete;
    ListFile &operator=(const ListFile &) = delete;

    bool is_open() const { return fd_ >= 0; }
    std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(fd_); }

private:
    int fd_;
};

std::string_view without_comment(std::string_view line)
{
    line = line.substr(0, line.find_first_of("#;"));
    const std::size_t begin = line.find_first_not_of(" \t\r");
    return begin == std::string_view::npos ? std::string_view()
                                           : line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1);
}

// What is wrong with opening it; empty: nothing.
std::string obstacle_to(const ListFile &file)
{
    if (!file.is_open())
        return errno == ENOENT ? "no such file" : std::strerror(errno);
    std::error_code error;
    if (!std::filesystem::is_regular_file(file.path(), error)) // a pipe would be waited for
        return "not a regular file";
    const auto size = std::filesystem::file_size(file.path(), error);
    return !error && size > kLargestFile ? "more than 8 MiB" : "";
}

bool all_users_may(std::filesystem::perms what, const std::filesystem::path &path)
{
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    return !error && (status.permissions() & what) == what;
}

// Those who name the file may not be those who may read it.
LinesOfFile lines_to_show(const ListFile &file)
{
    using std::filesystem::perms;
    std::error_code error;
    std::filesystem::path directory = std::filesystem::read_symlink(file.path(), error);
    if (error || !all_users_may(perms::others_read, file.path()))
        return LinesOfFile::hidden;
    while (directory.has_relative_path()) {
        directory = directory.parent_path();
        if (!all_users_may(perms::others_exec, directory))
            return LinesOfFile::hidden;
    }
    return LinesOfFile::shown;
}

} // namespace

std::vector<Prefix> parse_list(std::string_view text, const std::string &file, const std::string &where,
                               LinesOfFile lines, ErrorSink &errors)
{
    static const Kind<Prefix> kind = prefix_kind();
    std::vector<Prefix> prefixes;
    std::size_t complaints = 0;
    for (std::size_t number = 1;
         !text.empty() && complaints < kMostComplaints && prefixes.size() <= kMostPrefixes; number++) {
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
        const std::string found = lines == LinesOfFile::hidden
                                      ? "something else (not shown, because not all users can read the file)"
                                      : quote(word) + (note.empty() ? "" : ", " + note);
        errors.add(where, file + " line " + std::to_string(number) + ": found " + found +
                              "; allowed: " + kind.allowed);
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
        const ListFile file(*list.file);
        std::string obstacle = obstacle_to(file);
        const auto text = obstacle.empty() ? read_config_file(file.path()) : std::string();
        if (!text)
            obstacle = text.errors().front().message;
        if (obstacle.empty())
            list.of_file = parse_list(*text, *list.file, where, lines_to_show(file), errors);
        else
            errors.add(where, "found " + quote(*list.file) + ": " + obstacle +
                                  "; required: a file of prefixes that aya-controlplane can read");
    }
}

} // namespace aya
