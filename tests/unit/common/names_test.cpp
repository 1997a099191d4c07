// SPDX-License-Identifier: BSD-2-Clause
#include "common/names.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace aya::test
{

enum class Fruit { apple, pear, none_of_the_names };

struct FruitRow {
    Fruit value;
    std::string name;
    int price; // rows may know more
};

const std::vector<FruitRow> &names_of(Fruit)
{
    static const std::vector<FruitRow> rows{{Fruit::apple, "apple", 3}, {Fruit::pear, "pear", 4}};
    return rows;
}

TEST(Names, GoBothWays)
{
    EXPECT_EQ(to_string(Fruit::pear), "pear");
    EXPECT_EQ(parse_name<Fruit>("pear"), Fruit::pear);
    EXPECT_EQ(parse_name<Fruit>("apple"), Fruit::apple);
}

TEST(Names, OfNothingAreNone)
{
    EXPECT_EQ(to_string(Fruit::none_of_the_names), "");
    for (const char *text : {"", "pea", "pears", "Pear"})
        EXPECT_EQ(parse_name<Fruit>(text), std::nullopt) << text;
}

} // namespace aya::test
