// SPDX-License-Identifier: BSD-2-Clause
#include "manpage.hpp"

#include "tree.hpp"

namespace aya::ctl
{

namespace
{

// A dash that can be copied from the page, and no line that roff takes for a request.
std::string escaped(const std::string &text)
{
    std::string out;
    if (!text.empty() && (text.front() == '.' || text.front() == '\''))
        out = "\\&";
    for (const char c : text) {
        if (c == '-')
            out += "\\-";
        else if (c == '\\')
            out += "\\e";
        else
            out += c;
    }
    return out;
}

std::string item(const std::string &term, const std::string &text)
{
    return ".TP\n.B " + escaped(term) + "\n" + escaped(text) + ".\n";
}

std::string option_items(const CLI::App &app)
{
    std::string text;
    for (const CLI::Option *option : options(app)) {
        if (app.get_parent() == nullptr || option != app.get_help_ptr())
            text += item(spelled(*option), option->get_description());
    }
    return text;
}

std::string command_sections(const CLI::App &app)
{
    std::string text;
    for (const CLI::App *command : commands(app)) {
        if (!commands(*command).empty()) {
            text += command_sections(*command);
            continue;
        }
        text += ".SS " + escaped(usage_line(*command)) + "\n" + escaped(command->get_description()) + ".\n";
        for (const CLI::Option *positional : positionals(*command))
            text += item(positional->get_name(true), positional->get_description());
        text += option_items(*command);
    }
    return text;
}

constexpr const char *kDescription = R"(.SH DESCRIPTION
.B ayactl
shows and changes what an AYA load balancer does.
It asks the control plane over its Unix socket and keeps nothing itself; what it changes is in force,
and kept over restarts, when the command returns.
Sizes are rounded for people; with
.B \-o json
the answer of the control plane is printed as it is, and numbers are exact.
Colours are used on a terminal only, and not if the environment has
.BR NO_COLOR .
)";

constexpr const char *kRest = R"(.SH EXIT STATUS
.TP
.B 0
Done.
.TP
.B 1
Refused: nothing was changed; standard error says where and why, one line for each error.
.TP
.B 2
The command line was not understood.
.TP
.B 3
The control plane cannot be reached.
.SH FILES
.TP
.I /run/aya/INSTANCE/api.sock
The control plane's socket.
.SH EXAMPLES
.nf
ayactl service add web \-\-vip 203.0.113.10:443/tcp \-\-health tcp \-\-backend a=10.0.1.11,weight=8
ayactl backend drain web a
ayactl config check /etc/aya/aya.json
ayactl explain 198.51.100.7:40000 203.0.113.10:443/tcp
ayactl \-o json status
.fi
)";

} // namespace

std::string man_page(const CLI::App &root)
{
    std::string page = ".TH AYACTL 8 \"\" \"AYA " AYA_VERSION "\" \"System Administration\"\n";
    page += ".SH NAME\nayactl \\- operate an AYA load balancer\n";
    page += ".SH SYNOPSIS\n.B ayactl\n.I COMMAND\n[\\fIOPTIONS\\fR]\n";
    page += kDescription;
    page +=
        ".SH OPTIONS OF EVERY COMMAND\nThey can be given before or after the command.\n" + option_items(root);
    page += ".SH COMMANDS\n" + command_sections(root);
    return page + kRest;
}

} // namespace aya::ctl
