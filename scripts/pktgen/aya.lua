-- SPDX-License-Identifier: BSD-2-Clause
-- Pktgen-DPDK's side of scripts/pktgen/run, which passes the settings in the environment: one test of one frame size. The
-- result goes to a file: flows, sent and received packets, seconds, rate in percent, latency in microseconds (least, mean,
-- most).
package.path = package.path .. ";" .. os.getenv("AYA_PKTGEN_DIR") .. "/?.lua"
local traffic = require("traffic")

local function setting(name, default)
    return os.getenv("AYA_" .. name) or default
end

local function number(name, default)
    return tonumber(setting(name, default))
end

local tx, rx = setting("TX", "0"), setting("RX", "0")
local seconds, rate, tolerance = number("SECONDS", 10), number("RATE", 100), number("TOLERANCE", 0)
local flows, vips, size = number("FLOWS", 1024), number("VIPS", 16), number("SIZE", 64)
local SYN, ACK = "00000010", "00010000"
local results = assert(io.open(setting("RESULTS", "/dev/stdout"), "w"))

local function vip(n)
    local network, host = setting("VIP", "198.19.0.1"):match("(%d+%.%d+%.%d+%.)(%d+)")
    return string.format("%s%d", network, host + n)
end

-- Pktgen's commands. Its Lua call for a packet of a sequence mistakes the packet's number for the port's (24.10.3).
local function command(lines)
    local name = os.tmpname()
    local file = assert(io.open(name, "w"))
    file:write(table.concat(lines, "\n"), "\n")
    file:close()
    pktgen.run("cmd", name, "")
    os.remove(name)
end

-- One packet per item of `sizes`, to one VIP after the other. `flags`: of TCP, in binary. Returns the number of flows.
local function send(sizes, flags)
    local bits, count = traffic.spread(flows, math.min(vips, #sizes))
    local lines = {}
    for i, bytes in ipairs(sizes) do
        lines[i] = string.format("seq %d %s %s %s %s %s/32 32768 %d ipv4 tcp 1 %d 0", i - 1, tx, setting("MAC"), setting("OWN_MAC"),
            vip((i - 1) % vips), setting("CLIENT", "198.18.0.1"), number("PORT", 443), bytes)
    end
    command(lines)
    pktgen.rnd(tx, 0, 34, traffic.port_mask(bits)) -- the word of the ports
    pktgen.rnd(tx, 1, 44, string.rep(".", 24) .. flags) -- the word that ends with the flags
    pktgen.set(tx, "seq_cnt", #sizes)
    return count
end

local function same(bytes)
    local sizes = {}
    for i = 1, vips do
        sizes[i] = bytes
    end
    return sizes
end

local function stats()
    local sent, received = pktgen.portStats(tx, "port"), pktgen.portStats(rx, "port")
    return sent[tonumber(tx)].opackets, received[tonumber(rx)].ipackets
end

local function trial(percent)
    pktgen.set(tx, "rate", percent)
    pktgen.delay(200)
    local sent, received = stats()
    pktgen.start(tx)
    pktgen.delay(math.floor(seconds * 1000))
    local latency = pktgen.pktStats(rx)[tonumber(rx)].latency
    pktgen.stop(tx)
    pktgen.delay(2000) -- RFC 2544, 23: for what is still on its way
    local sent_after, received_after = stats()
    return { rate = percent, sent = sent_after - sent, received = received_after - received, latency = latency }
end

local function is_lossless(result)
    return result.sent > 0 and result.sent - result.received <= result.sent * tolerance
end

local function note(flow_count, result)
    local latency = result.latency or { min_us = 0, avg_us = 0, max_us = 0 }
    results:write(string.format("%d\t%d\t%d\t%g\t%g\t%g\t%g\t%g\n", flow_count, result.sent, result.received, seconds, result.rate,
        latency.min_us, latency.avg_us, latency.max_us))
end

local tests = {}

function tests.flows()
    note(send(same(size), ACK), trial(rate))
end

tests.sizes = tests.flows

function tests.syn()
    note(send(same(size), SYN), trial(rate))
end

function tests.imix()
    pktgen.set(tx, "txburst", 2 * #traffic.imix) -- whole mixes, as drivers hand the same buffers back
    note(send(traffic.imix, ACK), trial(rate))
end

function tests.rfc2544()
    local count = send(same(size), ACK)
    trial(rate) -- the balancer remembers the flows
    note(count, traffic.search(trial, number("PRECISION", 1), is_lossless) or { rate = 0, sent = 0, received = 0 })
end

-- Among the packets of the sequence Pktgen sends stamped ones: UDP to port 1028, otherwise made from its single packet.
function tests.latency()
    local count = send(same(size), ACK)
    pktgen.set_mac(tx, "dst", setting("MAC"))
    pktgen.set_ipaddr(tx, "dst", vip(0))
    pktgen.set_ipaddr(tx, "src", setting("CLIENT", "198.18.0.1") .. "/32")
    pktgen.latency(tx, "on")
    note(count, trial(number("LATENCY_RATE", 1)))
end

pktgen.screen("off")
pktgen.delay(200)
local ok, problem = pcall(tests[setting("TEST", "flows")])
if not ok then
    results:write("error\t", tostring(problem), "\n")
end
results:close()
pktgen.quit()
