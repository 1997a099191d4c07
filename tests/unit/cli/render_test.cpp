// SPDX-License-Identifier: BSD-2-Clause
#include "commands.hpp"
#include "render.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace aya::ctl
{
namespace
{

TEST(HumanCount, IsExactBelowAThousand)
{
    EXPECT_EQ(human_count(0), "0");
    EXPECT_EQ(human_count(999), "999");
}

TEST(HumanCount, RoundsToOneDecimalAbove)
{
    EXPECT_EQ(human_count(1000), "1.0k");
    EXPECT_EQ(human_count(1234567), "1.2M");
    EXPECT_EQ(human_count(std::numeric_limits<std::uint64_t>::max()), "18.4E");
}

TEST(HumanCount, NeverPrintsAThousandOfAUnit)
{
    EXPECT_EQ(human_count(999'949), "999.9k");
    EXPECT_EQ(human_count(999'950), "1.0M");
    EXPECT_EQ(human_count(999'999'999), "1.0G");
}

TEST(HumanBytes, CountsInPowersOf1024)
{
    EXPECT_EQ(human_bytes(0), "0B");
    EXPECT_EQ(human_bytes(1023), "1023B");
    EXPECT_EQ(human_bytes(1024), "1.0KiB");
    EXPECT_EQ(human_bytes(3650722202), "3.4GiB");
    EXPECT_EQ(human_bytes((1ULL << 20) - 1), "1.0MiB");
    EXPECT_EQ(human_bytes(std::numeric_limits<std::uint64_t>::max()), "16.0EiB");
}

TEST(HumanDuration, ShowsTheTwoLargestUnits)
{
    EXPECT_EQ(human_duration(0), "0s");
    EXPECT_EQ(human_duration(59), "59s");
    EXPECT_EQ(human_duration(184), "3m 4s");
    EXPECT_EQ(human_duration(2 * 3600 + 5 * 60 + 59), "2h 5m");
    EXPECT_EQ(human_duration(3 * 86400 + 4 * 3600), "3d 4h");
}

TEST(Counted, AddsAnSToAllButOne)
{
    EXPECT_EQ(counted(0, "backend"), "0 backends");
    EXPECT_EQ(counted(1, "backend"), "1 backend");
    EXPECT_EQ(counted(2, "VIP"), "2 VIPs");
}

TEST(Printable, LeavesNothingThatDrivesATerminal)
{
    EXPECT_EQ(printable("a\033[31mb\n\r\tc\x7f"), "a [31mb   c ");
    EXPECT_EQ(printable("Zürich"), "Zürich");
}

TEST(Paint, ColoursOnlyWhenEnabled)
{
    EXPECT_EQ(paint("down", Colour::red, true), "\033[31mdown\033[0m");
    EXPECT_EQ(paint("down", Colour::red, false), "down");
    EXPECT_EQ(paint("down", Colour::none, true), "down");
}

Table two_rows()
{
    Table table({{"NAME"}, {"WEIGHT", Align::right}, {"STATE"}});
    table.add({{"gpu-01"}, {"8"}, condition("active")});
    table.add({{"größer"}, {"12345678"}, condition("draining")});
    return table;
}

TEST(Table, AlignsColumnsByWhatIsSeenAndEndsNoLineInBlanks)
{
    EXPECT_EQ(two_rows().render(false), "NAME      WEIGHT  STATE\n"
                                        "gpu-01         8  active\n"
                                        "größer  12345678  draining\n");
}

TEST(Table, ColoursDoNotMoveColumns)
{
    std::string coloured = two_rows().render(true);
    EXPECT_NE(coloured.find("\033[32mactive\033[0m"), std::string::npos);
    for (auto start = coloured.find('\033'); start != std::string::npos; start = coloured.find('\033'))
        coloured.erase(start, coloured.find('m', start) - start + 1);
    EXPECT_EQ(coloured, two_rows().render(false));
}

TEST(Table, KeepsThePlaceOfEmptyAndMissingCells)
{
    Table table({{"A"}, {"B", Align::right}, {"C"}});
    table.add({{""}, {""}, {"c"}});
    table.add({{"aaa"}});
    EXPECT_EQ(table.render(false), "A    B  C\n"
                                   "        c\n"
                                   "aaa\n");
}

TEST(Table, WithoutTitlesHasNoHeader)
{
    Table table({{}, {}});
    table.add({{"generation"}, {"17"}});
    EXPECT_EQ(table.render(true), "generation  17\n");
}

TEST(Changes, AreSignedLines)
{
    const Json changes = Json::parse(R"([
        {"op": "add", "what": "service web"},
        {"op": "remove", "what": "service old"},
        {"op": "change", "what": "service web backend a", "field": "weight", "from": 8, "to": 4},
        {"op": "change", "what": "service web", "field": "encap", "from": null, "to": "ipip"}])");
    EXPECT_EQ(changes_text(changes, false), "+ service web\n"
                                            "- service old\n"
                                            "~ service web backend a: weight 8 -> 4\n"
                                            "~ service web: encap unset -> ipip\n");
    EXPECT_EQ(changes_text(Json::array(), false), "no changes\n");
}

TEST(Problems, AreOneLineEachWithPlaceAndPrefix)
{
    Refused refused({{"/services/0/vips/1", "not\nan address"}, {"", "no"}});
    EXPECT_EQ(render_problems(refused), "ayactl: /services/0/vips/1: not an address\nayactl: no\n");
    refused.prefix = "";
    EXPECT_EQ(render_problems(refused), "/services/0/vips/1: not an address\nno\n");
}

TEST(Problems, AreNeverNoneHoweverOddTheAnswer)
{
    for (const char *body : {"{}", "[]", "null", R"({"errors": []})", R"({"errors": "no"})"}) {
        const auto problems = problems_of(Json::parse(body), 500);
        ASSERT_EQ(problems.size(), 1U) << body;
        EXPECT_NE(problems.front().message.find("500"), std::string::npos);
    }
}

TEST(Status, OfADaemonWithoutDataPlaneSaysSo)
{
    const Json status = Json::parse(R"({"version": "0.1.0", "instance": "default", "pid": 7,
        "uptime_seconds": 60, "generation": 3, "config_file": "/etc/aya/aya.json", "services": 0,
        "backends": {"total": 0}, "dataplane": null, "warnings": ["no data plane"]})");
    EXPECT_EQ(status_text(status, false), "instance       default\n"
                                          "control plane  0.1.0, pid 7, up 1m 0s\n"
                                          "data plane     not running\n"
                                          "configuration  /etc/aya/aya.json\n"
                                          "generation     3\n"
                                          "services       0\n"
                                          "backends       0\n"
                                          "\n"
                                          "warning: no data plane\n");
}

TEST(Status, MarksAWorkerThatIsBehind)
{
    const Json status = Json::parse(R"({"generation": 17, "dataplane": {"pid": 1, "alive": true,
        "uptime_seconds": 1, "ports": [], "workers": [
        {"index": 0, "lcore": 1, "alive": true, "generation": 16, "heartbeat_ms": 3}]}})");
    EXPECT_NE(status_text(status, true).find("\033[33m16\033[0m"), std::string::npos);
}

TEST(BackendTable, ShowsWhereTheWeightInForceDiffers)
{
    const Json backends = Json::parse(R"([{"service": "web", "name": "a", "address": "10.0.1.1",
        "weight": 8, "effective_weight": 0, "state": "draining", "health": "up", "share": 0.0,
        "mac": null, "reachable": false, "packets": 1500, "bytes": 2048}])");
    EXPECT_EQ(
        backend_table(backends, true).render(false),
        "SERVICE  NAME  ADDRESS      WEIGHT  STATE     HEALTH  SHARE  NEXT HOP     PACKETS   BYTES  NOTE\n"
        "web      a     10.0.1.1  8 (now 0)  draining  up       0.0%  unreachable     1.5k  2.0KiB\n");
}

TEST(Reading, ForgivesWhatIsAbsentOrOfAnotherType)
{
    const Json object = Json::parse(R"({"n": null, "s": "x", "b": true, "i": 18446744073709551615})");
    EXPECT_EQ(text(object, "absent"), "-");
    EXPECT_EQ(text(object, "n"), "-");
    EXPECT_EQ(text(object, "b"), "yes");
    EXPECT_EQ(text(object, "i"), "18446744073709551615");
    EXPECT_EQ(number(object, "s"), 0U);
    EXPECT_EQ(number(object, "i"), std::numeric_limits<std::uint64_t>::max());
    EXPECT_TRUE(list(object, "s").empty());
    const Json array = Json::array();
    EXPECT_TRUE(member(array, "s").empty());
}

} // namespace
} // namespace aya::ctl
