// SPDX-License-Identifier: BSD-2-Clause
#include "api/exposition.hpp"

namespace aya::api
{

void Exposition::begin(std::initializer_list<std::string_view> values)
{
    if (!introduced_) {
        text_.append("# HELP ").append(family_->name).append(" ").append(family_->help);
        text_.append("\n# TYPE ").append(family_->name).append(" ").append(family_->type).append("\n");
        introduced_ = true;
    }
    text_ += family_->name;
    char separator = '{';
    const std::string_view *label = family_->labels.data();
    for (const std::string_view content : values) {
        text_ += separator;
        text_.append(*label++).append("=\"");
        escape(content);
        text_ += '"';
        separator = ',';
    }
    text_ += values.size() ? "} " : " ";
}

void Exposition::escape(std::string_view content)
{
    for (const char c : content) {
        if (c == '\\' || c == '"')
            text_ += '\\';
        if (c == '\n')
            text_ += "\\n";
        else
            text_ += c;
    }
}

} // namespace aya::api
