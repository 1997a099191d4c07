// SPDX-License-Identifier: BSD-2-Clause
#include "paths/flow_tables.hpp"

#include "aya/flow_file.hpp"

#include <filesystem>

namespace aya
{

namespace
{

// Why a file is not the flow table that was asked for; empty: it is.
std::string wrong_with(const MappedFile &file, u32 queues, u64 identity)
{
    if (file.size() < kFlowSetsOffset)
        return "too small";
    const FlowFileHeader &header = *file.at<const FlowFileHeader>(0);
    if (header.magic != kFlowsMagic || header.layout_hash != flows_layout_hash())
        return "not a flow table of this version";
    const u64 sets = header.set_count;
    if (sets == 0 || (sets & (sets - 1)) || file.size() < kFlowSetsOffset + sets * sizeof(aya_flow_set))
        return "broken header";
    if (header.queues != queues)
        return "of a port with another number of queues";
    if (header.tables_identity != identity)
        return "its flows belong to other tables";
    return {};
}

// Ticks since boot. 0: cannot be read.
u64 last_swept(const std::string &path)
{
    try {
        const MappedFile file = MappedFile::open(path, MappedFile::Access::read_only);
        return file.size() < sizeof(FlowFileHeader) ? 0 : file.at<const FlowFileHeader>(0)->last_tick;
    } catch (const SegmentError &) {
        return 0;
    }
}

// On huge pages or not. A data plane that was started with another `huge_pages` leaves its file behind: of
// two, the one that was swept last is in use.
std::string find_flow_file(const std::string &instance_dir, u32 port, u32 queue)
{
    const std::string instance = std::filesystem::path(instance_dir).filename();
    std::string huge = flow_file_path(instance_dir, instance, port, queue, true);
    std::string plain = flow_file_path(instance_dir, instance, port, queue, false);
    std::error_code unknown;
    if (!std::filesystem::exists(huge, unknown))
        return plain;
    return std::filesystem::exists(plain, unknown) && last_swept(plain) > last_swept(huge) ? plain : huge;
}

} // namespace

void open_flow_files(const std::string &instance_dir, u32 port, u32 queues, u64 identity, FlowTables &found)
{
    for (u32 queue = 0; queue < queues; queue++) {
        const std::string path = find_flow_file(instance_dir, port, queue);
        try {
            MappedFile file = MappedFile::open(path, MappedFile::Access::read_only);
            if (const std::string wrong = wrong_with(file, queues, identity); !wrong.empty())
                throw SegmentError(path + ": " + wrong);
            found.tables.push_back({.port = port,
                                    .queue = queue,
                                    .sets = file.at<const aya_flow_set>(kFlowSetsOffset),
                                    .set_mask = file.at<const FlowFileHeader>(0)->set_count - 1});
            found.files.push_back(std::move(file));
        } catch (const SegmentError &error) {
            found.errors.emplace_back(error.what());
        }
    }
}

} // namespace aya
