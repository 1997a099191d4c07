// SPDX-License-Identifier: BSD-2-Clause
#include "common/suggest.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace aya
{
namespace
{

using Words = std::vector<std::string_view>;

Words meant_by(std::string_view word, const Words &candidates)
{
    return nearest(word, candidates);
}

TEST(Nearest, FindsSwappedMissingAndExtraLetters)
{
    const Words keys{"address", "weight", "state", "mac"};
    EXPECT_EQ(meant_by("wieght", keys), Words{"weight"});
    EXPECT_EQ(meant_by("weigt", keys), Words{"weight"});
    EXPECT_EQ(meant_by("adress", keys), Words{"address"});
    EXPECT_EQ(meant_by("sate", keys), Words{"state"});
    EXPECT_EQ(meant_by("macc", keys), Words{"mac"});
}

TEST(Nearest, ForgivesMoreInLongWords)
{
    EXPECT_EQ(meant_by("wbe", {"web"}), Words{"web"}) << "one in three letters";
    EXPECT_EQ(meant_by("cat", {"web"}), Words{});
    EXPECT_EQ(meant_by("mca", {"vip"}), Words{});
    EXPECT_EQ(meant_by("lokupsize", {"lookup_size"}), Words{"lookup_size"}) << "two in nine";
    EXPECT_EQ(meant_by("xookux_sixe", {"lookup_size"}), Words{"lookup_size"}) << "three";
    EXPECT_EQ(meant_by("xxokux_sixe", {"lookup_size"}), Words{}) << "four";
}

TEST(Nearest, TakesTheBeginningOfAWordForIt)
{
    EXPECT_EQ(meant_by("conf", {"config", "counters"}), Words{"config"});
    EXPECT_EQ(meant_by("--sche", {"--scheduler", "--state"}), Words{"--scheduler"});
    EXPECT_EQ(meant_by("c", {"config", "counters"}), Words{}) << "one letter is no sign";
    EXPECT_EQ(meant_by("--", {"--scheduler", "--state"}), Words{});
}

TEST(Nearest, DoesNotCountTheHyphensOfAnOption)
{
    EXPECT_EQ(meant_by("--vp", {"--vip", "--mac"}), Words{"--vip"});
    EXPECT_EQ(meant_by("--map", {"--vip"}), Words{}) << "two of three letters";
}

TEST(Nearest, GivesAtMostThreeThatAreEquallyClose)
{
    EXPECT_EQ(meant_by("gpu-0", {"gpu-01", "gpu-02", "gpu-03", "gpu-04"}),
              (Words{"gpu-01", "gpu-02", "gpu-03"}));
    EXPECT_EQ(meant_by("gpu-010", {"gpu-02", "gpu-01"}), Words{"gpu-01"}) << "the closest alone";
}

TEST(Nearest, IsNothingForWhatIsNoWord)
{
    EXPECT_EQ(meant_by("", {"a", "ab"}), Words{});
    EXPECT_EQ(meant_by(std::string(41, 'a'), {std::string_view("a")}), Words{});
    EXPECT_EQ(meant_by("b", {"a"}), Words{}) << "every letter is another";
    EXPECT_EQ(meant_by("web", {}), Words{});
}

TEST(DidYouMean, IsASentence)
{
    EXPECT_EQ(did_you_mean(Words{}), "");
    EXPECT_EQ(did_you_mean(Words{"a"}), "did you mean \"a\"?");
    EXPECT_EQ(did_you_mean(Words{"a", "b"}), "did you mean \"a\" or \"b\"?");
    EXPECT_EQ(did_you_mean(Words{"a", "b", "c"}), "did you mean \"a\", \"b\" or \"c\"?");
}

// The definition, without any table.
std::size_t slow_distance(const std::string &a, const std::string &b)
{
    if (a.empty() || b.empty())
        return a.size() + b.size();
    const std::string shorter_a = a.substr(1);
    const std::string shorter_b = b.substr(1);
    std::size_t best = std::min({slow_distance(shorter_a, b) + 1, slow_distance(a, shorter_b) + 1,
                                 slow_distance(shorter_a, shorter_b) + (a[0] == b[0] ? 0 : 1)});
    if (a.size() > 1 && b.size() > 1 && a[0] == b[1] && a[1] == b[0])
        best = std::min(best, slow_distance(a.substr(2), b.substr(2)) + 1);
    return best;
}

TEST(EditDistance, AgreesWithItsDefinition)
{
    std::mt19937 random(1);
    const auto word = [&random] {
        std::string text(random() % 6, 'a');
        for (char &c : text)
            c = static_cast<char>('a' + random() % 3);
        return text;
    };
    for (int i = 0; i < 500; ++i) {
        const std::string a = word();
        const std::string b = word();
        EXPECT_EQ(edit_distance(a, b), slow_distance(a, b)) << a << " " << b;
    }
}

} // namespace
} // namespace aya
