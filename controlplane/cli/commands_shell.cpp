// SPDX-License-Identifier: BSD-2-Clause
#include "commands.hpp"
#include "completion.hpp"
#include "manpage.hpp"

#include <memory>

namespace aya::ctl
{

void add_shell_commands(Program &program)
{
    const auto shell = std::make_shared<std::string>();
    CLI::App *completion =
        program.add_command(&program.app, "completion", "Print the completion script of a shell",
                            [shell](Session &session) { session.print(completion_script(*shell)); });
    CLI::Option *name = completion->add_option_function<std::string>(
        "SHELL",
        [shell](const std::string &word) {
            if (word != "bash" && word != "zsh" && word != "fish")
                throw CLI::ValidationError("no completion for \"" + word + "\"; choose bash, zsh or fish");
            *shell = word;
        },
        "bash, zsh or fish");
    program.suggest(name->required(), {"bash", "zsh", "fish"});

    // For the build, which installs the page.
    program
        .add_command(&program.app, "man", "Print the manual page",
                     [&program](Session &session) { session.print(man_page(program.app)); })
        ->group("");
}

} // namespace aya::ctl
