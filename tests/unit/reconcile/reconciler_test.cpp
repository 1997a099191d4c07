// SPDX-License-Identifier: BSD-2-Clause
#include "reconciler_fixture.hpp"

#include "config/edit.hpp"
#include "reconcile/changes.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <fstream>

namespace aya::test
{
namespace
{

using namespace std::chrono_literals;

Reconciler::Edit weight_of_one(const char *weight)
{
    return [weight](const Config &config) {
        return patch_backend(config, "web", "one", std::string(R"({"weight": )") + weight + "}");
    };
}

u16 weight_in(const Config &config)
{
    return find_backend(*find_service(config.services, "web"), "one")->weight;
}

std::optional<State> kept_by(const Bench &bench)
{
    auto state = read_state(bench.state_file());
    EXPECT_TRUE(state);
    return state ? *state : std::nullopt;
}

TEST(Reconciler, PublishesAtStartWithoutWritingState)
{
    Bench bench;
    EXPECT_EQ(bench.publisher.generation(), 1u);
    EXPECT_EQ(bench.live_state("web", "one"), AYA_BACKEND_UP);
    EXPECT_FALSE(std::filesystem::exists(bench.state_file())) << "nothing differs from the file";
}

TEST(Reconciler, AnObservationThatChangesNothingPublishesNothing)
{
    Bench bench;
    const auto published = bench.observe(bench.now);
    ASSERT_TRUE(published);
    EXPECT_FALSE(published->changed);
    EXPECT_EQ(published->generation, 1u);
}

TEST(Reconciler, FollowsHealth)
{
    Bench bench;
    bench.observer.health["web/one"] = Health::down;
    ASSERT_TRUE(bench.observe(bench.now)->changed);
    EXPECT_EQ(bench.live_state("web", "one"), AYA_BACKEND_DOWN);
    EXPECT_EQ(bench.reconciler.find_image("web")->backends[1].share, 1.0);
    bench.observer.health["web/one"] = Health::up;
    ASSERT_TRUE(bench.observe(bench.now)->changed);
    EXPECT_EQ(bench.live_state("web", "one"), AYA_BACKEND_UP);
}

constexpr const char *kTwoServices = R"({
  "seed": "000102030405060708090a0b0c0d0e0f",
  "services": [ { "name": "web", "vips": ["203.0.113.10:80/tcp"], "lookup_size": 251, "panic_threshold": "100%",
                  "backends": [ { "name": "one", "address": "10.0.1.1" }, { "name": "two", "address": "10.0.1.2" } ] },
                { "name": "mail", "vips": ["203.0.113.10:25/tcp"], "lookup_size": 251, "panic_threshold": "100%",
                  "backends": [ { "name": "one", "address": "10.0.1.1" },
                                { "name": "two", "address": "10.0.1.2" } ] } ] })";

TEST(Reconciler, FollowsWhichAddressesTheKernelHas)
{
    Bench bench;
    bench.observer.local.insert(host_prefix(IpAddress::v4(203, 0, 113, 10)));
    bench.reconciler.touch("web");
    ASSERT_TRUE(bench.reconciler.reconcile(bench.now)->changed);
    EXPECT_TRUE(
        bench.reconciler.find_image("web")->local.contains(host_prefix(IpAddress::v4(203, 0, 113, 10))));
    bench.observer.local.clear();
    bench.reconciler.touch("web");
    ASSERT_TRUE(bench.reconciler.reconcile(bench.now)->changed);
    EXPECT_TRUE(bench.reconciler.find_image("web")->local.empty());
}

TEST(Reconciler, LooksOnlyAtTheServicesThatWereTouched)
{
    Bench bench(kTwoServices);
    const auto *mail = bench.reconciler.find_image("mail");
    bench.observer.asked = 0;
    ASSERT_TRUE(bench.reconciler.reconcile(bench.now));
    EXPECT_EQ(bench.observer.asked, 0) << "nothing was touched";

    bench.observer.health["web/one"] = Health::down;
    bench.observer.health["mail/two"] = Health::down;
    bench.reconciler.touch("web");
    bench.reconciler.touch("web");
    bench.reconciler.touch("no such service");
    ASSERT_TRUE(bench.reconciler.reconcile(bench.now)->changed);
    EXPECT_EQ(bench.observer.asked, 2) << "the backends of one service";
    EXPECT_EQ(bench.live_state("web", "one"), AYA_BACKEND_DOWN);
    EXPECT_EQ(bench.live_state("mail", "two"), AYA_BACKEND_UP) << "nobody said so yet";
    EXPECT_EQ(bench.reconciler.find_image("mail"), mail);
    EXPECT_EQ(bench.reconciler.find_image("web")->backends[1].share, 1.0);

    bench.observer.asked = 0;
    EXPECT_FALSE(bench.reconciler.reconcile(bench.now)->changed) << "done is done";
    EXPECT_EQ(bench.observer.asked, 0);
    bench.reconciler.touch("mail");
    ASSERT_TRUE(bench.reconciler.reconcile(bench.now)->changed);
    EXPECT_EQ(bench.live_state("mail", "two"), AYA_BACKEND_DOWN);
    EXPECT_EQ(bench.live_state("web", "one"), AYA_BACKEND_DOWN);
}

