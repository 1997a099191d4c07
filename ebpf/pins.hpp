// SPDX-License-Identifier: BSD-2-Clause
//
// Directories of a BPF file system. What is pinned there outlives the process.
//
//   DIR/NAME/tables/          tables that all ports share, and the header that says what they are
//   DIR/NAME/port-IFNAME/     a port's own maps, its program, and the link that attaches it
//
// A directory gets its name when all in it is in place; one that still ends in "+new" belongs to a start that
// did not get that far.
#pragma once

#include <string>
#include <vector>

#include "bpf_error.hpp"

namespace aya::pins
{

// Sees to it that `directory` lies in a BPF file system, by mounting one on /sys/fs/bpf if the directory is
// inside of it. True: it was mounted now. Throws BpfError.
bool prepare(const std::string &directory);

bool exists(const std::string &path);
void make_directory(const std::string &path);                // with its parents; throws BpfError
void rename(const std::string &from, const std::string &to); // throws BpfError
std::vector<std::string> list(const std::string &directory); // names, sorted; empty if there is none
void remove_directory(const std::string &directory);         // with the pins in it; throws BpfError

// As remove_directory for the directory of a port, whose program is first detached.
void remove_port(const std::string &directory);

// Detaches and removes whatever an instance has pinned; one line each, for people.
std::vector<std::string> flush(const std::string &instance_directory);

// A directory that goes again, with all in it, unless it is put in place.
class UnfinishedDirectory
{
public:
    explicit UnfinishedDirectory(std::string path); // what an earlier start left there is removed
    ~UnfinishedDirectory();
    UnfinishedDirectory(const UnfinishedDirectory &) = delete;
    UnfinishedDirectory &operator=(const UnfinishedDirectory &) = delete;

    const std::string &path() const { return path_; }
    void put_in_place(const std::string &path);

private:
    std::string path_; // empty: it is in place
};

constexpr const char *kUnfinished = "+new";

// The interface that a directory is of; empty: it is no port's, or an unfinished one.
std::string interface_of(const std::string &directory_name);

} // namespace aya::pins
