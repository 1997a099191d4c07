// SPDX-License-Identifier: BSD-2-Clause
// Lists of clients: in the configuration, in files, and by what is named.
#include "config/list_files.hpp"
#include "config/merge.hpp"

#include "support.hpp"
#include "temporary_directory.hpp"

#include <filesystem>
#include <fstream>

namespace aya::test::lists_test
{

namespace
{

constexpr const char *kPrefix = "; allowed: a network or an address such as \"198.51.100.0/24\", "
                                "\"198.51.100.7\" or \"2001:db8:7::/48\", with no bits set after the prefix "
                                "length";

Lines texts_of(const std::vector<Prefix> &prefixes)
{
    Lines texts;
    for (const Prefix &prefix : prefixes)
        texts.push_back(to_string(prefix));
    return texts;
}

OrderedJson list(const std::string &name, const OrderedJson &prefixes)
{
    return {{"name", name}, {"prefixes", prefixes}};
}

// The valid configuration with one list, which service web denies.
OrderedJson with_list(const OrderedJson &made)
{
    OrderedJson json = valid_json();
    json["lists"] = OrderedJson::array({made});
    json["services"][0]["deny"] = {made["name"]};
    return json;
}

} // namespace

TEST(Lists, HavePrefixesOfBothFamilies)
{
    const auto config =
        parse_config(with_list(list("bad", {"10.0.0.0/8", "192.0.2.1", "2001:db8::/32"})).dump());
    ASSERT_TRUE(config) << error_of(with_list(list("bad", {"10.0.0.0/8"})).dump());
    EXPECT_EQ(texts_of(config->lists[0].prefixes), (Lines{"10.0.0.0/8", "192.0.2.1", "2001:db8::/32"}));
    EXPECT_EQ(config->services[0].deny, Lines{"bad"});
    EXPECT_EQ(parse_config(to_json(*config).dump()).value(), *config);
}

TEST(Lists, InAFileHaveOnePrefixPerLineAndComments)
{
    ErrorSink errors;
    const auto prefixes = parse_list("# of today\n10.0.0.0/8\n\n  192.0.2.1 ; SBL1\r\n\t2001:db8::/32#x", "f",
                                     "/w", LinesOfFile::shown, errors);
    EXPECT_TRUE(errors.empty());
    EXPECT_EQ(texts_of(prefixes), (Lines{"10.0.0.0/8", "192.0.2.1", "2001:db8::/32"}));
}

TEST(Lists, AWrongLineIsNamed)
{
    ErrorSink errors;
    parse_list("10.0.0.0/8\n10.0.0.1/8\nnonsense\n", "/etc/bad", "/lists/0/file", LinesOfFile::shown, errors);
    EXPECT_EQ(lines_of(errors.take()),
              (Lines{std::string("f: /lists/0/file: /etc/bad line 2: found \"10.0.0.1/8\", its network is "
                                 "10.0.0.0/8") +
                         kPrefix,
                     std::string("f: /lists/0/file: /etc/bad line 3: found \"nonsense\"") + kPrefix}));
}

TEST(Lists, ThereIsAnEndToTheErrorsOfAFile)
{
    ErrorSink errors;
    std::string text;
    for (int i = 0; i < 1000; i++)
        text += "nonsense\n";
    parse_list(text, "f", "/w", LinesOfFile::shown, errors);
    EXPECT_EQ(errors.take().size(), 10U);
}

TEST(Lists, AreReadFromTheirFiles)
{
    const TemporaryDirectory directory;
    const std::string file = directory / "bad.txt";
    std::ofstream(file) << "198.51.100.0/24\n";
    const OrderedJson json = with_list({{"name", "bad"}, {"file", file}});
    const auto before = parse_config(json.dump());
    ASSERT_TRUE(before) << error_of(json.dump());
    EXPECT_EQ(texts_of(before->lists[0].of_file), Lines{"198.51.100.0/24"});
    std::ofstream(file) << "198.51.100.0/24\n203.0.113.7\n";
    const auto after = parse_config(json.dump());
    ASSERT_TRUE(after);
    const auto changes = diff(*before, *after);
    ASSERT_EQ(changes.size(), 1U);
    EXPECT_EQ(to_string(changes[0]), "change list bad: number of prefixes 1 -> 2");
    EXPECT_FALSE(needs_restart(changes[0]));
}

TEST(Lists, WhoseFileCannotBeReadAreRefused)
{
    const TemporaryDirectory directory;
    const std::string missing = directory / "bad.txt";
    for (const auto &[file, why] :
         {std::pair(missing, "no such file"), std::pair(directory.path().string(), "not a regular file"),
          std::pair(std::string("/dev/zero"), "not a regular file")})
        EXPECT_EQ(error_of(with_list({{"name", "bad"}, {"file", file}}).dump()),
                  "/lists/0/file: found " + quote(file) + ": " + why +
                      "; required: a file of prefixes that aya-controlplane can read");
}

// Those who may name a file may not be those who may read it: group `aya` may not read keys.
TEST(Lists, ShowNothingOfFilesThatNotAllUsersCanRead)
{
    using std::filesystem::perms;
    const TemporaryDirectory directory;
    const std::string file = directory / "key", secret = "8f95f09245765f80256934e50c66207f";
    const OrderedJson json = with_list({{"name", "bad"}, {"file", file}});
    std::ofstream(file) << secret << "\n198.51.100.1/24\n";
    const auto error_with = [&](perms of_directory, perms of_file) {
        std::filesystem::permissions(directory.path(), of_directory);
        std::filesystem::permissions(file, of_file);
        const Lines lines = errors_of(parse_config(json.dump()));
        EXPECT_EQ(lines.size(), 2U);
        return lines.at(0) + lines.at(1);
    };
    const perms all{0755}, own{0700}, group{0640};
    EXPECT_NE(error_with(all, all).find("line 1: found \"" + secret + "\""), std::string::npos);
    for (const std::string &hidden : {error_with(all, group), error_with(own, all)}) {
        EXPECT_NE(hidden.find("line 1: found something else"), std::string::npos) << hidden;
        EXPECT_EQ(hidden.find(secret), std::string::npos) << hidden;
        EXPECT_EQ(hidden.find("its network"), std::string::npos) << hidden;
    }
}

TEST(Lists, InFilesAreNotReadBeyondTheirLimit)
{
    ErrorSink errors;
    std::string text;
    for (std::size_t i = 0; i <= kMostPrefixes; i++)
        text += "10.0.0.1\n";
    EXPECT_EQ(parse_list(text + "nonsense\n", "f", "/w", LinesOfFile::shown, errors).size(),
              kMostPrefixes + 1);
    EXPECT_TRUE(errors.empty());
    const TemporaryDirectory directory;
    const std::string file = directory / "bad.txt";
    std::ofstream(file) << text;
    EXPECT_EQ(error_of(with_list({{"name", "bad"}, {"file", file}}).dump()),
              "/lists/0/file: found a list of more than 100000 prefixes; allowed: at most 100000");
    std::filesystem::resize_file(file, (1 << 23) + 1);
    EXPECT_NE(error_of(with_list({{"name", "bad"}, {"file", file}}).dump()).find(": more than 8 MiB; "),
              std::string::npos);
}

TEST(Lists, AreNamedByServicesAlone)
{
    OrderedJson json = with_list(list("bad", {"10.0.0.0/8"}));
    json["services"][1]["allow"] = {"offices"};
    EXPECT_EQ(error_of(json.dump()), "/services/1/allow/0: found \"offices\"; allowed: the list \"bad\"");
    json.erase("lists");
    json["services"][0].erase("deny");
    EXPECT_EQ(error_of(json.dump()),
              "/services/1/allow/0: found \"offices\"; allowed: nothing, because there are no /lists");
}

TEST(Lists, HaveEachNameOnce)
{
    OrderedJson json = with_list(list("bad", {"10.0.0.0/8"}));
    json["lists"].push_back(list("bad", {"11.0.0.0/8"}));
    EXPECT_EQ(error_of(json.dump()),
              "/lists/1/name: found \"bad\", which /lists/0/name already has; allowed: each once");
}

TEST(Lists, HaveALimit)
{
    OrderedJson prefixes = OrderedJson::array();
    for (std::size_t i = 0; i <= kMostPrefixes; i++)
        prefixes.push_back("10." + std::to_string(i >> 16) + "." + std::to_string(i >> 8 & 255) + "." +
                           std::to_string(i & 255));
    EXPECT_EQ(error_of(with_list(list("bad", prefixes)).dump()),
              "/lists/0/prefixes: found a list of 100001 prefixes; allowed: at most 100000");
    OrderedJson json = valid_json();
    prefixes.erase(prefixes.size() - 1);
    for (const char *name : {"a", "b", "c", "d", "e", "f"}) {
        json["lists"].push_back(list(name, prefixes));
        json["services"][0]["deny"].push_back(name);
    }
    EXPECT_EQ(error_of(json.dump()), "/services/0: found lists of 600000 prefixes in all; allowed: at most "
                                     "500000 for a service");
}

TEST(Lists, ThatLeaveTheFileMustNotBeInUse)
{
    const Config before = parse_config(with_list(list("bad", {"10.0.0.0/8"})).dump()).value();
    Config running = before;
    running.services[1].deny = {"bad"}; // at run time
    Config after = before;
    after.lists.clear();
    after.services[0].deny.clear();
    EXPECT_EQ(places_of(merge(before.services, after, running.services)), Lines{"/services/1/deny/0"});
}

} // namespace aya::test::lists_test
