// SPDX-License-Identifier: BSD-2-Clause
#include "tree.hpp"

namespace aya::ctl
{

namespace
{

// More options than this are not spelled out in a usage line.
constexpr std::size_t kFewOptions = 3;

bool repeatable(const CLI::Option &option)
{
    return option.get_items_expected_max() > 1;
}

std::string positional_usage(const CLI::Option &option)
{
    std::string text = option.get_name(true);
    if (repeatable(option))
        text += "...";
    return option.get_required() ? text : "[" + text + "]";
}

std::string option_usage(const CLI::Option &option)
{
    std::string text = name_of(option);
    if (takes_value(option))
        text += " " + option.get_type_name();
    if (!option.get_required())
        text = "[" + text + "]";
    return repeatable(option) ? text + "..." : text;
}

class Walker
{
public:
    explicit Walker(const CLI::App &root) { walk_.app = &root; }

    void take(const std::string &word)
    {
        if (walk_.pending != nullptr) {
            walk_.values[walk_.pending] = word;
            walk_.pending = nullptr;
        } else if (walk_.only_positionals || word.size() < 2 || word.front() != '-') {
            take_plain(word);
        } else if (word == "--") {
            walk_.only_positionals = true;
        } else if (word[1] == '-') {
            take_long(word);
        } else {
            take_short(word);
        }
    }

    Walk result() && { return std::move(walk_); }

private:
    void take_plain(const std::string &word)
    {
        const auto verbs = commands(*walk_.app);
        for (const CLI::App *verb : verbs) {
            if (!walk_.only_positionals && verb->get_name() == word) {
                walk_.app = verb;
                return;
            }
        }
        if (!verbs.empty()) {
            note(Walk::Unknown::command, word);
            return;
        }
        int room = 0;
        for (const CLI::Option *positional : positionals(*walk_.app))
            room += positional->get_items_expected_max();
        if (walk_.positionals.size() >= static_cast<std::size_t>(room))
            note(Walk::Unknown::argument, word);
        walk_.positionals.push_back(word);
    }

    void take_long(const std::string &word)
    {
        const auto equals = word.find('=');
        const CLI::Option *option = find_option(*walk_.app, word.substr(0, equals));
        if (option == nullptr) {
            note(Walk::Unknown::option, word.substr(0, equals));
            return;
        }
        walk_.values[option] = equals == std::string::npos ? "" : word.substr(equals + 1);
        if (equals == std::string::npos && takes_value(*option))
            walk_.pending = option;
    }

    void take_short(const std::string &word)
    {
        const CLI::Option *option = find_option(*walk_.app, word.substr(0, 2));
        if (option == nullptr) {
            note(Walk::Unknown::option, word);
            return;
        }
        walk_.values[option] = word.substr(2);
        if (word.size() == 2 && takes_value(*option))
            walk_.pending = option;
    }

    void note(Walk::Unknown kind, const std::string &word)
    {
        if (!walk_.stray)
            walk_.stray = Walk::Stray{kind, word, walk_.app};
    }

    Walk walk_;
};

} // namespace

std::vector<const CLI::App *> commands(const CLI::App &app)
{
    return app.get_subcommands([](const CLI::App *sub) { return !sub->get_group().empty(); });
}

std::vector<const CLI::Option *> options(const CLI::App &app)
{
    return app.get_options(
        [](const CLI::Option *option) { return option->nonpositional() && !option->get_group().empty(); });
}

std::vector<const CLI::Option *> positionals(const CLI::App &app)
{
    return app.get_options([](const CLI::Option *option) { return option->get_positional(); });
}

bool takes_value(const CLI::Option &option)
{
    return option.get_items_expected_max() > 0;
}

std::string name_of(const CLI::Option &option)
{
    if (!option.get_lnames().empty())
        return "--" + option.get_lnames().front();
    if (!option.get_snames().empty())
        return "-" + option.get_snames().front();
    return option.get_name(true);
}

std::string spelled(const CLI::Option &option)
{
    std::string text;
    for (const std::string &name : option.get_snames())
        text += (text.empty() ? "-" : ", -") + name;
    for (const std::string &name : option.get_lnames())
        text += (text.empty() ? "--" : ", --") + name;
    return takes_value(option) ? text + " " + option.get_type_name() : text;
}

std::string path_of(const CLI::App &app)
{
    return app.get_parent() == nullptr ? app.get_name() : path_of(*app.get_parent()) + " " + app.get_name();
}

std::string verb_of(const CLI::App &app)
{
    const CLI::App *parent = app.get_parent();
    if (parent == nullptr)
        return "";
    const std::string above = verb_of(*parent);
    return above.empty() ? app.get_name() : above + " " + app.get_name();
}

std::string usage_line(const CLI::App &app)
{
    std::string line = path_of(app);
    if (const auto verbs = commands(app); !verbs.empty()) {
        std::string names;
        for (const CLI::App *verb : verbs)
            names += (names.empty() ? "" : "|") + verb->get_name();
        return line + " " + names + " [OPTIONS]";
    }
    for (const CLI::Option *positional : positionals(app))
        line += " " + positional_usage(*positional);
    auto named = options(app);
    std::erase(named, app.get_help_ptr());
    for (const CLI::Option *option : named) {
        if (option->get_required() || named.size() <= kFewOptions)
            line += " " + option_usage(*option);
    }
    return named.size() <= kFewOptions ? line : line + " [OPTIONS]";
}

const CLI::Option *find_option(const CLI::App &app, const std::string &dashed)
{
    for (const CLI::App *at = &app; at != nullptr; at = at->get_parent()) {
        if (const CLI::Option *option = at->get_option_no_throw(dashed))
            return option;
    }
    return nullptr;
}

Walk walk(const CLI::App &root, const std::vector<std::string> &words)
{
    Walker walker(root);
    for (const std::string &word : words)
        walker.take(word);
    return std::move(walker).result();
}

} // namespace aya::ctl
