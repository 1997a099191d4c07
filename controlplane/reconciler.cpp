// SPDX-License-Identifier: BSD-2-Clause
#include "reconciler.hpp"

#include <algorithm>
#include <system_error>
#include <unordered_map>
#include <utility>

namespace aya
{

namespace
{

CompileOptions options_of(const Config &config)
{
    return {.seed = config.seed, .tunnel_source = config.tunnel_source};
}

} // namespace

Reconciler::Reconciler(Publisher &publisher, Observer &observer, std::filesystem::path state_file)
    : publisher_(publisher), observer_(observer), state_file_(std::move(state_file))
{
}

Result<Applied> Reconciler::start(const Config &file, const std::optional<State> &kept, Clock::time_point now)
{
    Config next = file;
    std::vector<Change> changes;
    if (kept) {
        auto merged = merge(kept->last_applied, file, kept->running);
        if (!merged)
            return merged.errors();
        next = std::move(*merged);
        state_exists_ = true;
        Config before = file;
        before.services = kept->running;
        changes = diff(before, next);
        if (kept->last_applied != file.services || kept->running != next.services)
            if (auto errors = write_state(state_file_, {file.services, next.services}); !errors.empty())
                return errors;
    }
    running_ = next;
    last_applied_ = file.services;
    observer_.follow(running_);
    auto published = publish(running_, now);
    if (!published)
        return published.errors();
    for (const std::string &service : publisher_.services_with_previous())
        previous_since_.try_emplace(service, now); // from an earlier run: its age is not known
    return Applied{std::move(changes), *published};
}

// Seed, data plane and control plane settings are taken at start; until then those in force stay and the
// difference goes on being shown.
Result<Config> Reconciler::merge_file(const Config &file) const
{
    auto merged = merge(last_applied_, file, running_.services);
    if (!merged)
        return merged;
    merged->seed = running_.seed;
    merged->dataplane = running_.dataplane;
    merged->controlplane = running_.controlplane;
    return merged;
}

Result<std::vector<Change>> Reconciler::plan(const Config &file) const
{
    auto merged = merge(last_applied_, file, running_.services);
    if (!merged)
        return merged.errors();
    return diff(running_, *merged);
}

Result<Applied> Reconciler::apply(const Config &file, Clock::time_point now)
{
    auto changes = plan(file);
    if (!changes)
        return changes.errors();
    auto next = merge_file(file);
    if (!next)
        return next.errors();
    auto applied = settle(std::move(*next), file.services, now);
    if (applied)
        applied->changes = std::move(*changes);
    return applied;
}

Result<Applied> Reconciler::change(const Edit &edit, Clock::time_point now)
{
    auto next = edit(running_);
    if (!next)
        return next.errors();
    return settle(std::move(*next), last_applied_, now);
}

// State file first, tables second: what is forwarded by is never lost. If the tables do not take it, the
// state file is put back.
Result<Applied> Reconciler::settle(Config next, std::vector<ServiceConfig> last_applied,
                                   Clock::time_point now)
{
    const bool differs = next.services != running_.services || last_applied != last_applied_;
    if (differs)
        if (auto errors = write_state(state_file_, {last_applied, next.services}); !errors.empty())
            return errors;

    observer_.follow(next);
    auto published = publish(next, now);
    if (!published) {
        ConfigErrors errors = published.errors();
        if (differs && state_exists_) {
            for (ConfigError &error : write_state(state_file_, {last_applied_, running_.services}))
                errors.push_back(std::move(error));
        } else if (differs) {
            std::error_code ignored;
            std::filesystem::remove(state_file_, ignored);
        }
        observer_.follow(running_);
        if (compiler_ && compiler_->options() != options_of(running_))
            compiler_.emplace(options_of(running_));
        return errors;
    }
    Applied applied{diff(running_, next), *published};
    state_exists_ = state_exists_ || differs;
    std::swap(running_, next);
    last_applied_ = std::move(last_applied);
    forget_removed(next);
    return applied;
}

Result<Published> Reconciler::reconcile(Clock::time_point now)
{
    return publish(running_, now);
}

Result<Published> Reconciler::publish(const Config &config, Clock::time_point now)
{
    TableImage next = compile_all(config);
    auto published = publisher_.publish(next);
    if (!published)
        return published;
    note_previous(next, now);
    image_ = std::move(next);
    return published;
}

TableImage Reconciler::compile_all(const Config &config)
{
    if (!compiler_ || compiler_->options() != options_of(config))
        compiler_.emplace(options_of(config));
    TableImage image{.seed = config.seed, .services = {}};
    image.services.reserve(config.services.size());
    for (const ServiceConfig &service : config.services) {
        ServiceObserved observed;
        observed.backends.reserve(service.backends.size());
        for (const BackendConfig &backend : service.backends)
            observed.backends.push_back(observer_.observe(service, backend));
        image.services.push_back(compiler_->compile(service, observed));
    }
    return image;
}

// A service's clock starts again with each lookup table that replaces another.
void Reconciler::note_previous(const TableImage &next, Clock::time_point now)
{
    std::unordered_map<std::string_view, const ServiceImage *> before;
    for (const auto &service : image_.services)
        before.emplace(service->name, service.get());
    for (const auto &service : next.services) {
        const auto known = before.find(service->name);
        if (known != before.end() && known->second->lookup != service->lookup)
            previous_since_[service->name] = now;
    }
}

void Reconciler::forget_removed(const Config &before)
{
    for (const ServiceConfig &service : before.services) {
        if (find_service(running_.services, service.name))
            continue;
        compiler_->forget(service.name);
        previous_since_.erase(service.name);
    }
}

std::vector<std::string> Reconciler::due(Clock::time_point now) const
{
    std::vector<std::string> services;
    for (const auto &[name, since] : previous_since_) {
        const ServiceConfig *service = find_service(running_.services, name);
        if (!service || now - since >= service->idle_timeouts.tcp_established)
            services.push_back(name);
    }
    return services;
}

bool Reconciler::retire_due(Clock::time_point now) const
{
    return !due(now).empty();
}

Published Reconciler::retire(Clock::time_point now)
{
    const std::vector<std::string> services = due(now);
    for (const std::string &service : services)
        previous_since_.erase(service);
    return publisher_.retire_previous(services);
}

const ServiceImage *Reconciler::find_image(std::string_view service) const
{
    const auto found = std::find_if(image_.services.begin(), image_.services.end(),
                                    [&](const auto &image) { return image->name == service; });
    return found == image_.services.end() ? nullptr : found->get();
}

} // namespace aya
