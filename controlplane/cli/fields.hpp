// SPDX-License-Identifier: BSD-2-Clause
// Options that correspond to keys of a service or backend, made of the configuration's own description of its
// keys. Only what was given is sent; what is allowed is for the daemon to say, so that there is one
// validation.
#pragma once

#include "program.hpp"

#include "common/config/key.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace aya::ctl
{

// A whole number; out of range is the daemon's to refuse, not a number at all is bad usage.
CLI::Option *add_number(CLI::App *app, const std::string &name, std::optional<std::int64_t> &value,
                        const std::string &description);

// Takes one value each time it is given, so that a positional may follow.
CLI::Option *add_repeated(CLI::App *app, const std::string &name, std::vector<std::string> &values,
                          const std::string &description);

// Names are part of paths, where an empty one would mean something else.
CLI::Validator not_empty();

// A text of the command line as the key's JSON; nullopt if the key is a number or a truth and this is none.
std::optional<Json> value_of(const Key &key, const std::string &text);

class KeyOptions
{
public:
    // One option per key: "--lookup-size" of lookup_size, "--health-interval" of health.interval. None for
    // what names the object or cannot be changed, for lists of objects, and for those in `others`, which have
    // words of their own.
    explicit KeyOptions(const Section &section, const std::vector<std::string> &others = {});

    void add_to(Program &program, CLI::App *app);

    enum class Request { add, change };
    // Puts what was given over what is there; objects inside are merged key by key. "auto" takes a value
    // away.
    void apply(Json &object, Request request) const;

    std::vector<std::string> names() const; // of the options

private:
    struct Option {
        std::string name;               // "--health-interval"
        std::vector<const Key *> path;  // health, interval
        std::vector<std::string> texts; // as given
    };

    void add_keys(const Section &section, const std::string &prefix, std::vector<const Key *> path);

    std::vector<std::string> others_;
    std::deque<Option> options_; // CLI11 keeps references
};

KeyOptions service_options();
KeyOptions backend_options();

} // namespace aya::ctl