TEST(Reconciler, WhatWasTouchedStaysSoUntilItIsPublished)
{
    // Room for two lookup tables: the live one and the one before.
    Bench bench(kTwoBackends, {.services = 16, .backends = 64, .vips = 64, .lookup_slots = 2 * 256});
    bench.observer.health["web/one"] = Health::down;
    bench.reconciler.touch("web");
    ASSERT_TRUE(bench.reconciler.reconcile(bench.now + 1h)->changed);
    bench.observer.health["web/one"] = Health::up;
    bench.observer.health["web/two"] = Health::down;
    bench.reconciler.touch("web");
    ASSERT_FALSE(bench.reconciler.reconcile(bench.now + 2h)) << "a third table";
    EXPECT_EQ(bench.live_state("web", "one"), AYA_BACKEND_DOWN) << "nothing has changed";

    ASSERT_TRUE(bench.reconciler.retire(bench.now + 24h).changed);
    ASSERT_TRUE(bench.reconciler.reconcile(bench.now + 24h)->changed);
    EXPECT_EQ(bench.live_state("web", "one"), AYA_BACKEND_UP);
    EXPECT_EQ(bench.live_state("web", "two"), AYA_BACKEND_DOWN);
}

TEST(Changes, PublishWhatWasRefusedOnceARetiredTableHasMadeRoom)
{
    Bench bench(kTwoBackends, {.services = 16, .backends = 64, .vips = 64, .lookup_slots = 2 * 256});
    bench.observer.health["web/one"] = Health::down;
    bench.reconciler.touch("web");
    ASSERT_TRUE(bench.reconciler.reconcile(bench.now + 6s)->changed) << "long ago for the clock of Changes";
    bench.observer.health["web/one"] = Health::up;
    bench.observer.health["web/two"] = Health::down;
    bench.reconciler.touch("web");

    boost::asio::io_context io(1);
    Changes changes(bench.reconciler, {}, [] {});
    boost::asio::co_spawn(io, changes.reconcile(), boost::asio::detached);
    io.run();
    EXPECT_EQ(bench.live_state("web", "one"), AYA_BACKEND_UP);
    EXPECT_EQ(bench.live_state("web", "two"), AYA_BACKEND_DOWN);
}

TEST(Reconciler, AChangeOfTheConfigurationTakesInWhatWasTouched)
{
    Bench bench(kTwoServices);
    bench.observer.health["mail/two"] = Health::down;
    bench.reconciler.touch("mail");
    const auto removed = bench.reconciler.change(
        [](const Config &config) { return remove_service(config, "web"); }, bench.now);
    ASSERT_TRUE(removed);
    EXPECT_EQ(bench.live_state("mail", "two"), AYA_BACKEND_DOWN);
    EXPECT_EQ(bench.reconciler.find_image("web"), nullptr);
    bench.observer.health["mail/two"] = Health::up;
    bench.reconciler.touch("mail"); // stands elsewhere now
    bench.reconciler.touch("web");
    ASSERT_TRUE(bench.reconciler.reconcile(bench.now)->changed);
    EXPECT_EQ(bench.live_state("mail", "two"), AYA_BACKEND_UP);
}

TEST(Reconciler, KeepsAnOperatorsChangeInTheStateFile)
{
    Bench bench;
    const auto applied = bench.reconciler.change(weight_of_one("7"), bench.now);
    ASSERT_TRUE(applied);
    EXPECT_EQ(applied->published.generation, 2u);
    ASSERT_EQ(applied->changes.size(), 1u);
    EXPECT_EQ(to_string(applied->changes[0]), "change service web backend one: weight 1 -> 7");
    const auto state = read_state(bench.state_file());
    ASSERT_TRUE(state && *state);
    EXPECT_EQ(find_backend((*state)->running[0], "one")->weight, 7);
    EXPECT_EQ(find_backend((*state)->last_applied[0], "one")->weight, 1);
}

