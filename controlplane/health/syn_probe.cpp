// SPDX-License-Identifier: BSD-2-Clause
// "syn": a SYN is answered by a SYN and ACK. The connection is never opened, so the server's application does
// not notice: this kernel has no such connection and answers with a reset.
#include "health/probe.hpp"
#include "health/raw_packet.hpp"
#include "health/socket.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace aya::health
{

namespace
{

constexpr std::uint16_t kMss = 1220; // of any path

struct Syn {
    tcphdr tcp;
    std::uint8_t mss_kind;
    std::uint8_t mss_length;
    std::uint16_t mss;
};
static_assert(sizeof(Syn) == 24);

// RFC 9293 3.1, of IPv4.
struct PseudoHeader {
    std::array<std::uint8_t, 4> source;
    std::array<std::uint8_t, 4> destination;
    std::uint16_t protocol;
    std::uint16_t length;
    Syn syn;
};
static_assert(sizeof(PseudoHeader) == 12 + sizeof(Syn));

class SynProbe final : public Probe
{
public:
    explicit SynProbe(const ProbeTarget &target) : target_(target.address), tunnel_(target.tunnel) {}

    Step start() override
    {
        int error = open();
        const Syn syn = make_segment(true);
        if (error == 0 && ::send(raw_.fd(), &syn, sizeof(syn), 0) < 0)
            error = errno;
        return error == 0 ? Step::readable(raw_.fd()) : Step::done(finding_of(error));
    }

    Step ready() override
    {
        std::array<char, 512> buffer;
        for (int i = 0; i < kMostPackets; i++) {
            const ssize_t length = ::recv(raw_.fd(), buffer.data(), buffer.size(), 0);
            if (length < 0)
                return errno == EAGAIN ? Step::readable(raw_.fd()) : Step::done(finding_of(errno));
            tcphdr tcp;
            const auto segment =
                payload_of_raw({buffer.data(), static_cast<std::size_t>(length)}, target_.address);
            if (segment.size() < sizeof(tcp))
                continue;
            std::memcpy(&tcp, segment.data(), sizeof(tcp));
            if (!tcp.ack || ntohl(tcp.ack_seq) != sequence_ + 1)
                continue;
            if (tcp.rst)
                return Step::done({Outcome::refused});
            if (tcp.syn) {
                reset();
                return Step::done({Outcome::ok});
            }
        }
        return Step::readable(raw_.fd());
    }

    void stop() override
    {
        raw_.close();
        reserved_.close();
    }

private:
    int open()
    {
        int error = raw_.open(target_.address, SOCK_RAW, IPPROTO_TCP);
        if (error == 0 && tunnel_)
            error = raw_.go_through(*tunnel_);
        if (error == 0)
            error = raw_.connect({target_.address, 0});
        if (error != 0)
            return error;
        local_ = raw_.local();
        local_.port = 0;
        // So that nobody else of this machine gets the port while the answer is on its way.
        error = reserved_.open(target_.address, SOCK_STREAM);
        if (error == 0)
            error = reserved_.bind(local_);
        if (error != 0)
            return error;
        local_.port = reserved_.local().port;
        if (!target_.address.is_v4())
            error = raw_.set(IPPROTO_IPV6, IPV6_CHECKSUM, int{offsetof(tcphdr, check)});
        return error == 0 ? filter() : error;
    }

    // The socket would get every segment from the server.
    int filter()
    {
        sock_filter load_header = BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0); // X = length of the IPv4 header
        if (!target_.address.is_v4())
            load_header = BPF_STMT(BPF_LDX | BPF_IMM, 0);
        std::array<sock_filter, 7> program = {{
            load_header,
            BPF_STMT(BPF_LD | BPF_H | BPF_IND, offsetof(tcphdr, source)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, target_.port, 0, 3),
            BPF_STMT(BPF_LD | BPF_H | BPF_IND, offsetof(tcphdr, dest)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, local_.port, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, 0xffff),
            BPF_STMT(BPF_RET | BPF_K, 0),
        }};
        return raw_.set(SOL_SOCKET, SO_ATTACH_FILTER,
                        sock_fprog{.len = program.size(), .filter = program.data()});
    }

    // The kernel's own RST to the answer does not go through the tunnel.
    void reset()
    {
        if (!tunnel_)
            return;
        const Syn rst = make_segment(false);
        ::send(raw_.fd(), &rst, sizeof(rst), 0);
    }

    // The SYN, or the RST that takes it back.
    Syn make_segment(bool is_syn)
    {
        if (is_syn)
            sequence_ = static_cast<std::uint32_t>(random_bits());
        Syn syn = {};
        syn.tcp.source = htons(local_.port);
        syn.tcp.dest = htons(target_.port);
        syn.tcp.seq = htonl(is_syn ? sequence_ : sequence_ + 1);
        syn.tcp.doff = sizeof(Syn) / 4;
        syn.tcp.syn = is_syn;
        syn.tcp.rst = !is_syn;
        syn.tcp.window = htons(0xffff);
        syn.mss_kind = TCPOPT_MAXSEG;
        syn.mss_length = TCPOLEN_MAXSEG;
        syn.mss = htons(kMss);
        if (target_.address.is_v4()) {
            PseudoHeader sum = {.source = {},
                                .destination = {},
                                .protocol = htons(IPPROTO_TCP),
                                .length = htons(sizeof(Syn)),
                                .syn = syn};
            std::memcpy(sum.source.data(), local_.address.v4_bytes(), 4);
            std::memcpy(sum.destination.data(), target_.address.v4_bytes(), 4);
            syn.tcp.check = internet_checksum(bytes_of(sum));
        }
        return syn;
    }

    SocketAddress target_;
    std::shared_ptr<const Tunnel> tunnel_;
    SocketAddress local_;
    Socket raw_;
    Socket reserved_;
    std::uint32_t sequence_ = 0;
};

} // namespace

std::unique_ptr<Probe> make_syn_probe(const ProbeTarget &target)
{
    return std::make_unique<SynProbe>(target);
}

} // namespace aya::health
