// SPDX-License-Identifier: BSD-2-Clause
// A value, or everything that was wrong with the input.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace aya
{

enum class ErrorKind : unsigned char {
    invalid,   // refused by validation (API: 400)
    not_found, // no such service or backend (404)
    conflict,  // it exists already (409)
    io,        // a file could not be read or written (500)
};

struct ConfigError {
    std::string where;   // JSON pointer (RFC 6901), or "line L, column C" of a syntax error
    std::string message; // one line: what was found, what is allowed
    ErrorKind kind = ErrorKind::invalid;

    bool operator==(const ConfigError &) const = default;
};

using ConfigErrors = std::vector<ConfigError>;

// One line for people: "FILE: WHERE: MESSAGE".
std::string format_error(std::string_view file, const ConfigError &error);

template <typename T>
class [[nodiscard]] Result
{
public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(ConfigErrors errors) : state_(std::in_place_index<1>, std::move(errors)) {}
    Result(ConfigError error) : Result(ConfigErrors{std::move(error)}) {}

    bool has_value() const { return state_.index() == 0; }
    explicit operator bool() const { return has_value(); }

    // Throws std::bad_variant_access on the wrong side: a programming error.
    T &value() & { return std::get<0>(state_); }
    const T &value() const & { return std::get<0>(state_); }
    T &&value() && { return std::get<0>(std::move(state_)); }
    T &operator*() & { return value(); }
    const T &operator*() const & { return value(); }
    T *operator->() { return &value(); }
    const T *operator->() const { return &value(); }

    const ConfigErrors &errors() const { return std::get<1>(state_); }

private:
    std::variant<T, ConfigErrors> state_; // 1: never empty
};

} // namespace aya
