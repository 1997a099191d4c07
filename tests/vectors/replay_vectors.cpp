// SPDX-License-Identifier: BSD-2-Clause
//
// Plays packet vectors through the paths that this program is linked with. run_vectors writes the script that
// is read here, one command a line; SERVICE, BACKEND: names.
//
//     service SERVICE FLAGS              0 or a sum of enum aya_service_flags
//     vip SERVICE ADDRESS:PORT/PROTOCOL
//     backend SERVICE BACKEND MAC EGRESS_PORT MTU l2|ipip|gue [OUTER_SOURCE OUTER_DESTINATION]
//     lookup SERVICE BACKEND...          the slots of its table; the one before becomes the previous table
//     allow SERVICE PREFIX... | deny SERVICE PREFIX...
//     prefix SERVICE IPV4 IPV6           bits of a client's address that source affinity looks at
//     quic SERVICE CONFIG_ID SERVER_ID_LENGTH NONCE_LENGTH KEY|-
//     server BACKEND HEX                 its server id
//     vector DESCRIPTION                 everything before the first one is done anew for each
//     up BACKEND | drain BACKEND | down BACKEND | unreachable BACKEND
//     local ADDRESS                      the kernel has this VIP's address, too
//     replies on|off                     off: their limit is reached
//     age TICKS                          as if that much time had passed since the flows were seen
//     frame HEX
//     expect ACTION REASON BACKEND EGRESS_PORT NOTES OUT
//
// `expect` is about the last frame. Each word may be `*`: anything; BACKEND may be `same`: that of the frame
// before; NOTES are names of flow reasons joined by commas, or `-`; OUT is hex with `?` for digits that are
// not foreseen, or `-`. Whatever is expected, all paths must do the same, byte for byte, flow for flow and
// count for count.
//
//     replay_vectors SCRIPT [PATH...]    PATH: core, stages, xdp; default: all
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <unistd.h>

#include "model/source_set.hpp"
#include "path.hpp"

namespace aya::test
{

namespace
{

constexpr u32 kSets = 4; // few, so that a vector can fill them
constexpr int kAttempts = 20;

using Words = std::vector<std::string>;

Words split(const std::string &line)
{
    std::istringstream stream(line);
    Words words;
    for (std::string word; stream >> word;)
        words.push_back(word);
    return words;
}

// The tables under the names that vectors know.
class World
{
public:
    const Tables &tables() const { return tables_; }

    // False: not a command about tables.
    bool apply(const Words &words)
    {
        const std::string &command = words[0];
        if (command == "service")
            services_[words.at(1)] = tables_.add_service({}, static_cast<u32>(std::stoul(words.at(2))));
        else if (command == "vip")
            tables_.add_vip(VipText(words.at(2)), services_.at(words.at(1)));
        else if (command == "backend")
            add_backend(words);
        else if (command == "lookup")
            set_lookup(words);
        else if (command == "prefix")
            set_prefix(tables_.service(services_.at(words.at(1))), words);
        else if (command == "allow" || command == "deny")
            set_lists(words);
        else if (command == "quic")
            add_quic(words);
        else if (command == "server")
            tables_.set_server_id(backends_.at(words.at(1)), words.at(2));
        else if (command == "up")
            backend(words).state = AYA_BACKEND_UP;
        else if (command == "drain")
            backend(words).state = AYA_BACKEND_DRAINING;
        else if (command == "down")
            tables_.take_down(backends_.at(words.at(1)));
        else if (command == "local")
            tables_.set_local(words.at(1));
        else if (command == "resets")
            tables_.set_resets(words.at(1) == "on");
        else if (command == "on_down_reset")
            tables_.service(services_.at(words.at(1))).flags |= AYA_SERVICE_RESETS;
        else if (command == "unreachable")
            backend(words).egress_port = AYA_PORT_NONE;
        else
            return false;
        return true;
    }

    std::string name_of(u32 id) const
    {
        for (const auto &[name, backend] : backends_)
            if (backend == id)
                return name;
        return "-";
    }

private:
    aya_backend &backend(const Words &words) { return tables_.backend(backends_.at(words.at(1))); }

    void set_lists(const Words &words)
    {
        auto &[allow, deny] = lists_[words.at(1)];
        for (std::size_t i = 2; i < words.size(); i++)
            (words[0] == "allow" ? allow : deny).push_back(*parse_prefix(words[i]));
        tables_.set_sources(services_.at(words.at(1)), build_source_set(allow, deny, !allow.empty()));
    }

    void add_backend(const Words &words)
    {
        BackendText text{.mac = words.at(3),
                         .egress_port = static_cast<u16>(std::stoul(words.at(4))),
                         .mtu = static_cast<u16>(std::stoul(words.at(5)))};
        if (words.at(6) == "ipip")
            text.encap = ipip(words.at(7), words.at(8));
        else if (words.at(6) == "gue")
            text.encap = gue(words.at(7), words.at(8));
        backends_[words.at(2)] = tables_.add_backend(services_.at(words.at(1)), text);
    }

