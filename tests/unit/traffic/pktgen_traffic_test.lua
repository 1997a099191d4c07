-- SPDX-License-Identifier: BSD-2-Clause
-- The numbers of scripts/pktgen/traffic.lua. Run with that folder as the argument.
package.path = arg[1] .. "/?.lua"
local traffic = require("traffic")

local function equal(found, expected, what)
    assert(found == expected, string.format("%s: %s, expected %s", what, found, expected))
end

-- Flows are a power of two per VIP, at least as many as asked for.
for _, case in ipairs({ { 1, 1, 0, 1 }, { 16, 16, 0, 16 }, { 17, 16, 1, 32 }, { 65536, 16, 12, 65536 }, { 1 << 20, 16, 16, 1 << 20 } }) do
    local bits, flows = traffic.spread(case[1], case[2])
    equal(bits, case[3], "bits")
    equal(flows, case[4], "flows")
end
for _, case in ipairs({ { (1 << 20) + 1, 16 }, { 100, 17 }, { 100, 0 } }) do
    assert(not pcall(traffic.spread, case[1], case[2]), "refused")
end

-- The mask covers the 32 bits of both ports, and leaves the destination port alone.
for bits = 0, 16 do
    local mask = traffic.port_mask(bits)
    equal(#mask, 32, "length")
    equal(select(2, mask:gsub("X", "")), bits, "random bits")
    equal(mask:sub(17), string.rep(".", 16), "destination port")
    assert(bits == 16 or mask:sub(1, 1) == "1", "ports from 32768 on")
end

-- 7 : 4 : 1
local counts = {}
for _, bytes in ipairs(traffic.imix) do
    counts[bytes] = (counts[bytes] or 0) + 1
end
equal(counts[64] .. ":" .. counts[594] .. ":" .. counts[1518], "7:4:1", "IMIX")

-- The search ends within the precision below the rate at which loss begins, and at once where nothing is lost.
local function no_drop_rate(limit, precision)
    local trials = 0
    local best = traffic.search(function(rate)
        trials = trials + 1
        return { rate = rate, lost = rate > limit }
    end, precision, function(result)
        return not result.lost
    end)
    return best and best.rate, trials
end
for _, limit in ipairs({ 0.7, 12, 33.3, 50, 99.9 }) do
    local rate = no_drop_rate(limit, 0.5)
    assert(rate <= limit and rate > limit - 0.5, "rate for " .. limit .. ": " .. rate)
end
local rate, trials = no_drop_rate(100, 0.5)
equal(rate, 100, "rate without loss")
equal(trials, 1, "trials without loss")
equal(no_drop_rate(-1, 0.5), nil, "rate of what always loses")
print("ok")
