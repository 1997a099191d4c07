// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "api/explain.hpp"
#include "api_fixture.hpp"
#include "aya/flow_file.hpp"
#include "common/clock.hpp"

namespace aya::test
{

// The flow table of one queue of port 0, as a data plane keeps it.
class FlowFile
{
public:
    static constexpr u64 kIdentity = 77; // of the tables
    static constexpr u32 kSets = 64;

    FlowFile(const ApiBench &bench, u32 queue, u32 queues)
        : file_(MappedFile::create(flow_file_path(bench.directory.path(), "", 0, queue, false),
                                   kFlowSetsOffset + kSets * sizeof(aya_flow_set), ""))
    {
        *file_.at<FlowFileHeader>(0) = {.magic = kFlowsMagic,
                                        .layout_hash = flows_layout_hash(),
                                        .tables_identity = kIdentity,
                                        .last_tick = 0,
                                        .set_count = kSets,
                                        .queues = queues,
                                        .unused = {}};
    }

    // `incarnation` of `backend` as it is live, plus `later`. Established, and idle for 100 ticks from now.
    void remember(const ApiBench &bench, const std::string &asked, const std::string &backend, u16 later = 0)
    {
        const aya_packet packet = api::read_question(asked)->packet;
        const aya_view view = bench.sink.view(bench.sink.generation());
        u16 service = 0;
        ASSERT_EQ(aya_classify(&view, &packet, &service), AYA_REASON_NONE);
        const u64 hash = aya_flow_hash(view.settings, &packet);
        const auto live = bench.publisher.find_backend("web", backend);
        aya_flow_set &set = file_.at<aya_flow_set>(kFlowSetsOffset)[aya_flow_set_index(hash, kSets - 1)];
        aya_flow_write(&set.way[1], hash, service, live->id, static_cast<u16>(live->incarnation + later),
                       AYA_FLOW_ESTABLISHED, static_cast<u16>(aya_tick(monotonic_ns()) + 100));
    }

    MappedFile &file() { return file_; }

private:
    MappedFile file_;
};

} // namespace aya::test
