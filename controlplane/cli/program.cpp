// SPDX-License-Identifier: BSD-2-Clause
#include "program.hpp"

#include "commands.hpp"
#include "help.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <stdexcept>

namespace aya::ctl
{

namespace fs = std::filesystem;

fs::path Globals::socket_path() const
{
    return socket.empty() ? instance.api_socket() : fs::path(socket);
}

Session::Session(const Globals &globals, std::ostream &out, bool colour, bool terminal)
    : globals_(globals), client_(globals.socket_path(), globals.timeout), out_(out), colour_(colour),
      terminal_(terminal)
{
}

void Session::print(std::string_view text)
{
    out_ << text;
}

void Session::print_table(const Table &table)
{
    out_ << table.render(colour_);
}

void Session::print_json(const Json &value)
{
    out_ << value.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
}

bool Session::flush()
{
    return static_cast<bool>(out_.flush());
}

Program::Program() : app("Operate an AYA load balancer through its control plane.", "ayactl")
{
    app.formatter(std::make_shared<Help>());
    app.set_help_flag("-h,--help", "Show help");
    app.set_version_flag("--version", "ayactl " AYA_VERSION, "Show the version of ayactl");
    app.require_subcommand(1);
    add_globals();
    add_status_command(*this);
    add_service_commands(*this);
    add_backend_commands(*this);
    add_config_commands(*this);
    add_inspect_commands(*this);
    add_quic_commands(*this);
    add_counters_command(*this);
    add_shell_commands(*this);
}

void Program::add_globals()
{
    auto *output = app.add_option_function<std::string>(
        "-o,--output",
        [this](const std::string &word) {
            if (word != "table" && word != "json")
                throw CLI::ValidationError("--output requires table or json, not \"" + word + "\"");
            globals.format = word == "json" ? Format::json : Format::table;
        },
        "A table for people, or JSON for programs");
    output->type_name("table|json")->take_last();
    hint(output, {Hint::Kind::words, {"table", "json"}});

    auto *instance = app.add_option_function<std::string>(
        "--instance",
        [this](const std::string &name) {
            if (!check_instance_name(name).empty())
                throw CLI::ValidationError("--instance requires the name of an instance, not \"" + name +
                                           "\"");
            globals.instance.name = name;
        },
        "The instance to talk to (default: \"default\")");
    instance->type_name("NAME")->take_last();
    hint(instance, {Hint::Kind::instances, {}});

    auto *run_dir = app.add_option("--run-dir", globals.instance.run_dir,
                                   "Directory of the instances' sockets (default: /run/aya)");
    run_dir->type_name("DIR")->take_last();
    hint(run_dir, {Hint::Kind::directories, {}});

    auto *socket = app.add_option("--socket", globals.socket,
                                  "The control plane's socket itself; overrides the two above");
    socket->type_name("FILE")->take_last();
    hint(socket, {Hint::Kind::files, {}});

    auto *timeout = app.add_option_function<std::string>(
        "--timeout",
        [this](const std::string &text) {
            try {
                globals.timeout = parse_time("--timeout", text);
            } catch (const std::invalid_argument &error) {
                throw CLI::ValidationError(error.what());
            }
        },
        "How long to wait for the control plane (default: 5s)");
    timeout->type_name("TIME")->take_last();

    // The daemons keep state there and ayactl does not; it is taken so that one set of options fits all
    // three.
    app.add_option("--state-dir", globals.instance.state_dir)->type_name("DIR")->take_last()->group("");
}

CLI::App *Program::add_command(CLI::App *parent, const std::string &name, const std::string &description,
                               Action run)
{
    CLI::App *command = parent->add_subcommand(name, description);
    command->fallthrough();
    command->callback([this, run = std::move(run)] { action = run; });
    return command;
}

CLI::App *Program::add_group(const std::string &name, const std::string &description)
{
    CLI::App *group = app.add_subcommand(name, description);
    group->fallthrough();
    group->require_subcommand(1);
    return group;
}

void Program::hint(const CLI::Option *option, Hint hint)
{
    hints_[option] = std::move(hint);
}

void Program::suggest(const CLI::Option *option, std::vector<std::string> words)
{
    hint(option, {Hint::Kind::words, std::move(words)});
}

const Hint &Program::hint_of(const CLI::Option *option) const
{
    static const Hint nothing;
    const auto found = hints_.find(option);
    return found == hints_.end() ? nothing : found->second;
}

std::chrono::milliseconds parse_time(const std::string &option, const std::string &text,
                                     std::chrono::hours most)
{
    double value = 0;
    const char *end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    const std::string unit(stop, end);
    double scale = 0;
    if (unit == "ms")
        scale = 1;
    else if (unit.empty() || unit == "s")
        scale = 1000;
    else if (unit == "m")
        scale = 60'000;
    else if (unit == "h")
        scale = 3'600'000;
    const double milliseconds = value * scale;
    const auto limit = std::chrono::milliseconds(most).count();
    if (error != std::errc() || !(milliseconds >= 1) || milliseconds > static_cast<double>(limit))
        throw std::invalid_argument(option + " requires a time from 1ms to " + std::to_string(most.count()) +
                                    "h, such as 500ms, 5s or 1m, not \"" + text + "\"");
    return std::chrono::milliseconds(static_cast<std::int64_t>(milliseconds));
}

std::string read_text(const std::string &file)
{
    if (file == "-")
        return {std::istreambuf_iterator<char>(std::cin), {}};
    if (std::error_code ignored; fs::is_directory(file, ignored))
        throw Refused({{file, "is a directory"}});
    errno = 0;
    std::ifstream stream(file, std::ios::binary);
    if (!stream)
        throw Refused({{file, errno != 0 ? std::strerror(errno) : "cannot be read"}});
    return {std::istreambuf_iterator<char>(stream), {}};
}

Json read_json(const std::string &file)
{
    const std::string shown = file == "-" ? "standard input" : file;
    try {
        return Json::parse(read_text(file), nullptr, true, true);
    } catch (const Json::parse_error &error) {
        const std::string what = error.what(); // "[json.exception.parse_error.101] parse error at ..."
        const auto start = what.find("] ");
        throw Refused({{shown, start == std::string::npos ? what : what.substr(start + 2)}});
    }
}

} // namespace aya::ctl
