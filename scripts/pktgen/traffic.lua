-- SPDX-License-Identifier: BSD-2-Clause
-- What is sent, in numbers, and the search for the rate without loss. Nothing here needs Pktgen.
local traffic = {}

-- The simple IMIX of 7 : 4 : 1. All sizes include the FCS.
traffic.imix = { 64, 594, 64, 64, 594, 64, 1518, 64, 594, 64, 594, 64 }

traffic.max_vips = 16 -- packets in a sequence of Pktgen
traffic.port_bits = 16

-- Pktgen sends a sequence of packets, one per VIP here, and makes some bits of the source port random. Returns how many
-- bits give `flows` flows, and how many flows that really are. The TCP checksum is then wrong, which a Layer-4 balancer does
-- not look at; random addresses would spoil the IP checksum, so more flows than 2^16 per VIP are refused.
function traffic.spread(flows, vips)
    if vips < 1 or vips > traffic.max_vips then
        error(string.format("%d VIPs: must be 1 to %d", vips, traffic.max_vips), 0)
    end
    local bits = 0
    while vips << bits < flows do
        bits = bits + 1
    end
    if bits > traffic.port_bits then
        error(string.format("%d flows over %d VIPs: at most %d", flows, vips, vips << traffic.port_bits), 0)
    end
    return bits, vips << bits
end

-- The upper half of the word at the source port, as Pktgen writes masks: ports from 32768 on, their low `bits` random.
function traffic.port_mask(bits)
    local fixed = traffic.port_bits - bits
    return (fixed > 0 and "1" .. string.rep("0", fixed - 1) or "") .. string.rep("X", bits) .. string.rep(".", 16)
end

-- RFC 2544, 26.1: the highest rate, in percent of the line, at which trial(rate) loses nothing. Returns the result of that
-- trial, or nil. `precision`: in percent of the line.
function traffic.search(trial, precision, is_lossless)
    local low, high, best = 0, 100, nil
    local rate = high
    while true do
        local result = trial(rate)
        if is_lossless(result) then
            low, best = rate, result
        else
            high = rate
        end
        if low == 100 or high - low <= precision then
            return best
        end
        rate = (low + high) / 2
    end
end

return traffic
