// SPDX-License-Identifier: BSD-2-Clause
// Every test starts from a file that is applied and running, changes the file, what runs, or both,
// and says what must come out.
#include "config/merge.hpp"

#include "config/edit.hpp"
#include "support.hpp"

#include <algorithm>
#include <random>

namespace aya::test
{

class Merge : public ::testing::Test
{
protected:
    const Config last = valid_config();
    Config file = last;
    Config running = last;

    Result<Config> merged() const { return merge(last.services, file, running.services); }

    // What differs from `last` after the merge.
    Lines outcome() const
    {
        const auto result = merged();
        if (!result)
            return lines_of(result.errors());
        Lines lines;
        for (const Change &change : diff(last, *result))
            lines.push_back(to_string(change));
        return lines;
    }

    static BackendConfig backend(const std::string &name, const char *address)
    {
        return {name, parse_ip_address(address).value(), 1, AdminState::active, {}, {}};
    }

    static ServiceConfig service(const std::string &name, const char *vip)
    {
        ServiceConfig result;
        result.name = name;
        result.vips = {parse_vip(vip).value()};
        return result;
    }
};

TEST_F(Merge, NothingChangedIsNothingChanged)
{
    ASSERT_TRUE(merged());
    EXPECT_EQ(*merged(), last);
}

TEST_F(Merge, AFileThatChangedIsApplied)
{
    file.services[0].backends[0].weight = 4;
    file.services[1].idle_timeouts.udp = Duration(60000);
    file.tunnel_source.ipv4 = IpAddress::v4(10, 9, 9, 9);
    EXPECT_EQ(outcome(), (Lines{"change configuration: tunnel_source.ipv4 nothing -> 10.9.9.9",
                                "change service web backend web-1: weight 8 -> 4",
                                "change service dns: idle_timeouts.udp 2m -> 1m"}));
}

TEST_F(Merge, WhatTheOperatorChangedStays)
{
    running.services[0].backends[0].weight = 4;
    running.services[0].backends[1].state = AdminState::draining;
    running.services[0].health.fall = 9;
    EXPECT_EQ(outcome(), (Lines{"change service web: health.fall 3 -> 9",
                                "change service web backend web-1: weight 8 -> 4",
                                "change service web backend web-2: state active -> draining"}));
}

TEST_F(Merge, BothChangedDifferentKeysOfOneThing)
{
    running.services[0].backends[0].weight = 4;
    file.services[0].backends[0].state = AdminState::disabled;
    running.services[0].health.fall = 9;
    file.services[0].health.rise = 7;
    EXPECT_EQ(outcome(),
              (Lines{"change service web: health.rise 2 -> 7", "change service web: health.fall 3 -> 9",
                     "change service web backend web-1: weight 8 -> 4",
                     "change service web backend web-1: state active -> disabled"}));
}

TEST_F(Merge, TheFileWinsAKeyThatBothChanged)
{
    running.services[0].backends[0].weight = 4;
    file.services[0].backends[0].weight = 2;
    EXPECT_EQ(outcome(), Lines{"change service web backend web-1: weight 8 -> 2"});
}

TEST_F(Merge, TheFileTakesAnOptionalValueAwayOnlyIfItHadIt)
{
    running.services[0].backends[0].mac = parse_mac("52:54:00:00:00:11");
    running.services[0].backends[0].weight = 4;
    file.services[0].backends[0].state = AdminState::disabled;
    EXPECT_EQ(merged()->services[0].backends[0].mac, parse_mac("52:54:00:00:00:11"));

    Config had = last;
    had.services[0].health.port = 80;
    Config now = had;
    now.services[0].health.fall = 9;
    EXPECT_EQ(merge(had.services, last, now.services)->services[0].health.port, std::nullopt);
    EXPECT_EQ(merge(had.services, last, now.services)->services[0].health.fall, 9U);
}

TEST_F(Merge, ANewThingInTheFileIsAdded)
{
    file.services[0].backends.push_back(backend("web-3", "10.0.1.13"));
    file.services.push_back(service("ssh", "203.0.113.10:22/tcp"));
    EXPECT_EQ(outcome(), (Lines{"add service web backend web-3", "add service ssh"}));
}

TEST_F(Merge, WhatLeftTheFileGoesEvenIfTheOperatorChangedIt)
{
    file.services[0].backends.pop_back();
    file.services.pop_back();
    running.services[0].backends[1].weight = 7;
    running.services[1].encap = Encap::ipip;
    running.services[1].backends.push_back(backend("dns-2", "10.0.2.2"));
    EXPECT_EQ(outcome(), (Lines{"remove service web backend web-2", "remove service dns"}));
}

TEST_F(Merge, WhatTheOperatorAddedStaysBehindTheFiles)
{
    running.services.insert(running.services.begin(), service("ssh", "203.0.113.10:22/tcp"));
    running.services[1].backends.insert(running.services[1].backends.begin(), backend("web-9", "10.0.1.19"));
    file.services[0].backends[0].weight = 4;
    EXPECT_EQ(outcome(), (Lines{"change service web backend web-1: weight 8 -> 4",
                                "add service web backend web-9", "add service ssh"}));
    EXPECT_EQ(merged()->services.back().name, "ssh");
    EXPECT_EQ(merged()->services[0].backends.back().name, "web-9");
}

TEST_F(Merge, WhatTheOperatorRemovedStaysAway)
{
    running.services[0].backends.erase(running.services[0].backends.begin());
    running.services.pop_back();
    file.services[0].backends[1].weight = 3;
    std::reverse(file.services[1].backends.begin(), file.services[1].backends.end());
    EXPECT_EQ(outcome(), (Lines{"change service web backend web-2: weight 1 -> 3",
                                "remove service web backend web-1", "remove service dns"}));
}

TEST_F(Merge, WhatTheOperatorRemovedComesBackWhenTheFileChangesIt)
{
    running.services[0].backends.erase(running.services[0].backends.begin());
    running.services.pop_back();
    file.services[0].backends[0].weight = 3;
    file.services[1].stateless = true;
    EXPECT_EQ(outcome(), (Lines{"change service web backend web-1: weight 8 -> 3",
                                "change service dns: stateless false -> true"}));
}

TEST_F(Merge, TheFileWinsWhereBothAddedTheSameName)
{
    running.services.push_back(service("ssh", "203.0.113.10:22/tcp"));
    running.services.back().backends = {backend("a", "10.0.3.1"), backend("mine", "10.0.3.2")};
    file.services.push_back(service("ssh", "203.0.113.10:2222/tcp"));
    file.services.back().backends = {backend("a", "10.0.3.9")};
    const auto result = merged();
    ASSERT_TRUE(result);
    const ServiceConfig &ssh = result->services.back();
    EXPECT_EQ(ssh.vips, (std::vector<VipKey>{parse_vip("203.0.113.10:2222/tcp").value()}));
    EXPECT_EQ(ssh.backends,
              (std::vector<BackendConfig>{backend("a", "10.0.3.9"), backend("mine", "10.0.3.2")}));
}

TEST_F(Merge, TheResultIsCheckedAgain)
{
    running.services.push_back(service("mine", "203.0.113.77:80/tcp"));
    file.services.push_back(service("theirs", "203.0.113.77:80/tcp"));
    EXPECT_EQ(places_of(merged(), {"in the configuration merged with the changes made at run time: ",
                                   R"("203.0.113.77:80/tcp")", R"("theirs")", "/services/2/vips/0"}),
              Lines{R"(/services/3/vips/0 in the configuration merged with the changes made at run time: )"
                    R"( "203.0.113.77:80/tcp" "theirs" /services/2/vips/0)"});
}

TEST_F(Merge, TwoGoodHalvesMayNotFitTogether)
{
    file.services[0].health.interval = Duration(400);
    file.services[0].health.timeout = Duration(300);
    running.services[0].health.timeout = Duration(600);
    // The file changed the timeout as well, so it wins and both fit ...
    EXPECT_EQ(outcome(), (Lines{"change service web: health.interval 1s -> 400ms",
                                "change service web: health.timeout 500ms -> 300ms"}));
    // ... but where the file left it, the operator's stays and does not fit.
    file.services[0].health.timeout = last.services[0].health.timeout;
    EXPECT_EQ(places_of(merged(), {R"("600ms")", R"("400ms")"}),
              Lines{R"(/services/0/health/timeout "600ms" "400ms")"});
}

TEST_F(Merge, TheFirstStartTakesTheFile)
{
    EXPECT_EQ(*merge({}, file, {}), file);
}

// Three laws, on random changes: an unchanged file keeps what runs; unchanged running takes the file;
// merging the result again changes nothing.
TEST_F(Merge, KeepsItsLawsOnRandomChanges)
{
    std::mt19937 random(1);
    const auto pick = [&](unsigned below) { return static_cast<unsigned>(random() % below); };
    const auto change = [&](Config config) {
        for (unsigned i = 0; i < 4; ++i) {
            ServiceConfig &one = config.services[pick(2)];
            const std::string name = "new-" + std::to_string(pick(3));
            const bool has = find_backend(one, name) != nullptr;
            switch (pick(4)) {
            case 0:
                one.health.fall = 1 + pick(9);
                break;
            case 1:
                if (!has)
                    one.backends.push_back(backend(name, ("10.1.1." + name.substr(4)).c_str()));
                break;
            case 2:
                if (!one.backends.empty())
                    one.backends.erase(one.backends.begin() +
                                       pick(static_cast<unsigned>(one.backends.size())));
                break;
            default:
                if (!one.backends.empty())
                    one.backends.back().weight = static_cast<std::uint16_t>(pick(9));
            }
        }
        return config;
    };
    for (int round = 0; round < 2000; ++round) {
        const Config a = change(last);
        const Config b = change(last);
        ASSERT_TRUE(diff(*merge(last.services, last, a.services), a).empty());
        ASSERT_TRUE(diff(*merge(last.services, a, last.services), a).empty());
        const auto once = merge(last.services, a, b.services);
        ASSERT_TRUE(once);
        const auto twice = merge(a.services, a, once->services);
        ASSERT_TRUE(twice);
        ASSERT_EQ(*once, *twice);
    }
}

} // namespace aya::test