TEST(Reconciler, ARefusedChangeChangesNothing)
{
    Bench bench;
    const auto before = bench.sink.copy_of_everything();
    const auto applied = bench.reconciler.change(weight_of_one("70000"), bench.now);
    ASSERT_FALSE(applied);
    EXPECT_EQ(applied.errors().front().kind, ErrorKind::invalid);
    EXPECT_EQ(bench.sink.copy_of_everything(), before);
    EXPECT_FALSE(std::filesystem::exists(bench.state_file()));
    EXPECT_EQ(weight_in(bench.reconciler.config()), 1);
}

TEST(Reconciler, AChangeThatCannotBeKeptIsNotMade)
{
    Bench bench;
    std::filesystem::create_directories(bench.state_file() / "in the way");
    const auto before = bench.sink.copy_of_everything();
    const auto applied = bench.reconciler.change(weight_of_one("7"), bench.now);
    ASSERT_FALSE(applied);
    EXPECT_EQ(applied.errors().front().kind, ErrorKind::io);
    EXPECT_EQ(bench.sink.copy_of_everything(), before);
    EXPECT_EQ(weight_in(bench.reconciler.config()), 1);
}

// Room for one more lookup table, but not of this size.
TEST(Reconciler, AChangeThatTheTablesCannotHoldIsTakenBack)
{
    Bench bench(kTwoBackends, {.services = 16, .backends = 64, .vips = 64, .lookup_slots = 2048});
    ASSERT_TRUE(bench.reconciler.change(weight_of_one("3"), bench.now));
    const auto applied = bench.reconciler.change(
        [](const Config &config) {
            return add_service(config,
                               R"({"name": "big", "vips": ["203.0.113.11:80/tcp"], "lookup_size": 65537,
                                           "backends": [{"name": "x", "address": "10.0.1.9"}]})");
        },
        bench.now);
    ASSERT_FALSE(applied);
    EXPECT_EQ(bench.reconciler.config().services.size(), 1u);
    EXPECT_EQ(bench.observer.followed, (std::set<std::string>{"web/one", "web/two"}));
    EXPECT_EQ(bench.observer.led_by, &bench.reconciler.image()) << "probes find their way again";
    const auto state = read_state(bench.state_file());
    ASSERT_TRUE(state && *state);
    EXPECT_EQ((*state)->running.size(), 1u) << "the state file says what is in force";
    EXPECT_EQ(find_backend((*state)->running[0], "one")->weight, 3);
}

TEST(Reconciler, AFirstChangeThatIsTakenBackLeavesNoStateFile)
{
    Bench bench(kTwoBackends, {.services = 16, .backends = 64, .vips = 64, .lookup_slots = 2048});
    const auto applied = bench.reconciler.change(
        [](const Config &config) {
            return add_service(config,
                               R"({"name": "big", "vips": ["203.0.113.11:80/tcp"], "lookup_size": 65537,
                                           "backends": [{"name": "x", "address": "10.0.1.9"}]})");
        },
        bench.now);
    ASSERT_FALSE(applied);
    EXPECT_FALSE(std::filesystem::exists(bench.state_file()));
}

TEST(Reconciler, ComesBackWithoutANewGeneration)
{
    Bench bench;
    ASSERT_TRUE(bench.reconciler.change(weight_of_one("7"), bench.now));
    bench.observer.health["web/two"] = Health::down;
    ASSERT_TRUE(bench.observe(bench.now));
    const u64 generation = bench.publisher.generation();

    Publisher again(bench.sink);
    Reconciler second(again, bench.observer, bench.state_file());
    const auto applied = second.start(config_of(kTwoBackends), kept_by(bench), bench.now);
    ASSERT_TRUE(applied);
    EXPECT_FALSE(applied->published.changed);
    EXPECT_EQ(applied->published.generation, generation);
    EXPECT_EQ(weight_in(second.config()), 7);
}

TEST(Reconciler, MergesAFileThatChangedWhileItWasAway)
{
    Bench bench;
    ASSERT_TRUE(bench.reconciler.change(weight_of_one("7"), bench.now));
    Publisher again(bench.sink);
    Reconciler second(again, bench.observer, bench.state_file());
    const auto applied =
        second.start(config_of(replaced(kTwoBackends, R"("address": "10.0.1.2", "weight": 1)",
                                        R"("address": "10.0.1.2", "weight": 5)")),
                     kept_by(bench), bench.now);
    ASSERT_TRUE(applied);
    ASSERT_EQ(applied->changes.size(), 1u);
    EXPECT_EQ(to_string(applied->changes[0]), "change service web backend two: weight 1 -> 5");
    EXPECT_EQ(weight_in(second.config()), 7) << "changed at run time, not by the file";
    const auto state = read_state(bench.state_file());
    EXPECT_EQ(find_backend((*state)->last_applied[0], "two")->weight, 5);
}

