// SPDX-License-Identifier: BSD-2-Clause
#include "commands.hpp"

#include <memory>

namespace aya::ctl
{

namespace
{

std::string value_text(const Json &change, const char *key)
{
    const auto found = change.find(key);
    if (found == change.end() || found->is_null())
        return "unset";
    return found->is_string() ? found->get<std::string>() : found->dump();
}

// What a configuration's errors are prefixed with.
std::string shown_name(const std::string &file)
{
    return file == "-" ? "<stdin>" : file;
}

// Sends a file's text; the daemon's refusals are told as the file's own errors.
Json send(Session &session, const std::string &path, const std::string &file)
{
    std::string content = read_text(file);
    try {
        return session.daemon().post(path, std::move(content));
    } catch (Refused &refused) {
        for (Problem &problem : refused.problems)
            problem.where = shown_name(file) + (problem.where.empty() ? "" : ": " + problem.where);
        refused.prefix = "";
        throw;
    }
}

void report(Session &session, const Json &answer, const std::string &done)
{
    if (session.json())
        return session.print_json(answer);
    const Json &changes = list(answer, "changes");
    session.print(changes_text(changes, session.colour()));
    if (!done.empty())
        session.print(done + ": " + counted(changes.size(), "change") + generation_note(answer) + "\n");
}

CLI::App *add_file_verb(Program &program, CLI::App *group, const std::string &name,
                        const std::string &description, const std::string &path, const std::string &done)
{
    const auto file = std::make_shared<std::string>();
    CLI::App *verb = program.add_command(group, name, description, [file, path, done](Session &session) {
        report(session, send(session, path, *file), done);
    });
    CLI::Option *option =
        verb->add_option("FILE", *file, "A configuration file (- for standard input)")->required();
    program.hint(option, {Hint::Kind::files, {}});
    return verb;
}

} // namespace

std::string changes_text(const Json &changes, bool colour)
{
    if (changes.empty())
        return "no changes\n";
    std::string lines;
    for (const Json &change : changes) {
        const std::string op = text(change, "op");
        const std::string what = text(change, "what");
        std::string line = "? " + op + " " + what;
        Colour shade = Colour::none;
        if (op == "add") {
            line = "+ " + what;
            shade = Colour::green;
        } else if (op == "remove") {
            line = "- " + what;
            shade = Colour::red;
        } else if (op == "change") {
            line = "~ " + what + ": " + text(change, "field") + " " + value_text(change, "from") + " -> " +
                   value_text(change, "to");
            shade = Colour::yellow;
        }
        lines += paint(printable(line), shade, colour) + "\n";
    }
    return lines;
}

std::string generation_note(const Json &answer)
{
    return answer.contains("generation") ? "; generation " + text(answer, "generation") : "";
}

void add_config_commands(Program &program)
{
    CLI::App *group = program.add_group("config", "The configuration as a whole");
    add_file_verb(program, group, "check", "Validate a file and show what applying it would change",
                  "/v1/config/check", "");
    add_file_verb(program, group, "apply", "Apply a file as the configuration in force", "/v1/config/apply",
                  "applied");
    program.add_command(group, "show", "Show the configuration in force, as JSON",
                        [](Session &session) { session.print_json(session.daemon().get("/v1/config")); });
    program.add_command(group, "reload", "Read the daemon's configuration file again", [](Session &session) {
        report(session, session.daemon().post("/v1/config/reload", ""), "reloaded");
    });
}

} // namespace aya::ctl
