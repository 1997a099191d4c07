// SPDX-License-Identifier: BSD-2-Clause
// Stands in for a data plane towards the control plane: holds a segment with ports and a heartbeat, and
// follows the tables' generation. Forwards nothing.
//
//   hold_dataplane DIRECTORY INTERFACE[,PUNT]...
//
// A line "INDEX works", "INDEX no_link" or "INDEX gone" is the state of a port from then on. Ends with its
// standard input.
#include "aya/segment.hpp"
#include "dataplane_writer.hpp"

#include <cstdio>
#include <optional>
#include <poll.h>
#include <string>

namespace
{

// False: the input has ended.
bool read_state(aya::test::DataplaneWriter &writer)
{
    unsigned port = 0;
    char word[16] = {};
    if (std::scanf("%u %15s", &port, word) != 2)
        return false;
    const std::string state = word;
    writer.set_port_state(port, state == "works"     ? aya::PortState::works
                                : state == "no_link" ? aya::PortState::no_link
                                                     : aya::PortState::gone);
    return true;
}

} // namespace

int main(int argc, char **argv)
{
    using namespace aya;
    if (argc < 2)
        return 2;
    const std::string directory = argv[1];
    std::optional<TablesReader> tables;
    try {
        tables.emplace(directory + "/tables");
        test::DataplaneWriter writer(directory + "/dataplane", tables->header().capacities, 1);
        writer.set_tables(tables->header().identity);
        for (int i = 2; i < argc; i++) {
            const std::string port = argv[i];
            const auto comma = port.find(',');
            writer.add_port({.interface = port.substr(0, comma),
                             .punt = comma == std::string::npos ? "" : port.substr(comma + 1),
                             .mark = static_cast<u8>(i - 1)});
        }
        std::printf("ready\n");
        std::fflush(stdout);
        constexpr int kBeatMs = 5;
        pollfd input = {.fd = 0, .events = POLLIN, .revents = 0};
        for (;;) {
            if (::poll(&input, 1, kBeatMs) != 0 && !read_state(writer))
                break;
            writer.set_epoch(0, tables->generation());
            writer.beat();
        }
        writer.remove();
    } catch (const SegmentError &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}