TEST(Reconciler, AppliesAFileAsAThreeWayMerge)
{
    Bench bench;
    ASSERT_TRUE(bench.reconciler.change(weight_of_one("7"), bench.now));
    const auto file = config_of(replaced(kTwoBackends, R"("lookup_size": 251)", R"("lookup_size": 509)"));
    const auto plan = bench.reconciler.plan(file);
    ASSERT_TRUE(plan);
    const auto applied = bench.reconciler.apply(file, bench.now);
    ASSERT_TRUE(applied);
    EXPECT_EQ(applied->changes, *plan);
    ASSERT_EQ(plan->size(), 1u);
    EXPECT_EQ(plan->front().field, "lookup_size");
    EXPECT_EQ(weight_in(bench.reconciler.config()), 7);
}

TEST(Reconciler, WhatNeedsARestartIsShownAndNotTaken)
{
    Bench bench;
    const Seed before = bench.reconciler.config().seed;
    const auto file = config_of(replaced(kTwoBackends, "000102", "ffffff"));
    const auto applied = bench.reconciler.apply(file, bench.now);
    ASSERT_TRUE(applied);
    ASSERT_EQ(applied->changes.size(), 1u);
    EXPECT_TRUE(needs_restart(applied->changes[0]));
    EXPECT_FALSE(applied->published.changed);
    EXPECT_EQ(bench.reconciler.config().seed, before);
    EXPECT_EQ(bench.reconciler.plan(file)->size(), 1u) << "still outstanding";
}

TEST(Reconciler, RetiresAPreviousTableOnceNoConnectionCanNeedIt)
{
    Bench bench;
    const auto start = bench.now;
    EXPECT_FALSE(bench.reconciler.retire_due(start + 24h)) << "nothing changed yet";
    bench.observer.health["web/one"] = Health::down;
    ASSERT_TRUE(bench.observe(start + 1h));
    ASSERT_TRUE(bench.publisher.find_service("web")->has_previous);
    EXPECT_FALSE(bench.reconciler.retire_due(start + 1h + 15min - 1s));

    // One more change makes another table the previous one: that which stood for ten minutes.
    bench.observer.health["web/one"] = Health::up;
    ASSERT_TRUE(bench.observe(start + 1h + 10min));
    EXPECT_FALSE(bench.reconciler.retire_due(start + 1h + 19min));
    ASSERT_TRUE(bench.reconciler.retire_due(start + 1h + 20min));
    EXPECT_TRUE(bench.reconciler.retire(start + 1h + 20min).changed);
    EXPECT_FALSE(bench.publisher.find_service("web")->has_previous);
    EXPECT_FALSE(bench.reconciler.retire_due(start + 24h));
}

TEST(Reconciler, RetiresAPreviousTableOfAnEarlierRun)
{
    Bench bench;
    bench.observer.health["web/one"] = Health::down;
    const auto later = bench.now + 1h;
    ASSERT_TRUE(bench.observe(later));
    Publisher again(bench.sink);
    Reconciler second(again, bench.observer, bench.state_file());
    ASSERT_TRUE(second.start(config_of(kTwoBackends), kept_by(bench), later));
    EXPECT_FALSE(second.retire_due(later + 14min));
    EXPECT_TRUE(second.retire_due(later + 15min + 1s)) << "ticks are rounded up";
}

TEST(Reconciler, ARemovedServiceIsForgotten)
{
    Bench bench;
    bench.observer.health["web/one"] = Health::down;
    ASSERT_TRUE(bench.observe(bench.now));
    ASSERT_TRUE(bench.reconciler.change([](const Config &config) { return remove_service(config, "web"); },
                                        bench.now));
    EXPECT_EQ(bench.reconciler.find_image("web"), nullptr);
    EXPECT_FALSE(bench.reconciler.retire_due(bench.now + 24h));
    EXPECT_TRUE(bench.observer.followed.empty());
}

TEST(Reconciler, IsNotReadyWhileAReaderIsBehind)
{
    Bench bench;
    bench.sink.join(0);
    bench.sink.report(0, 1);
    EXPECT_TRUE(bench.reconciler.ready());
    ASSERT_TRUE(bench.reconciler.change(weight_of_one("7"), bench.now));
    EXPECT_FALSE(bench.reconciler.ready());
    bench.sink.report(0, 2);
    EXPECT_TRUE(bench.reconciler.ready());
}

} // namespace
} // namespace aya::test
