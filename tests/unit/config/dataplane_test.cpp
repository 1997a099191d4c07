// SPDX-License-Identifier: BSD-2-Clause
// The section `dataplane` as aya-dataplane reads it: alone, out of a whole configuration.
#include "common/config/dataplane.hpp"

#include "support.hpp"

namespace aya::test
{

constexpr const char *kSection = R"({"workers": [1], "ports": [{"device": "net_null0"}]})";

std::string config_with(const std::string &section)
{
    return R"({"seed": "someone else's", "services": 7, "unheard": {}, "dataplane": )" + section + "}";
}

TEST(ParseDataplane, LeavesTheOtherSectionsAlone)
{
    const auto dataplane = parse_dataplane(config_with(kSection));
    ASSERT_TRUE(dataplane) << ::testing::PrintToString(errors_of(dataplane));
    DataplaneConfig expected;
    expected.workers = {1};
    expected.ports.emplace_back().device = "net_null0";
    EXPECT_EQ(*dataplane, expected);
}

TEST(ParseDataplane, ReadsTheSectionAsAWholeConfigurationHasIt)
{
    const std::string text = valid_json().dump();
    EXPECT_EQ(parse_dataplane(text).value(), valid_config().dataplane);
}

TEST(ParseDataplane, NeedsTheSection)
{
    EXPECT_EQ(places_of(parse_dataplane("{}")), Lines{"/dataplane"});
    EXPECT_EQ(places_of(parse_dataplane("[]"), {"an empty list"}), Lines{" an empty list"});
}

TEST(ParseDataplane, ReportsEveryError)
{
    const auto dataplane =
        parse_dataplane(config_with(R"({"workers": [1, 1], "ports": [{}], "memory": 1, "x": 0})"));
    EXPECT_EQ(errors_of(dataplane).size(), 4U) << ::testing::PrintToString(errors_of(dataplane));
}

TEST(ParseDataplane, RefusesAKeyThatStandsTwiceAnywhere)
{
    EXPECT_EQ(
        places_of(parse_dataplane(std::string(R"({"dataplane": )") + kSection + R"(, "a": 1, "a": 2})")),
        Lines{"/a"});
}

TEST(LoadDataplane, SaysThatThereIsNoFile)
{
    const auto dataplane = load_dataplane("/nonexistent/aya.json");
    ASSERT_FALSE(dataplane);
    EXPECT_EQ(dataplane.errors().at(0).kind, ErrorKind::io);
}

} // namespace aya::test
