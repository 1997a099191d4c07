// SPDX-License-Identifier: BSD-2-Clause
#include "bpf_array.hpp"

#include <bpf/bpf.h>
#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

namespace aya
{

std::string bpf_failure(const std::string &what, int error)
{
    std::string text = what + ": " + std::strerror(error);
    if (error == EPERM || error == EACCES)
        text += "; run as root (or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON), on kernel 5.15 or newer";
    else if (error == ENOMEM || error == E2BIG)
        text += "; lower /controlplane/limits (lookup_slots first) or /dataplane/flows_per_worker, or give "
                "the process more memory";
    else if (error == ENOSYS)
        text += "; the kernel has no BPF: build it with CONFIG_BPF_SYSCALL, or use \"path\": \"dpdk\"";
    return text;
}

BpfHandle::~BpfHandle()
{
    if (fd_ >= 0)
        ::close(fd_);
}

BpfHandle BpfHandle::open(const std::string &pin)
{
    const int fd = bpf_obj_get(pin.c_str());
    if (fd < 0)
        throw BpfError(bpf_failure(pin + ": cannot be opened", -fd));
    return BpfHandle(fd);
}

void BpfHandle::pin(const std::string &path) const
{
    if (const int error = bpf_obj_pin(fd_, path.c_str()))
        throw BpfError(bpf_failure(path + ": cannot be pinned", -error));
}

BpfArray::~BpfArray()
{
    if (data_)
        ::munmap(data_, size_);
}

BpfArray BpfArray::create(const char *name, u32 entry_size, u64 entries)
{
    const std::string what = std::string("cannot create the BPF table ") + name + " of " +
                             std::to_string(entries * entry_size >> 20) + " MB";
    if (entries > UINT32_MAX)
        throw BpfError(bpf_failure(what, E2BIG));
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
    const int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(u32), entry_size,
                                  static_cast<u32>(entries), &options);
    if (fd < 0)
        throw BpfError(bpf_failure(what, -fd));
    BpfArray array;
    array.handle_ = BpfHandle(fd);
    array.map(name, entry_size, entries);
    return array;
}

BpfArray BpfArray::open(const std::string &pin, u32 entry_size, u64 entries)
{
    BpfArray array;
    array.handle_ = BpfHandle::open(pin);
    bpf_map_info info = {};
    u32 length = sizeof(info);
    if (bpf_obj_get_info_by_fd(array.fd(), &info, &length) != 0 || info.type != BPF_MAP_TYPE_ARRAY ||
        info.value_size != entry_size || info.max_entries != entries || !(info.map_flags & BPF_F_MMAPABLE))
        throw BpfError(pin + ": not the expected table; remove all pins with --flush");
    array.map(pin, entry_size, entries);
    return array;
}

void BpfArray::map(const std::string &name, u32 entry_size, u64 entries)
{
    size_ = (entries * entry_size + 4095) & ~u64{4095};
    void *data = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd(), 0);
    if (data == MAP_FAILED)
        throw BpfError(bpf_failure("cannot map the BPF table " + name, errno));
    data_ = data;
}

BpfArray create_and_pin(const std::string &directory, const char *name, u32 entry_size, u64 entries)
{
    BpfArray array = BpfArray::create(name, entry_size, entries);
    array.pin(directory + "/" + name);
    return array;
}

BpfArray open_pinned(const std::string &directory, const char *name, u32 entry_size, u64 entries)
{
    return BpfArray::open(directory + "/" + name, entry_size, entries);
}

} // namespace aya
