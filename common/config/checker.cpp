// SPDX-License-Identifier: BSD-2-Clause
#include "common/config/checker.hpp"

namespace aya
{

Checker::Checker(ErrorSink &errors) : errors_(errors)
{
    for (const ConfigError &error : errors.errors())
        broken_.insert(error.where);
}

void Checker::add(const std::string &where, const std::string &message,
                  std::initializer_list<std::string> depends)
{
    if (is_broken(where))
        return;
    for (const std::string &pointer : depends) {
        if (is_broken(pointer))
            return;
    }
    errors_.add(where, message);
}

bool Checker::is_broken(const std::string &pointer) const
{
    const auto inside = broken_.lower_bound(pointer + "/");
    if (inside != broken_.end() && inside->starts_with(pointer + "/"))
        return true;
    std::string around = pointer;
    while (!around.empty()) {
        if (broken_.contains(around))
            return true;
        around.erase(around.rfind('/'));
    }
    return false;
}

} // namespace aya
