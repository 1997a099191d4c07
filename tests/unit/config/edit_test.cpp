// SPDX-License-Identifier: BSD-2-Clause
#include "config/edit.hpp"

#include "config/merge.hpp"
#include "support.hpp"

namespace aya::test
{

Lines changes_of(const Config &from, const Result<Config> &to)
{
    if (!to)
        return lines_of(to.errors());
    Lines lines;
    for (const Change &change : diff(from, *to))
        lines.push_back(to_string(change));
    return lines;
}

ErrorKind kind_of(const Result<Config> &result)
{
    return result.errors().at(0).kind;
}

TEST(AddService, StandsLastAndIsReadLikeTheFile)
{
    const Config config = valid_config();
    const auto changed = add_service(
        config, R"({"name": "ssh", "vips": ["203.0.113.10:22/tcp"], /* none yet */ "backends": []})");
    EXPECT_EQ(changes_of(config, changed), Lines{"add service ssh"});
    EXPECT_EQ(changed->services.back().name, "ssh");
}

TEST(AddService, ErrorsPointIntoTheRequest)
{
    const Config config = valid_config();
    EXPECT_EQ(places_of(add_service(config, R"({"name": "ssh", "vips": ["203.0.113.10:443/tcp"]})"),
                        {R"("203.0.113.10:443/tcp")", R"("web")", "/services/0/vips/0"}),
              Lines{R"(/vips/0 "203.0.113.10:443/tcp" "web" /services/0/vips/0)"});
    EXPECT_EQ(places_of(add_service(config, "{\"name\": ")), Lines{"line 1, column 10"});
    EXPECT_EQ(places_of(add_service(config, R"({"name": "ssh", "vips": ["1.1.1.1:1/tcp"], "weight": 3})"),
                        {R"("weight")", "vips, scheduler, affinity"}),
              Lines{R"(/weight "weight" vips, scheduler, affinity)"});
}

TEST(AddService, ANameThatIsTakenIsAConflict)
{
    const auto result = add_service(valid_config(), R"({"name": "web", "vips": ["203.0.113.11:443/tcp"]})");
    EXPECT_EQ(errors_of(result), Lines{"f: /name: found \"web\", which is already a service"});
    EXPECT_EQ(kind_of(result), ErrorKind::conflict);
}

TEST(AddService, AVipThatIsABackendIsRefused)
{
    const auto result = add_service(valid_config(), R"({"name": "x", "vips": ["10.0.1.11:443/tcp"]})");
    EXPECT_EQ(places_of(result, {R"("10.0.1.11")", R"("x")", "/services/2/vips/0"}),
              Lines{R"(/services/0/backends/0/address "10.0.1.11" "x" /services/2/vips/0)"});
}

TEST(PatchService, ChangesOnlyWhatItSays)
{
    const Config config = valid_config();
    EXPECT_EQ(changes_of(config, patch_service(config, "web",
                                               R"({"scheduler": "source-hash", "health": {"fall": 5}})")),
              (Lines{"change service web: scheduler maglev -> source-hash",
                     "change service web: health.fall 3 -> 5"}));
    EXPECT_EQ(changes_of(config, patch_service(config, "web", "{}")), Lines{});
    EXPECT_EQ(changes_of(config, patch_service(config, "web", R"({"vips": ["203.0.113.10:80/tcp"]})")),
              Lines{R"(change service web: vips ["203.0.113.10:443/tcp","203.0.113.10:443/udp"] -> )"
                    R"(["203.0.113.10:80/tcp"])"});
}

TEST(PatchService, NullTakesAnOptionalValueAwayAndNothingElse)
{
    Config config = valid_config();
    config.services[0].health.port = 8080;
    EXPECT_EQ(changes_of(config, patch_service(config, "web", R"({"health": {"port": null}})")),
              Lines{"change service web: health.port 8080 -> nothing"});
    EXPECT_EQ(places_of(patch_service(config, "web", R"({"scheduler": null})"), {"null", R"("source-hash")"}),
              Lines{R"(/scheduler null "source-hash")"});
}

TEST(PatchService, NameAndBackendsStay)
{
    EXPECT_EQ(errors_of(patch_service(valid_config(), "web", R"({"name": "www", "backends": []})")),
              (Lines{"f: /name: found \"www\"; a name cannot be changed; add a service with the new name and "
                     "remove this one",
                     "f: /backends: found an empty list; backends cannot be changed through their service; "
                     "add, set or "
                     "remove each one"}));
}

TEST(PatchService, TheResultIsChecked)
{
    EXPECT_EQ(places_of(patch_service(valid_config(), "web", R"({"health": {"timeout": "2s"}})"),
                        {R"("2s")", R"("1s")"}),
              Lines{R"(/health/timeout "2s" "1s")"});
    EXPECT_EQ(places_of(patch_service(valid_config(), "dns", R"({"encap": "l2"})"),
                        {R"("10.0.2.1")", R"("[2001:db8::53]:*/udp")", R"("l2")"}),
              Lines{R"(/backends/0/address "10.0.2.1" "[2001:db8::53]:*/udp" "l2")"});
    EXPECT_EQ(places_of(patch_service(valid_config(), "dns", R"({"gue_port": 7000})"),
                        {"7000", R"("ipip")", "6080"}),
              Lines{R"(/gue_port 7000 "ipip" 6080)"});
    EXPECT_TRUE(patch_service(valid_config(), "dns", R"({"encap": "gue", "gue_port": 7000})"));
    EXPECT_EQ(places_of(patch_service(valid_config(), "dns", "[]"), {"an empty list", "an object"}),
              Lines{" an empty list an object"});
}

TEST(PatchService, AnotherTypeOfProbeTakesAwayWhatOnlyTheOldOneHad)
{
    const auto http = patch_service(valid_config(), "web",
                                    R"({"health": {"type": "http", "path": "/up", "expected_body": "yes"}})");
    ASSERT_TRUE(http) << ::testing::PrintToString(errors_of(http));
    const auto tcp = patch_service(*http, "web", R"({"health": {"type": "tcp"}})");
    EXPECT_EQ(changes_of(*http, tcp), (Lines{"change service web: health.type http -> tcp",
                                             "change service web: health.path /up -> nothing",
                                             "change service web: health.expected_body yes -> nothing"}));
    const auto https = patch_service(*http, "web", R"({"health": {"type": "https"}})");
    ASSERT_TRUE(https);
    EXPECT_EQ(https->services.front().health.options.path, "/up") << "which has it, too";
    const auto port = patch_service(*http, "web", R"({"health": {"type": "tcp", "port": 81}})");
    const auto icmp = patch_service(*port, "web", R"({"health": {"type": "icmp"}})");
    ASSERT_TRUE(icmp.has_value());
    EXPECT_FALSE(find_service(icmp->services, "web")->health.port) << "a ping has none";
    const auto said = patch_service(*http, "web", R"({"health": {"type": "tcp", "path": "/down"}})");
    EXPECT_EQ(places_of(said, {R"("http", "https")"}), Lines{R"(/health/path "http", "https")"});
}

TEST(Services, WhatIsNotThereIsNotFound)
{
    const Config config = valid_config();
    const Lines expected{"f: no service \"wbe\"; did you mean \"web\"?"};
    for (const auto &result :
         {patch_service(config, "wbe", "{}"), remove_service(config, "wbe"), add_backend(config, "wbe", "{}"),
          patch_backend(config, "wbe", "web-1", "{}"), remove_backend(config, "wbe", "web-1")}) {
        EXPECT_EQ(errors_of(result), expected);
        EXPECT_EQ(kind_of(result), ErrorKind::not_found);
    }
    EXPECT_EQ(errors_of(remove_backend(config, "web", "other")),
              Lines{R"(f: no backend "other" in service "web"; existing backends: "web-1", "web-2")"});
    EXPECT_EQ(kind_of(patch_backend(config, "web", "other", "{}")), ErrorKind::not_found);

    ServiceConfig service;
    service.name = "many";
    EXPECT_EQ(no_backend(service, "b").message, R"(no backend "b" in service "many"; there are no backends)");
    for (int i = 10; i < 20; i++)
        service.backends.emplace_back().name = "backend-" + std::to_string(i);
    EXPECT_EQ(
        no_backend(service, "other").message,
        R"(no backend "other" in service "many"; existing backends: "backend-10", "backend-11", "backend-12", )"
        R"("backend-13", "backend-14", "backend-15", "backend-16", "backend-17" and 2 more)");
}

TEST(Services, Remove)
{
    const Config config = valid_config();
    EXPECT_EQ(changes_of(config, remove_service(config, "web")), Lines{"remove service web"});
    EXPECT_EQ(changes_of(config, remove_backend(config, "web", "web-1")),
              Lines{"remove service web backend web-1"});
}

TEST(AddBackend, StandsLastAndIsReadLikeTheFile)
{
    const Config config = valid_config();
    const auto changed =
        add_backend(config, "web", R"({"name": "web-3", "address": "10.0.1.13", "weight": 3})");
    EXPECT_EQ(changes_of(config, changed), Lines{"add service web backend web-3"});
    EXPECT_EQ(changed->services[0].backends.back().weight, 3);
}

TEST(AddBackend, ErrorsPointIntoTheRequest)
{
    const Config config = valid_config();
    EXPECT_EQ(places_of(add_backend(config, "web", R"({"name": "web-3", "address": "203.0.113.10"})"),
                        {R"("203.0.113.10")", R"("web")", "/services/0/vips/0"}),
              Lines{R"(/address "203.0.113.10" "web" /services/0/vips/0)"});
    EXPECT_EQ(
        places_of(add_backend(config, "web", R"({"name": "web-3", "address": "2001:db8::1", "weight": -1})"),
                  {"-1", "65535"}),
        Lines{"/weight -1 65535"});
    const auto taken = add_backend(config, "web", R"({"name": "web-1", "address": "10.0.1.13"})");
    EXPECT_EQ(errors_of(taken),
              Lines{"f: /name: found \"web-1\", which is already a backend of service \"web\""});
    EXPECT_EQ(kind_of(taken), ErrorKind::conflict);
}

TEST(PatchBackend, WeightStateAndMac)
{
    const Config config = valid_config();
    const auto changed = patch_backend(config, "web", "web-1",
                                       R"({"weight": 0, "state": "draining", "mac": "52:54:00:00:00:11"})");
    EXPECT_EQ(changes_of(config, changed),
              (Lines{"change service web backend web-1: weight 8 -> 0",
                     "change service web backend web-1: state active -> draining",
                     "change service web backend web-1: mac nothing -> 52:54:00:00:00:11"}));
    EXPECT_EQ(changes_of(*changed, patch_backend(*changed, "web", "web-1", R"({"mac": null})")),
              Lines{"change service web backend web-1: mac 52:54:00:00:00:11 -> nothing"});
}

TEST(PatchBackend, NameAndAddressStay)
{
    const auto patched =
        patch_backend(valid_config(), "web", "web-1", R"({"address": "10.9.9.9", "wait": 1})");
    EXPECT_EQ(errors_of(patched).at(0),
              "f: /address: found \"10.9.9.9\"; an address cannot be changed; add a "
              "backend with another name and drain this one");
    EXPECT_EQ(places_of(patched, {"weight", "name, "}), (Lines{"/address", "/wait weight"}));
}

} // namespace aya::test
