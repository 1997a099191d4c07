// SPDX-License-Identifier: BSD-2-Clause
// BPF maps that are made apart from a program, so that they can be pinned and outlive it.
#pragma once

#include <string>
#include <utility>

#include "aya/types.h"
#include "bpf_error.hpp"

namespace aya
{

// A descriptor of a BPF object. Move-only.
class BpfHandle
{
public:
    BpfHandle() = default;
    explicit BpfHandle(int fd) : fd_(fd) {}
    BpfHandle(BpfHandle &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    BpfHandle &operator=(BpfHandle &&other) noexcept
    {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~BpfHandle();

    explicit operator bool() const { return fd_ >= 0; }
    int fd() const { return fd_; }

    static BpfHandle open(const std::string &pin); // throws BpfError
    void pin(const std::string &path) const;       // throws BpfError

private:
    int fd_ = -1;
};

// An array map, mapped: the programs in the kernel see the same memory. Move-only.
class BpfArray
{
public:
    BpfArray() = default;
    BpfArray(BpfArray &&other) noexcept { swap(other); }
    BpfArray &operator=(BpfArray &&other) noexcept
    {
        swap(other);
        return *this;
    }
    ~BpfArray();

    // Zeroed. Throws BpfError.
    static BpfArray create(const char *name, u32 entry_size, u64 entries);
    // Throws BpfError if what is pinned there is not an array of this shape.
    static BpfArray open(const std::string &pin, u32 entry_size, u64 entries);

    void pin(const std::string &path) const { handle_.pin(path); }
    int fd() const { return handle_.fd(); }

    template <class Entry>
    Entry *at(u64 index = 0) const
    {
        return static_cast<Entry *>(data_) + index;
    }

private:
    void map(const std::string &name, u32 entry_size, u64 entries);
    void swap(BpfArray &other) noexcept
    {
        std::swap(handle_, other.handle_);
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
    }

    BpfHandle handle_;
    void *data_ = nullptr;
    size_t size_ = 0;
};

// The array that is pinned as `name` in a directory. They throw as BpfArray's functions do.
BpfArray create_and_pin(const std::string &directory, const char *name, u32 entry_size, u64 entries);
BpfArray open_pinned(const std::string &directory, const char *name, u32 entry_size, u64 entries);

} // namespace aya
