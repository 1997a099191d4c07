// SPDX-License-Identifier: BSD-2-Clause
#include "rates.hpp"

#include <gtest/gtest.h>

namespace aya::ctl
{
namespace
{

const Json kBefore = Json::parse(R"({
    "workers": 2,
    "reasons": [{"name": "forwarded", "help": "sent", "value": 1000}, {"name": "bad_ip", "help": "bad", "value": 9}],
    "services": [{"name": "web", "packets": 1000, "bytes": 50000, "new_flows": 10}],
    "backends": [{"service": "web", "name": "one", "packets": 400, "bytes": 20000},
                 {"service": "dns", "name": "one", "packets": 1, "bytes": 1}]})");

TEST(Rates, AreDifferencesByTheTimeBetween)
{
    Json after = kBefore;
    after["reasons"][0]["value"] = 3000;
    after["services"][0]["packets"] = 1003;
    after["services"][0]["bytes"] = 51001;
    after["backends"][1]["packets"] = 5;
    const Json rates = per_second(kBefore, after, 2.0);
    EXPECT_EQ(rates["workers"], 2) << "no counter";
    EXPECT_EQ(rates["seconds"], 2.0);
    EXPECT_EQ(rates["reasons"][0], Json::parse(R"({"name": "forwarded", "help": "sent", "value": 1000})"));
    EXPECT_EQ(rates["reasons"][1]["value"], 0);
    EXPECT_EQ(rates["services"][0],
              Json::parse(R"({"name": "web", "packets": 2, "bytes": 501, "new_flows": 0})"))
        << "rounded";
    EXPECT_EQ(rates["backends"][0]["packets"], 0) << "not taken for the one of the same name";
    EXPECT_EQ(rates["backends"][1]["packets"], 2);
}

TEST(Rates, CountFromZeroWhatIsNewOrStartedAgain)
{
    Json after = kBefore;
    after["reasons"][0]["value"] = 50; // a data plane that started again
    after["services"].push_back(
        Json::parse(R"({"name": "new", "packets": 30, "bytes": 300, "new_flows": 3})"));
    const Json rates = per_second(kBefore, after, 0.5);
    EXPECT_EQ(rates["reasons"][0]["value"], 100);
    EXPECT_EQ(rates["services"][1]["packets"], 60);
}

TEST(Rates, TakeAnswersWithoutLists)
{
    EXPECT_EQ(per_second(Json::object(), Json::object(), 1.0), Json::parse(R"({"seconds": 1.0})"));
    EXPECT_EQ(per_second(Json::object(), kBefore, 1.0)["reasons"][0]["value"], 1000);
    EXPECT_FALSE(per_second(kBefore, Json::object(), 1.0).contains("reasons"));
}

} // namespace
} // namespace aya::ctl
