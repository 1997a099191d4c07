// SPDX-License-Identifier: BSD-2-Clause
#include "errors.hpp"

#include "render.hpp"

namespace aya::ctl
{

Refused::Refused(std::vector<Problem> found)
    : std::runtime_error(found.empty() ? "refused" : found.front().message), problems(std::move(found))
{
}

std::vector<Problem> problems_of(const Json &body, unsigned status)
{
    std::vector<Problem> problems;
    for (const Json &error : list(body, "errors")) {
        const std::string where = text(error, "where");
        problems.push_back({where == "-" ? "" : where, text(error, "message")});
    }
    if (problems.empty())
        problems.push_back(
            {"", "the daemon refused with HTTP status " + std::to_string(status) + " and did not say why"});
    return problems;
}

std::string render_problems(const Refused &refused)
{
    std::string lines;
    for (const Problem &problem : refused.problems) {
        if (!refused.prefix.empty())
            lines += refused.prefix + ": ";
        if (!problem.where.empty())
            lines += printable(problem.where) + ": ";
        lines += printable(problem.message) + "\n";
    }
    return lines;
}

} // namespace aya::ctl
