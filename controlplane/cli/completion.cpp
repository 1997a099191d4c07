// SPDX-License-Identifier: BSD-2-Clause
#include "completion.hpp"

#include "tree.hpp"

#include <algorithm>
#include <exception>

namespace aya::ctl
{

namespace
{

namespace fs = std::filesystem;

// Completion does not wait for a daemon that hangs.
constexpr std::chrono::milliseconds kPatience{1000};

class Completer
{
public:
    Completer(const Program &program, Walk walk, std::string current)
        : program_(program), walk_(std::move(walk)), current_(std::move(current))
    {
    }

    Completion run() &&
    {
        if (walk_.stray)
            return std::move(result_);
        if (walk_.pending != nullptr)
            offer_values(program_.hint_of(walk_.pending), "");
        else if (!walk_.only_positionals && current_.starts_with('-'))
            offer_options_or_value();
        else if (const auto verbs = commands(*walk_.app); !verbs.empty())
            for (const CLI::App *verb : verbs)
                offer(verb->get_name(), verb->get_description());
        else
            offer_positional();
        return std::move(result_);
    }

private:
    void offer(const std::string &word, const std::string &description)
    {
        if (word.starts_with(current_))
            result_.candidates.push_back({word, description});
    }

    void offer_options_or_value()
    {
        const auto equals = current_.find('=');
        if (equals == std::string::npos) {
            for (const CLI::App *app = walk_.app; app != nullptr; app = app->get_parent())
                offer_options(*app);
            return;
        }
        if (const CLI::Option *option = find_option(*walk_.app, current_.substr(0, equals)))
            offer_values(program_.hint_of(option), current_.substr(0, equals + 1));
    }

    void offer_options(const CLI::App &app)
    {
        for (const CLI::Option *option : options(app)) {
            const bool once = option->get_items_expected_max() <= 1;
            const bool inherited_help = &app != walk_.app && option == app.get_help_ptr();
            if (!inherited_help && !(once && walk_.values.contains(option)))
                offer(name_of(*option), option->get_description());
        }
    }

    void offer_positional()
    {
        const auto expected = positionals(*walk_.app);
        if (walk_.positionals.size() < expected.size())
            offer_values(program_.hint_of(expected[walk_.positionals.size()]), "");
        else if (current_.empty() && !walk_.only_positionals)
            offer_options(*walk_.app);
    }

    void offer_values(const Hint &hint, const std::string &prefix)
    {
        for (const std::string &word : values(hint))
            offer(prefix + word, "");
        if (hint.kind == Hint::Kind::files)
            result_.ask = Completion::Ask::files;
        if (hint.kind == Hint::Kind::directories)
            result_.ask = Completion::Ask::directories;
    }

    std::vector<std::string> values(const Hint &hint) const
    {
        try {
            switch (hint.kind) {
            case Hint::Kind::words:
                return hint.words;
            case Hint::Kind::services:
                return names("/v1/services", "services");
            case Hint::Kind::backends:
                return walk_.positionals.empty()
                           ? std::vector<std::string>{}
                           : names("/v1/services/" + percent_encode(walk_.positionals.front()) + "/backends",
                                   "backends");
            case Hint::Kind::instances:
                return instances();
            case Hint::Kind::nothing:
            case Hint::Kind::files:
            case Hint::Kind::directories:
                break;
            }
        } catch (const std::exception &) {
            // Tab is no place for complaints: there is nothing to offer.
        }
        return {};
    }

    std::vector<std::string> names(const std::string &path, const char *key) const
    {
        std::vector<std::string> found;
        const Client client(globals().socket_path(), kPatience);
        const Json answer = client.get(path);
        for (const Json &item : list(answer, key))
            found.push_back(text(item, "name"));
        return found;
    }

    std::vector<std::string> instances() const
    {
        std::vector<std::string> found;
        for (const auto &entry : fs::directory_iterator(globals().instance.run_dir)) {
            if (entry.is_directory())
                found.push_back(entry.path().filename().string());
        }
        std::sort(found.begin(), found.end());
        return found;
    }

    // The command line is not complete, so CLI11 has not filled these in.
    Globals globals() const
    {
        Globals given;
        for (const auto &[name, value] :
             {std::pair{"--instance", &given.instance.name}, std::pair{"--run-dir", &given.instance.run_dir},
              std::pair{"--socket", &given.socket}}) {
            const auto seen = walk_.values.find(find_option(program_.app, name));
            if (seen != walk_.values.end())
                *value = seen->second;
        }
        return given;
    }

    const Program &program_;
    Walk walk_;
    std::string current_;
    Completion result_;
};

constexpr const char *kBash = R"(# bash completion for ayactl, made by "ayactl completion bash".
_ayactl() {
    # Words by blanks, as ayactl gets them; readline would also split at ":" and "=".
    local line=${COMP_LINE:0:COMP_POINT} current found prefix=
    local -a words offers
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    current=${words[-1]}
    mapfile -t offers < <("${words[0]/#\~\//$HOME/}" __complete "${words[@]:1}" 2>/dev/null)

    # What stands before the last ":" or "=" is not readline's to replace.
    local breaks=${COMP_WORDBREAKS//[!:=]/}
    [[ -n $breaks ]] && prefix=${current%"${current##*[$breaks]}"}
    COMPREPLY=()
    for found in "${offers[@]}"; do
        case $found in
        :files) compopt -o default 2>/dev/null ;;
        :directories) compopt -o dirnames 2>/dev/null ;;
        *)
            found=${found%%$'\t'*}
            COMPREPLY+=("${found#"$prefix"}")
            ;;
        esac
    done
}
complete -F _ayactl ayactl
)";

constexpr const char *kZsh = R"(#compdef ayactl
# zsh completion for ayactl, made by "ayactl completion zsh".
_ayactl() {
    local line tab=$'\t'
    local -a offers
    for line in "${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
        case $line in
            '') ;;
            :files) _files; return ;;
            :directories) _files -/; return ;;
            *) offers+=("${${line//:/\\:}/$tab/:}") ;;
        esac
    done
    _describe ayactl offers
}
if [[ ${funcstack[1]} == _ayactl ]]; then
    _ayactl "$@"
else
    compdef _ayactl ayactl
fi
)";

constexpr const char *kFish = R"(# fish completion for ayactl, made by "ayactl completion fish".
function __ayactl_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path "$current"
            case :directories
                __fish_complete_directories "$current"
            case '*'
                echo $line
        end
    end
end
complete -c ayactl -f -a '(__ayactl_complete)'
)";

} // namespace

Completion complete(const Program &program, const std::vector<std::string> &words)
{
    if (words.empty())
        return complete(program, {""});
    const std::vector<std::string> before(words.begin(), words.end() - 1);
    return Completer(program, walk(program.app, before), words.back()).run();
}

std::string render_completion(const Completion &completion)
{
    std::string lines;
    for (const Candidate &candidate : completion.candidates) {
        lines += printable(candidate.word);
        if (!candidate.description.empty())
            lines += "\t" + candidate.description;
        lines += "\n";
    }
    if (completion.ask == Completion::Ask::files)
        lines += ":files\n";
    if (completion.ask == Completion::Ask::directories)
        lines += ":directories\n";
    return lines;
}

std::string completion_script(const std::string &shell)
{
    return shell == "bash" ? kBash : shell == "zsh" ? kZsh : kFish;
}

} // namespace aya::ctl