    static void set_prefix(aya_service &service, const Words &words)
    {
        const auto ignore = [](be32 &word, unsigned bit) {
            word.raw |= aya_cpu_to_be32(1u << (31 - bit)).raw;
        };
        for (unsigned bit = static_cast<unsigned>(std::stoul(words.at(2))); bit < 32; bit++)
            ignore(service.source_ignored_ipv4, bit);
        for (unsigned bit = static_cast<unsigned>(std::stoul(words.at(3))); bit < 128; bit++)
            ignore(service.source_ignored_ipv6[bit / 32], bit % 32);
    }

    void add_quic(const Words &words)
    {
        const auto number = [&](std::size_t at) { return static_cast<u32>(std::stoul(words.at(at))); };
        tables_.add_quic(services_.at(words.at(1)), number(2), number(3), number(4),
                         words.at(5) == "-" ? "" : words.at(5));
    }

    void set_lookup(const Words &words)
    {
        std::vector<u32> slots;
        for (std::size_t i = 2; i < words.size(); i++)
            slots.push_back(backends_.at(words[i]));
        tables_.set_lookup(services_.at(words.at(1)), slots);
    }

    Tables tables_;
    std::map<std::string, u16> services_;
    std::map<std::string, std::pair<std::vector<Prefix>, std::vector<Prefix>>> lists_; // allow and deny
    std::map<std::string, u32> backends_;
};

// Set, as names in the order of the reasons.
std::string notes_between(const Ledger &before, const Ledger &after)
{
    std::string names;
    for (u32 reason = AYA_REASON_FLOW_NEW; reason < AYA_REASON_FLOW_NEW + u32{AYA_NOTES}; reason++)
        if (after.totals.reasons[reason] != before.totals.reasons[reason])
            names += (names.empty() ? "" : ",") + std::string(reason_name(reason));
    return names.empty() ? "-" : names;
}

bool fits(const std::string &pattern, const std::string &text)
{
    return pattern == "*" ||
           std::equal(pattern.begin(), pattern.end(), text.begin(), text.end(),
                      [](char wanted, char there) { return wanted == '?' || wanted == there; });
}

class Player
{
public:
    explicit Player(const std::vector<std::string> &only)
    {
        auto kinds = PathKind::all();
        std::sort(kinds.begin(), kinds.end(), [](auto &a, auto &b) { return a.name < b.name; });
        for (const PathKind::Entry &kind : kinds)
            if (only.empty() || std::find(only.begin(), only.end(), kind.name) != only.end())
                paths_.push_back(kind.make(no_tables_, kSets));
    }

    std::string names() const
    {
        std::string text;
        for (const auto &path : paths_)
            text += (text.empty() ? "" : ", ") + std::string(path->name());
        return text;
    }
    std::size_t count() const { return paths_.size(); }

    void begin(const std::vector<Words> &preamble)
    {
        world_ = std::make_unique<World>();
        for (const Words &words : preamble)
            world_->apply(words);
        tick_ = tick_now();
        same_ = "-";
        for (const auto &path : paths_) {
            path->restore({}, std::vector<aya_flow_set>(kSets));
            path->allow_replies(true);
            path->publish(world_->tables());
        }
    }

    // What is wrong; empty: nothing.
    std::string apply(const Words &words)
    {
        if (words[0] == "frame")
            return frame(hex_bytes(words.at(1)));
        if (words[0] == "expect")
            return expect(words);
        if (words[0] == "replies") {
            for (const auto &path : paths_)
                path->allow_replies(words.at(1) == "on");
        } else if (words[0] == "age") {
            age(static_cast<u16>(std::stoul(words.at(1))));
        } else if (world_->apply(words)) {
            for (const auto &path : paths_)
                path->publish(world_->tables());
        } else {
            return "unknown command " + words[0] + "\n";
        }
        return "";
    }

    bool ticked() const { return tick_now() != tick_; }
    // Frames that some path could not be given.
    u64 left_out() const { return left_out_; }

private:
    // Through all paths; the first one is what the others are held against.
    std::string frame(const Bytes &bytes)
    {
        std::string wrong;
        bool everywhere = true;
        for (const auto &path : paths_) {
            if (bytes.size() < path->least_bytes()) {
                left_out_++;
                everywhere = false;
                continue;
            }
            const Ledger before = path->ledger();
            const Handled handled = path->run({bytes}, tick_).at(0);
            const std::string notes = notes_between(before, path->ledger());
            if (path == paths_[0]) {
                same_ = world_->name_of(last_.backend);
                last_ = handled;
                notes_ = notes;
            } else if (handled != last_ || notes != notes_) {
                wrong += differs(*path, handled, notes);
            }
        }
        if (everywhere) // a path that missed a frame has other counts from now on
            for (const auto &path : paths_)
                wrong += compare_state(*path);
        return wrong;
    }

