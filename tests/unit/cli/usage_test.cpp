// SPDX-License-Identifier: BSD-2-Clause
// What is said about a command line that does not parse.
#include "commands.hpp"
#include "help.hpp"
#include "tree.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace aya::ctl
{
namespace
{

using Words = std::vector<std::string>;

std::string complaint(const Words &words)
{
    Program program;
    std::vector<std::string> reversed(words.rbegin(), words.rend());
    try {
        program.app.parse(reversed);
    } catch (const CLI::ParseError &error) {
        return usage_error(program.app, words, error.what());
    }
    return "understood";
}

const std::string kBackendUsage =
    "usage: ayactl backend list|add|set|drain|enable|disable|remove [OPTIONS]\n";

TEST(UsageError, SuggestsTheCommandThatWasMeant)
{
    EXPECT_EQ(complaint({"backend", "dran", "web", "a"}),
              "ayactl: no command \"backend dran\"; did you mean \"backend drain\"?\n" + kBackendUsage);
    EXPECT_NE(complaint({"stauts"}).find("did you mean \"status\"?"), std::string::npos);
    EXPECT_NE(complaint({"services", "list"}).find("did you mean \"service\"?"), std::string::npos);
    EXPECT_NE(complaint({"conf", "show"}).find("did you mean \"config\"?"), std::string::npos);
}

TEST(UsageError, FindsACommandThatLacksItsGroup)
{
    EXPECT_NE(complaint({"drain", "web", "a"}).find("did you mean \"backend drain\"?"), std::string::npos);
    EXPECT_NE(complaint({"list"}).find("did you mean \"service list\" or \"backend list\"?"),
              std::string::npos);
}

TEST(UsageError, DoesNotSuggestWhatIsFarOff)
{
    EXPECT_EQ(complaint({"backend", "xyzzy"}), "ayactl: no command \"backend xyzzy\"\n" + kBackendUsage);
}

TEST(UsageError, SuggestsOptionsOfTheCommandAndThoseOfAll)
{
    EXPECT_NE(complaint({"service", "add", "web", "--vp", "x"})
                  .find("\"ayactl service add\" has no option \"--vp\"; did you mean \"--vip\"?"),
              std::string::npos);
    EXPECT_NE(complaint({"service", "add", "web", "--outptu=json"}).find("did you mean \"--output\"?"),
              std::string::npos);
}

TEST(UsageError, NamesWhatIsMissing)
{
    EXPECT_EQ(complaint({"backend", "set"}),
              "ayactl: \"ayactl backend set\" requires SERVICE and NAME\n"
              "usage: ayactl backend set SERVICE NAME [--weight N] [--mac MAC] [--server-id HEX]\n");
    EXPECT_EQ(complaint({"backend"}), "ayactl: \"ayactl backend\" requires a command\n" + kBackendUsage);
    EXPECT_NE(complaint({"backend", "set", "web", "a", "--weight"}).find("--weight requires a value: N"),
              std::string::npos);
    EXPECT_NE(complaint({}).find("\"ayactl\" requires a command"), std::string::npos);
}

TEST(UsageError, NamesWhatIsTooMuch)
{
    EXPECT_EQ(complaint({"status", "now"}), "ayactl: \"ayactl status\" takes no argument \"now\"\n"
                                            "usage: ayactl status\n");
}

TEST(UsageError, IsAlwaysTwoShortLines)
{
    for (const Words &words :
         {Words{}, Words{"x"}, Words{"service"}, Words{"service", "add", "--nope"}, Words{"-o"},
          Words{"-o", "xml", "status"}, Words{"completion", "tcsh"}, Words{"counters", "--all", "--nonzero"},
          Words{"status", "--timeout", "soon"}, Words{"--instance", "a/b", "status"},
          Words{"backend", "set", "web", "a", "--weight", "many"}, Words{"status", "--", "x"}}) {
        const std::string text = complaint(words);
        EXPECT_TRUE(text.starts_with("ayactl: ")) << text;
        EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;
        EXPECT_NE(text.find("\nusage: ayactl"), std::string::npos) << text;
        EXPECT_LT(text.size(), 250U) << text;
    }
}

TEST(Help, OfTheProgramListsEveryCommand)
{
    const Program program;
    const std::string help = program.app.help();
    for (const char *command :
         {"status", "service add", "backend drain", "config reload", "explain", "completion"})
        EXPECT_NE(help.find("\n  " + std::string(command) + " "), std::string::npos) << command;
    EXPECT_EQ(help.find("man "), std::string::npos);
}

TEST(UsageLine, SpellsOutFewOptionsAndSumsUpMany)
{
    Program program;
    const auto usage = [&program](const char *group, const char *verb) {
        return usage_line(*program.app.get_subcommand(group)->get_subcommand(verb));
    };
    EXPECT_EQ(usage("backend", "add"),
              "ayactl backend add SERVICE NAME ADDRESS [--weight N] [--mac MAC] [--server-id HEX]");
    EXPECT_EQ(usage("service", "add"), "ayactl service add [NAME] [OPTIONS]");
    EXPECT_EQ(usage("backend", "list"), "ayactl backend list [SERVICE]");
}

} // namespace
} // namespace aya::ctl
