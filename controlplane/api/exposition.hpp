// SPDX-License-Identifier: BSD-2-Clause
// Prometheus text exposition format 0.0.4.
#pragma once

#include <array>
#include <charconv>
#include <initializer_list>
#include <string>
#include <string_view>

namespace aya::api
{

// What a family of samples is called. Labels that it does not have are empty.
struct Family {
    std::string_view name;
    std::string_view type; // counter, gauge
    std::string_view unit;
    std::array<std::string_view, 2> labels;
    std::string_view help; // a sentence
};

class Exposition
{
public:
    // The samples that follow are of this family, which must outlive them. One without samples leaves
    // nothing.
    void family(const Family &family)
    {
        family_ = &family;
        introduced_ = false;
    }

    // `values` are those of the family's labels, in their order.
    template <class Number>
    void sample(std::initializer_list<std::string_view> values, Number value)
    {
        begin(values);
        std::array<char, 32> digits;
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
        text_.append(digits.data(), end);
        text_ += '\n';
    }

    std::string take() { return std::move(text_); }

private:
    void begin(std::initializer_list<std::string_view> values);
    void escape(std::string_view content);

    std::string text_;
    const Family *family_ = nullptr;
    bool introduced_ = false; // HELP and TYPE are written
};

} // namespace aya::api
