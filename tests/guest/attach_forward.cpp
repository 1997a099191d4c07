// SPDX-License-Identifier: BSD-2-Clause
//
// attach_forward INTERFACE...: the XDP program in native mode on each of them, with one VIP, 203.0.113.10 and
// 2001:db8::10. It stays attached when this program ends. If one is stacked on others (a bond), all have a
// flow table per processor.
#include <bpf/libbpf.h>
#include <cstdio>
#include <cstring>
#include <linux/if_link.h>
#include <net/if.h>

#include "copy_tables.hpp"
#include "loader.hpp"
#include "table_builder.hpp"

namespace
{

using namespace aya;

void fill(const ForwardProgram &program, const test::Tables &tables)
{
    test::copy_tables(*tables.view(), program.slot(0), program.lookup());
}

} // namespace

int main(int argc, char **argv)
{
    test::Tables tables;
    const u16 service = tables.add_service({"203.0.113.10:443/tcp", "[2001:db8::10]:443/tcp"});
    tables.set_lookup(service, {tables.add_backend(service)});
    bool stacked = false;
    for (int i = 1; i < argc; i++) {
        const auto facts = interface_facts(argv[i]);
        stacked = stacked || (facts && facts->stacked);
    }
    std::printf("a flow table per %s\n", stacked ? "processor" : "RX queue");
    const ForwardProgram program({.capacities = {.services = test::Tables::kServices,
                                                 .backends = test::Tables::kBackends,
                                                 .vips = test::Tables::kVips,
                                                 .lookup_slots = static_cast<u32>(tables.lookup().size())},
                                  .queues = 1,
                                  .flow_sets = 256,
                                  .by_processor = stacked});
    fill(program, tables);
    for (int i = 1; i < argc; i++) {
        const int error = bpf_xdp_attach(static_cast<int>(if_nametoindex(argv[i])), program.program_fd(),
                                         XDP_FLAGS_DRV_MODE, nullptr);
        if (error) {
            std::printf("%s: no native XDP: %s\n", argv[i], std::strerror(-error));
            return 1;
        }
    }
    return argc > 1 ? 0 : 2;
}
