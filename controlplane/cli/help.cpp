// SPDX-License-Identifier: BSD-2-Clause
#include "help.hpp"

#include "common/suggest.hpp"
#include "tree.hpp"

#include <algorithm>

namespace aya::ctl
{

namespace
{

using Lines = std::vector<std::pair<std::string, std::string>>;

// Two columns; texts that are too long for the first one get their own line.
std::string two_columns(const Lines &lines)
{
    constexpr std::size_t kWidest = 30;
    std::size_t width = 0;
    for (const auto &[left, right] : lines) {
        if (left.size() <= kWidest)
            width = std::max(width, left.size());
    }
    std::string text;
    for (const auto &[left, right] : lines) {
        text += "  " + left;
        if (left.size() <= width)
            text.append(width - left.size() + 2, ' ');
        else
            text += "\n" + std::string(width + 4, ' ');
        text += right + "\n";
    }
    return text;
}

void collect_commands(const CLI::App &app, Lines &lines)
{
    for (const CLI::App *command : commands(app)) {
        if (commands(*command).empty())
            lines.emplace_back(verb_of(*command), command->get_description());
        else
            collect_commands(*command, lines);
    }
}

Lines option_lines(const CLI::App &app)
{
    Lines lines;
    for (const CLI::Option *option : options(app))
        lines.emplace_back(spelled(*option), option->get_description());
    return lines;
}

std::string section(const std::string &title, const Lines &lines)
{
    return lines.empty() ? "" : "\n" + title + ":\n" + two_columns(lines);
}

std::string quoted(const std::string &word)
{
    return "\"" + word + "\"";
}

std::vector<std::string_view> views(const std::vector<std::string> &words)
{
    return {words.begin(), words.end()};
}

std::string suggestion(const std::vector<std::string_view> &meant)
{
    return meant.empty() ? "" : "; " + did_you_mean(meant);
}

// "list" alone may be "service list" or "backend list".
std::vector<std::string> verbs_below(const CLI::App &root, const std::string &word)
{
    std::vector<std::string> found;
    for (const CLI::App *group : commands(root)) {
        for (const CLI::App *verb : commands(*group)) {
            if (verb->get_name() == word)
                found.push_back(verb_of(*verb));
        }
    }
    return found;
}

std::string unknown_command(const CLI::App &root, const Walk::Stray &stray)
{
    const std::string above = verb_of(*stray.at);
    const std::string prefix = above.empty() ? "" : above + " ";
    std::string message = "no command " + quoted(prefix + stray.word);
    if (stray.word == "help")
        return message + "; did you mean " + quoted(path_of(*stray.at) + " --help") + "?";
    std::vector<std::string> names;
    for (const CLI::App *command : commands(*stray.at))
        names.push_back(command->get_name());
    std::vector<std::string> meant;
    for (const std::string_view name : nearest(stray.word, views(names)))
        meant.push_back(prefix + std::string(name));
    if (meant.empty() && stray.at == &root)
        meant = verbs_below(root, stray.word);
    return message + suggestion(views(meant));
}

std::string unknown_option(const Walk::Stray &stray)
{
    std::vector<std::string> names;
    for (const CLI::App *app = stray.at; app != nullptr; app = app->get_parent()) {
        for (const CLI::Option *option : options(*app)) {
            for (const std::string &name : option->get_lnames())
                names.push_back("--" + name);
        }
    }
    return quoted(path_of(*stray.at)) + " has no option " + quoted(stray.word) +
           suggestion(nearest(stray.word, views(names)));
}

// Required positionals that were not given.
std::string missing_arguments(const Walk &at)
{
    std::string names;
    std::size_t index = 0;
    for (const CLI::Option *positional : positionals(*at.app)) {
        if (index++ >= at.positionals.size() && positional->get_required())
            names += (names.empty() ? "" : " and ") + positional->get_name(true);
    }
    return names;
}

std::string what_is_wrong(const CLI::App &root, const Walk &at, const std::string &message)
{
    if (at.stray && at.stray->kind == Walk::Unknown::command)
        return unknown_command(root, *at.stray);
    if (at.stray && at.stray->kind == Walk::Unknown::option)
        return unknown_option(*at.stray);
    if (at.pending != nullptr)
        return name_of(*at.pending) + " requires a value: " + at.pending->get_type_name();
    if (at.stray)
        return quoted(path_of(*at.stray->at)) + " takes no argument " + quoted(at.stray->word);
    if (!commands(*at.app).empty())
        return quoted(path_of(*at.app)) + " requires a command";
    const std::string missing = missing_arguments(at);
    return missing.empty() ? message : quoted(path_of(*at.app)) + " requires " + missing;
}

} // namespace

std::string Help::make_help(const CLI::App *app, std::string /*name*/, CLI::AppFormatMode /*mode*/) const
{
    std::string text = app->get_description() + "\n\nusage: " + usage_line(*app) + "\n";
    Lines lines;
    collect_commands(*app, lines);
    text += section("commands", lines);
    lines.clear();
    for (const CLI::Option *positional : positionals(*app))
        lines.emplace_back(positional->get_name(true), positional->get_description());
    text += section("arguments", lines);
    if (app->get_parent() == nullptr)
        return text + section("options of every command", option_lines(*app));
    text += section("options", option_lines(*app));
    return text + "\n-o table|json, --instance NAME and the other options of every command: ayactl --help\n";
}

std::string usage_error(const CLI::App &root, const std::vector<std::string> &words,
                        const std::string &message)
{
    const Walk at = walk(root, words);
    const CLI::App *command = at.stray ? at.stray->at : at.app;
    return "ayactl: " + what_is_wrong(root, at, message) + "\nusage: " + usage_line(*command) + "\n";
}

} // namespace aya::ctl
