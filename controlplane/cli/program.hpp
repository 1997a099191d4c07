// SPDX-License-Identifier: BSD-2-Clause
// The command line as one tree of CLI11 definitions, and what every command gets to work with.
#pragma once

#include "client.hpp"
#include "common/instance.hpp"
#include "errors.hpp"
#include "render.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace aya::ctl
{

enum class Format { table, json };

// Options that every command takes.
struct Globals {
    Instance instance;
    std::string socket; // empty: the instance's
    Format format = Format::table;
    std::chrono::milliseconds timeout{5000};

    std::filesystem::path socket_path() const;
};

// One run of one command.
class Session
{
public:
    Session(const Globals &globals, std::ostream &out, bool colour, bool terminal);

    const Client &daemon() const { return client_; }
    bool json() const { return globals_.format == Format::json; }

    void print(std::string_view text); // as it is
    void print_table(const Table &table);
    void print_json(const Json &value);
    bool colour() const { return colour_; }
    bool on_terminal() const { return terminal_; }
    bool flush(); // false: the output can no longer be written

private:
    const Globals &globals_;
    Client client_;
    std::ostream &out_;
    bool colour_;
    bool terminal_;
};

using Action = std::function<void(Session &)>;

// What a shell may offer as the value of an option or positional.
struct Hint {
    enum class Kind { nothing, words, services, backends, instances, files, directories };

    Kind kind = Kind::nothing;
    std::vector<std::string> words;
};

class Program
{
public:
    Program();
    Program(const Program &) = delete;
    Program &operator=(const Program &) = delete;

    CLI::App app;
    Globals globals;
    Action action; // of the command that was parsed

    // A command of `parent`. `run` is called after the whole command line was understood.
    CLI::App *add_command(CLI::App *parent, const std::string &name, const std::string &description,
                          Action run);
    // A command that only has commands below it.
    CLI::App *add_group(const std::string &name, const std::string &description);

    void hint(const CLI::Option *option, Hint hint);
    // Offers the words, and checks nothing: what is allowed is the daemon's to say.
    void suggest(const CLI::Option *option, std::vector<std::string> words);
    const Hint &hint_of(const CLI::Option *option) const;

private:
    void add_globals();

    std::map<const CLI::Option *, Hint> hints_;
};

// "500ms", "5s", "1m"; a bare number is seconds. `option`: named in the error. Throws std::invalid_argument.
std::chrono::milliseconds parse_time(const std::string &option, const std::string &text,
                                     std::chrono::hours most = std::chrono::hours(1));

// The text of a file, of standard input for "-". Throws Refused.
std::string read_text(const std::string &file);
// The same as JSON with comments, as the daemon would read it. Throws Refused.
Json read_json(const std::string &file);

} // namespace aya::ctl
