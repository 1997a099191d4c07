// SPDX-License-Identifier: BSD-2-Clause
#include "reconcile/reconciler.hpp"

#include <system_error>
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
    return Applied{std::move(changes), *published};
}

// Seed, data plane and control plane settings are taken at start; until then those in force stay and the
// difference continues to be shown.
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
        if (compiler_)
            compiler_->set_lists(running_.lists);
        observer_.published(image_);
        return errors;
    }
    Applied applied{diff(running_, next), *published};
    state_exists_ = state_exists_ || differs;
    std::swap(running_, next);
    last_applied_ = std::move(last_applied);
    forget_removed(next);
    return applied;
}

void Reconciler::touch(std::string_view service)
{
    touched_.emplace(service);
}

Result<Published> Reconciler::reconcile(Clock::time_point now)
{
    if (all_touched_)
        return publish(running_, now);
    TableImage next = compile_touched();
    auto published = publisher_.publish(next, now);
    if (!published)
        return published;
    image_ = std::move(next);
    touched_.clear();
    observer_.published(image_);
    return published;
}

Result<Published> Reconciler::publish(const Config &config, Clock::time_point now)
{
    TableImage next = compile_all(config);
    auto published = publisher_.publish(next, now);
    if (!published)
        return published;
    image_ = std::move(next);
    places_.clear();
    for (size_t i = 0; i < image_.services.size(); i++)
        places_.emplace(image_.services[i]->name, i);
    touched_.clear();
    all_touched_ = false;
    observer_.published(image_);
    return published;
}

TableImage Reconciler::compile_all(const Config &config)
{
    if (!compiler_ || compiler_->options() != options_of(config))
        compiler_.emplace(options_of(config));
    compiler_->set_lists(config.lists);
    TableImage image{.seed = config.seed, .resets = config.unserved == Unserved::reset, .services = {}};
    image.services.reserve(config.services.size());
    for (const ServiceConfig &service : config.services)
        image.services.push_back(compile_one(service));
    return image;
}

std::shared_ptr<const ServiceImage> Reconciler::compile_one(const ServiceConfig &service)
{
    ServiceObserved observed;
    observed.backends.reserve(service.backends.size());
    for (const BackendConfig &backend : service.backends)
        observed.backends.push_back(observer_.observe(service, backend));
    for (const VipKey &vip : service.vips)
        for (const Prefix &local : observer_.local_in(vip.prefix()))
            observed.local.insert(local);
    return compiler_->compile(service, observed);
}

// The other services cost a pointer each.
TableImage Reconciler::compile_touched()
{
    TableImage image = image_;
    for (const std::string &name : touched_)
        if (const auto place = places_.find(name); place != places_.end())
            image.services[place->second] = compile_one(running_.services[place->second]);
    return image;
}

void Reconciler::forget_removed(const Config &before)
{
    for (const ServiceConfig &service : before.services) {
        if (find_service(running_.services, service.name))
            continue;
        compiler_->forget(service.name);
    }
}

bool Reconciler::retire_due(Clock::time_point now) const
{
    return !publisher_.outlived_previous(now).empty();
}

Published Reconciler::retire(Clock::time_point now)
{
    return publisher_.retire_previous(publisher_.outlived_previous(now));
}

const ServiceImage *Reconciler::find_image(std::string_view service) const
{
    const auto place = places_.find(service);
    return place == places_.end() ? nullptr : image_.services[place->second].get();
}

} // namespace aya
