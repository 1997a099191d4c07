// SPDX-License-Identifier: BSD-2-Clause
// Completion, manual page and guide against the tree of definitions.
#include "completion.hpp"
#include "fields.hpp"
#include "manpage.hpp"
#include "tree.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <iterator>

namespace aya::ctl
{
namespace
{

using Words = std::vector<std::string>;

// No daemon listens at this socket.
const Words kNowhere = {"--socket", "/nonexistent/api.sock"};

Words offered(Words words)
{
    const Program program;
    words.insert(words.begin(), kNowhere.begin(), kNowhere.end());
    Words found;
    for (const Candidate &candidate : complete(program, words).candidates)
        found.push_back(candidate.word);
    return found;
}

void for_each_command(const CLI::App &app, const std::function<void(const CLI::App &)> &visit)
{
    visit(app);
    for (const CLI::App *command : commands(app))
        for_each_command(*command, visit);
}

Words path_words(const CLI::App &app)
{
    if (app.get_parent() == nullptr)
        return {};
    Words words = path_words(*app.get_parent());
    words.push_back(app.get_name());
    return words;
}

TEST(Completion, OffersEveryCommandAndOptionOfTheTree)
{
    const Program program;
    for_each_command(program.app, [](const CLI::App &app) {
        Words words = path_words(app);
        if (!commands(app).empty()) {
            words.push_back("");
            Words names;
            for (const CLI::App *command : commands(app))
                names.push_back(command->get_name());
            EXPECT_EQ(offered(words), names) << path_of(app);
            words.pop_back();
        }
        words.push_back("--");
        const Words found = offered(words);
        for (const CLI::Option *option : options(app)) {
            const int times = name_of(*option) == "--socket" ? 0 : 1; // that one is given already
            EXPECT_EQ(std::count(found.begin(), found.end(), name_of(*option)), times)
                << path_of(app) << " " << name_of(*option);
        }
    });
}

TEST(Completion, OffersWhatBeginsAsTyped)
{
    EXPECT_EQ(offered({"st"}), Words{"status"});
    EXPECT_EQ(offered({"backend", "d"}), (Words{"drain", "disable"}));
    EXPECT_EQ(offered({"backend", "set", "web", "a", "--we"}), Words{"--weight"});
    EXPECT_EQ(offered({"nonsense", ""}), Words{});
}

TEST(Completion, OffersValuesOfOptions)
{
    EXPECT_EQ(offered({"-o", ""}), (Words{"table", "json"}));
    EXPECT_EQ(offered({"status", "--output", "j"}), Words{"json"});
    EXPECT_EQ(offered({"status", "--output=j"}), Words{"--output=json"});
    EXPECT_EQ(offered({"service", "add", "web", "--encap", ""}), (Words{"l2", "ipip", "gue"}));
    EXPECT_EQ(offered({"completion", ""}), (Words{"bash", "zsh", "fish"}));
    EXPECT_EQ(offered({"backend", "set", "web", "a", "--weight", ""}), Words{});
}

TEST(Completion, DoesNotOfferAnOptionTwiceUnlessItMayBeRepeated)
{
    const Words once = offered({"service", "add", "web", "--encap", "l2", "--vip", "x", "--"});
    EXPECT_EQ(std::count(once.begin(), once.end(), "--encap"), 0);
    EXPECT_EQ(std::count(once.begin(), once.end(), "--vip"), 1);
}

TEST(Completion, LeavesFilesAndFoldersToTheShell)
{
    const Program program;
    EXPECT_EQ(complete(program, {"config", "check", ""}).ask, Completion::Ask::files);
    EXPECT_EQ(complete(program, {"service", "add", "--file", ""}).ask, Completion::Ask::files);
    EXPECT_EQ(complete(program, {"--run-dir", ""}).ask, Completion::Ask::directories);
    EXPECT_EQ(render_completion(complete(program, {"config", "check", ""})), ":files\n");
}

TEST(Completion, IsQuietWhenNobodyKnowsTheNames)
{
    EXPECT_EQ(offered({"service", "show", ""}), Words{});
    EXPECT_EQ(offered({"backend", "drain", "web", ""}), Words{});
    EXPECT_EQ(offered({"--run-dir", "/nonexistent", "--instance", ""}), Words{});
}

// Texts that must name everything: the page is generated, the guide is written by hand.
void expect_all_named(const std::string &page, const std::function<std::string(std::string)> &spelling)
{
    const Program program;
    for_each_command(program.app, [&](const CLI::App &app) {
        if (commands(app).empty()) {
            EXPECT_NE(page.find(spelling(path_of(app))), std::string::npos) << path_of(app);
        }
        for (const CLI::Option *option : options(app))
            EXPECT_NE(page.find(spelling(name_of(*option))), std::string::npos) << name_of(*option);
    });
}

TEST(ManPage, NamesEveryCommandAndOption)
{
    const Program program;
    expect_all_named(man_page(program.app), [](const std::string &text) {
        std::string roff;
        for (const char c : text)
            roff += c == '-' ? "\\-" : std::string(1, c);
        return roff;
    });
}

TEST(Guide, NamesEveryCommandAndOption)
{
    std::ifstream file(AYACTL_GUIDE);
    ASSERT_TRUE(file) << AYACTL_GUIDE;
    std::string guide{std::istreambuf_iterator<char>(file), {}};
    // Options that are keys of the configuration have its reference instead.
    for (const KeyOptions &keys : {service_options(), backend_options()}) {
        for (const std::string &name : keys.names())
            guide += name + "\n";
    }
    expect_all_named(guide, [](std::string text) { return text; });
}

} // namespace
} // namespace aya::ctl
