// SPDX-License-Identifier: BSD-2-Clause
//
// Mapping the segments of shm.hpp. Everything that can be wrong with a file is detected here, before the
// first access, and reported in one line. A reader never crashes because of what it maps.
#pragma once

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "aya/shm.hpp"

namespace aya
{

// A complete file, mapped shared. Move-only.
class MappedFile
{
public:
    enum class Access { read_only, read_write };

    MappedFile() = default;
    MappedFile(MappedFile &&other) noexcept { swap(other); }
    MappedFile &operator=(MappedFile &&other) noexcept
    {
        MappedFile(std::move(other)).swap(*this);
        return *this;
    }
    ~MappedFile()
    {
        if (data_)
            ::munmap(data_, size_);
    }

    // Creates `path` (mode 0600, `size` bytes, zero) or fails if it exists. `advice`: how to ask for less.
    static MappedFile create(const std::string &path, u64 size, const std::string &advice)
    {
        int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
            throw SegmentError(path + ": cannot create: " + std::strerror(errno));
        if (int error = reserve(fd, size)) {
            ::close(fd);
            ::unlink(path.c_str());
            throw no_room(path, size, error, advice);
        }
        return map(path, fd, size, Access::read_write);
    }

    static MappedFile open(const std::string &path, Access access)
    {
        int flags = (access == Access::read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC;
        int fd = ::open(path.c_str(), flags);
        if (fd < 0)
            throw SegmentError(path + ": cannot open: " + std::strerror(errno));
        struct stat status = {};
        if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
            ::close(fd);
            throw SegmentError(path + ": not a regular file");
        }
        const u64 size = static_cast<u64>(status.st_size);
        if (int error = access == Access::read_write && size > 0 ? reserve(fd, size) : 0) {
            ::close(fd);
            throw no_room(path, size, error, "remove the file if nothing uses it");
        }
        return map(path, fd, size, access);
    }

    explicit operator bool() const { return data_ != nullptr; }
    u64 size() const { return size_; }
    u64 inode() const { return inode_; }
    const std::string &path() const { return path_; }

    template <class T>
    T *at(u64 offset) const
    {
        return reinterpret_cast<T *>(static_cast<char *>(data_) + offset);
    }

private:
    // The first write into a hole of a full file system is a SIGBUS, at some publish or some packet. So
    // allocate every block now.
    static int reserve(int fd, u64 size)
    {
        int error = 0;
        do
            error = size > INT64_MAX ? EFBIG : ::posix_fallocate(fd, 0, static_cast<off_t>(size));
        while (error == EINTR);
        return error;
    }

    static SegmentError no_room(const std::string &path, u64 size, int error, const std::string &advice)
    {
        return SegmentError(path + ": no room for " + std::to_string((size + (1 << 20) - 1) >> 20) +
                            " MiB: " + std::strerror(error) + "; make the file system larger, or " + advice);
    }

    static MappedFile map(const std::string &path, int fd, u64 size, Access access)
    {
        MappedFile file;
        struct stat status = {};
        ::fstat(fd, &status);
        int protection = PROT_READ | (access == Access::read_write ? PROT_WRITE : 0);
        void *data = size ? ::mmap(nullptr, size, protection, MAP_SHARED, fd, 0) : MAP_FAILED;
        int error = size ? errno : EINVAL;
        ::close(fd);
        if (data == MAP_FAILED)
            throw SegmentError(path + ": cannot map " + std::to_string(size) +
                               " bytes: " + std::strerror(error));
        file.data_ = data;
        file.size_ = size;
        file.inode_ = status.st_ino;
        file.path_ = path;
        return file;
    }

    void swap(MappedFile &other) noexcept
    {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(inode_, other.inode_);
        path_.swap(other.path_);
    }

    void *data_ = nullptr;
    u64 size_ = 0;
    u64 inode_ = 0;
    std::string path_;
};

// Refuses a file that is truncated, foreign or of another version, and says which.
inline const SegmentHeader &check_segment(const MappedFile &file, u64 magic, const char *writer)
{
    const std::string &path = file.path();
    if (file.size() < 4096)
        throw SegmentError(path + ": truncated: " + std::to_string(file.size()) +
                           " bytes, a segment has at least 4096; stop " + writer +
                           ", remove the file, start it again");
    const auto &header = *file.at<const SegmentHeader>(0);
    if (header.magic != magic)
        throw SegmentError(path + ": not a segment of " + writer +
                           " (wrong magic number); remove the file if nothing uses it");
    if (header.abi_version != AYA_ABI_VERSION)
        throw SegmentError(path + ": written by " + writer + " with table ABI version " +
                           std::to_string(header.abi_version) + ", this program has version " +
                           std::to_string(AYA_ABI_VERSION) + "; run both from one release");
    if (header.layout_hash != layout_hash())
        throw SegmentError(path + ": same ABI version " + std::to_string(AYA_ABI_VERSION) +
                           " but another struct layout; run both from one build");
    if (header.size != file.size())
        throw SegmentError(path + ": truncated: " + std::to_string(file.size()) + " bytes, its header says " +
                           std::to_string(header.size));
    return header;
}

// The tables as a data plane (or `explain`) reads them.
class TablesReader
{
public:
    explicit TablesReader(const std::string &path)
        : file_(MappedFile::open(path, MappedFile::Access::read_only)),
          header_(&check_segment(file_, kTablesMagic, "aya-controlplane")), layout_(header_->capacities)
    {
        if (layout_.size != file_.size())
            throw SegmentError(path + ": capacities in the header do not fit the file's size");
        for (u32 i = 0; i < 2; i++)
            views_[i] = view_of(slot(i), file_.at<const u32>(layout_.lookup), header_->capacities);
    }

    u64 generation() const
    {
        return __atomic_load_n(&file_.at<const aya_control>(layout_.control)->generation, __ATOMIC_ACQUIRE);
    }

    // Valid for reading until the caller's epoch says that it has left `generation`.
    const aya_view &view(u64 generation) const { return views_[generation & 1]; }

    const aya_name *service_names(u64 generation) const { return slot(generation).service_names; }
    const aya_name *backend_names(u64 generation) const { return slot(generation).backend_names; }
    const SegmentHeader &header() const { return *header_; }
    const MappedFile &file() const { return file_; }

private:
    TableSlot slot(u64 generation) const { return layout_.slot[generation & 1].in(file_.at<char>(0)); }

    MappedFile file_;
    const SegmentHeader *header_;
    TablesLayout layout_;
    std::array<aya_view, 2> views_{};
};

} // namespace aya
