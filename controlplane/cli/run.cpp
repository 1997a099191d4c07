// SPDX-License-Identifier: BSD-2-Clause
#include "run.hpp"

#include "completion.hpp"
#include "help.hpp"
#include "program.hpp"
#include "tree.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>

namespace aya::ctl
{

namespace
{

bool colours_wanted()
{
    const char *no_color = std::getenv("NO_COLOR"); // https://no-color.org: set and not empty
    const char *terminal = std::getenv("TERM");
    return (no_color == nullptr || *no_color == '\0') &&
           (terminal == nullptr || std::strcmp(terminal, "dumb") != 0);
}

// A full disk behind a redirection must not look like success.
int flushed(int exit_code)
{
    errno = 0;
    std::cout.flush();
    if (std::cout)
        return exit_code;
    std::cerr << "ayactl: cannot write the output: " << std::strerror(errno) << "\n";
    return kRefused;
}

int run_command(Program &program, const std::vector<std::string> &words)
{
    const bool terminal = isatty(STDOUT_FILENO) == 1;
    Session session(program.globals, std::cout, terminal && colours_wanted(), terminal);
    try {
        program.action(session);
        return flushed(kDone);
    } catch (const BadUsage &error) {
        std::cerr << "ayactl: " << error.what() << "\nusage: " << usage_line(*walk(program.app, words).app)
                  << "\n";
        return kUsage;
    } catch (const Refused &refused) {
        std::cout.flush();
        std::cerr << render_problems(refused);
        return kRefused;
    } catch (const Unreachable &error) {
        std::cout.flush();
        std::cerr << "ayactl: " << error.what() << "\n";
        return kUnreachable;
    }
}

int parse_and_run(int argc, char **argv)
{
    const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
    Program program;
    if (!words.empty() && words.front() == "__complete") {
        std::cout << render_completion(complete(program, {words.begin() + 1, words.end()}));
        return flushed(kDone);
    }
    try {
        program.app.parse(argc, argv);
    } catch (const CLI::Success &wanted) { // --help, --version
        program.app.exit(wanted, std::cout, std::cerr);
        return flushed(kDone);
    } catch (const CLI::ParseError &error) {
        std::cerr << usage_error(program.app, words, error.what());
        return kUsage;
    }
    return run_command(program, words);
}

} // namespace

int run(int argc, char **argv)
{
    try {
        return parse_and_run(argc, argv);
    } catch (const std::exception &error) {
        std::cerr << "ayactl: " << error.what() << "\n";
        return kRefused;
    }
}

} // namespace aya::ctl
