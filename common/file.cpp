// SPDX-License-Identifier: BSD-2-Clause
#include "common/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace aya
{

namespace
{

constexpr std::size_t kLargestFile = 1U << 30; // bounds what a wrong file name can cost

class Descriptor
{
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() { close(); }
    Descriptor(const Descriptor &) = delete;
    Descriptor &operator=(const Descriptor &) = delete;

    explicit operator bool() const { return fd_ >= 0; }
    int get() const { return fd_; }
    bool close() { return fd_ < 0 || ::close(std::exchange(fd_, -1)) == 0; }

private:
    int fd_;
};

ConfigError io_error(const std::string &what)
{
    return {"", what + ": " + std::system_category().message(errno), ErrorKind::io};
}

bool write_all(int fd, std::string_view text)
{
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

// A rename is on disk only when its directory is.
bool sync_directory(const std::filesystem::path &file)
{
    const std::filesystem::path directory = file.has_parent_path() ? file.parent_path() : ".";
    Descriptor fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return fd && ::fsync(fd.get()) == 0;
}

} // namespace

Result<std::optional<std::string>> read_file(const std::filesystem::path &file)
{
    Descriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd && errno == ENOENT)
        return std::optional<std::string>();
    if (!fd)
        return io_error("cannot open");
    std::string text;
    std::array<char, 65536> chunk{};
    while (text.size() <= kLargestFile) {
        const ssize_t size = ::read(fd.get(), chunk.data(), chunk.size());
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return io_error("cannot read");
        if (size == 0)
            return std::optional(std::move(text));
        text.append(chunk.data(), static_cast<std::size_t>(size));
    }
    return ConfigError{"", "found more than 1 GiB; allowed: at most 1 GiB", ErrorKind::io};
}

Result<std::string> read_config_file(const std::filesystem::path &file)
{
    auto text = read_file(file);
    if (!text)
        return text.errors();
    if (!*text)
        return ConfigError{"", "no such file; required: a configuration file", ErrorKind::io};
    return std::move(**text);
}

std::optional<ConfigError> write_file_atomically(const std::filesystem::path &file, std::string_view text)
{
    // A fixed name: the leftover of a crash is overwritten by the next write, so leftovers never pile up.
    std::filesystem::path temporary = file;
    temporary += ".tmp";
    Descriptor fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd)
        return io_error("cannot create " + temporary.string());
    // fchmod: an older file keeps its mode when it is opened, and a umask takes bits away.
    const bool written = ::fchmod(fd.get(), 0600) == 0 && write_all(fd.get(), text) && ::fsync(fd.get()) == 0;
    if (!written || !fd.close()) {
        const ConfigError error = io_error("cannot write " + temporary.string());
        ::unlink(temporary.c_str());
        return error;
    }
    if (std::rename(temporary.c_str(), file.c_str()) != 0) {
        const ConfigError error = io_error("cannot rename " + temporary.string());
        ::unlink(temporary.c_str());
        return error;
    }
    if (!sync_directory(file))
        return io_error("cannot sync the directory of " + file.string());
    return std::nullopt;
}

} // namespace aya
