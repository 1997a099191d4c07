// SPDX-License-Identifier: BSD-2-Clause
#include "aya/name.hpp"

#include <gtest/gtest.h>

#include <string>

namespace aya::test::name_test
{
namespace
{

TEST(Name, FitsTablesUrlsFileNamesAndCommandLines)
{
    for (const char *good : {"a", "A9", "0", "gpu-01", "eu_west.1", "a..b", "x-"})
        EXPECT_TRUE(is_name(good)) << good;
    for (const char *bad : {"", ".", "..", ".a", "-a", "_a", "a/b", "a b", "a:b", "a\n", "\xc3\xa4"})
        EXPECT_FALSE(is_name(bad)) << bad;
    EXPECT_FALSE(is_name(std::string_view("a\0b", 3)));
}

TEST(Name, FitsATableEntryWithItsEnd)
{
    EXPECT_TRUE(is_name(std::string(AYA_NAME_SIZE - 1, 'a')));
    EXPECT_FALSE(is_name(std::string(AYA_NAME_SIZE, 'a')));
    EXPECT_FALSE(is_name("abc", 2));
}

} // namespace
} // namespace aya::test::name_test