    std::string differs(const Path &path, const Handled &handled, const std::string &notes) const
    {
        return describe(paths_[0]->name(), last_, notes_) + describe(path.name(), handled, notes);
    }

    std::string describe(const char *name, const Handled &handled, const std::string &notes) const
    {
        return std::string(name) + ": " + said(handled, notes) + "\n";
    }

    std::string said(const Handled &handled, const std::string &notes) const
    {
        const std::string out = hex(handled.out);
        return std::string(action_name(handled.action)) + " " + reason_name(handled.reason) + " " +
               world_->name_of(handled.backend) + " " + port_of(handled) + " " + notes + " " +
               (out.empty() ? "-" : out);
    }

    static std::string port_of(const Handled &handled)
    {
        return handled.egress_port == AYA_PORT_NONE ? "-" : std::to_string(handled.egress_port);
    }

    std::string compare_state(const Path &path) const
    {
        std::string wrong;
        const auto expected = paths_[0]->flows(), got = path.flows();
        if (std::memcmp(expected.data(), got.data(), kSets * sizeof(aya_flow_set)) != 0)
            wrong += std::string("flow tables differ: ") + paths_[0]->name() + ", " + path.name() + "\n";
        if (!(paths_[0]->ledger() == path.ledger()))
            wrong += std::string("counters differ: ") + paths_[0]->name() + ", " + path.name() + "\n";
        return wrong;
    }

    std::string expect(const Words &words) const
    {
        const Words got = split(said(last_, notes_));
        Words wanted(words.begin() + 1, words.end());
        if (wanted.size() != got.size())
            return "`expect` takes " + std::to_string(got.size()) + " words\n";
        if (wanted[2] == "same")
            wanted[2] = same_;
        for (std::size_t i = 0; i < got.size(); i++)
            if (!fits(wanted[i], got[i]))
                return "expected: " + join(wanted) + "\n     got: " + join(got) + "\n";
        return "";
    }

    static std::string join(const Words &words)
    {
        std::string text;
        for (const std::string &word : words)
            text += (text.empty() ? "" : " ") + word;
        return text;
    }

    void age(u16 ticks)
    {
        for (const auto &path : paths_) {
            auto flows = path->flows();
            for (aya_flow_set &set : flows)
                for (aya_flow_entry &way : set.way)
                    way.expires = static_cast<u16>(way.expires - (way.state ? ticks : 0));
            path->restore(path->ledger(), flows);
        }
    }

    Tables no_tables_; // until the first vector begins
    std::vector<std::unique_ptr<Path>> paths_;
    std::unique_ptr<World> world_;
    u16 tick_ = 0;
    Handled last_;
    std::string notes_, same_;
    u64 left_out_ = 0;
};

struct Vector {
    std::string description;
    std::vector<Words> commands;
};

// A vector counts only if the clock stood still meanwhile: the kernel's cannot be held.
std::string play(Player &player, const std::vector<Words> &preamble, const Vector &vector)
{
    for (int attempt = 0; attempt < kAttempts; attempt++) {
        player.begin(preamble);
        std::string wrong;
        for (std::size_t i = 0; i < vector.commands.size() && wrong.empty(); i++)
            wrong = player.apply(vector.commands[i]);
        if (!player.ticked())
            return wrong;
    }
    return "the clock ticked in every attempt\n";
}

int play_all(const std::string &script, const std::vector<std::string> &only)
{
    std::ifstream file(script);
    std::vector<Words> preamble;
    std::vector<Vector> vectors;
    for (std::string line; std::getline(file, line);) {
        const Words words = split(line);
        if (words.empty())
            continue;
        if (words[0] == "vector")
            vectors.push_back({line.substr(7), {}});
        else
            (vectors.empty() ? preamble : vectors.back().commands).push_back(words);
    }
    Player player(only);
    if (vectors.empty() || player.count() == 0) {
        std::printf("%s: no vectors, or no path to play them on\n", script.c_str());
        return 2;
    }
    u32 failed = 0;
    for (const Vector &vector : vectors) {
        const std::string wrong = play(player, preamble, vector);
        if (wrong.empty())
            continue;
        std::printf("FAILED %s\n%s", vector.description.c_str(), wrong.c_str());
        failed++;
    }
    std::printf("%zu vectors on %s: %u failed (%llu times a frame was too short for a path)\n",
                vectors.size(), player.names().c_str(), failed,
                static_cast<unsigned long long>(player.left_out()));
    return failed ? 1 : 0;
}

} // namespace

} // namespace aya::test

int main(int argc, char **argv)
{
    if (argc < 2) {
        std::fputs("usage: replay_vectors SCRIPT [PATH...]\n", stderr);
        return 2;
    }
    return aya::test::play_all(argv[1], {argv + 2, argv + argc});
}
