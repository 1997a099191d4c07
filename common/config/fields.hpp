// SPDX-License-Identifier: BSD-2-Clause
// A struct of the configuration as a table: one row per key, which says all that there is to say about it.
// Reading, writing and defaults follow from the rows, and so does whatever is made of Section.
#pragma once

#include "common/config/key.hpp"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace aya
{

// One row. The functions that return a Field add to what the row says.
template <typename S>
struct Field {
    Key key;
    std::function<void(Reader &, Need, S &)> read;
    std::function<void(OrderedJson &, const S &)> write; // nothing where nothing is said
    std::function<bool(const S &)> required_if;          // empty: always, if key.is_required

    Field required() &&
    {
        key.is_required = true;
        return std::move(*this);
    }
    // Required if `condition` holds of the keys above it; `except` says when it does not.
    Field required(std::function<bool(const S &)> condition, const char *except) &&
    {
        required_if = std::move(condition);
        key.not_required = except;
        return std::move(*this).required();
    }
    Field unique() &&
    {
        key.is_unique = true;
        return std::move(*this);
    }
    Field more(const char *text) && { return say(&Key::more, text); }
    Field rule(const char *text) && { return say(&Key::rule, text); }
    Field absent(const char *text) && { return say(&Key::absent, text); }
    Field fixed(const char *why) && { return say(&Key::fixed, why); }
    Field option(const char *name) && { return say(&Key::option, name); }

private:
    Field say(std::string Key::*what, const char *text)
    {
        key.*what = text;
        return std::move(*this);
    }
};

template <typename S>
class Fields
{
public:
    // `rules`: what the schema says beside the keys.
    Fields(std::vector<Field<S>> rows, OrderedJson rules = nullptr) : rows_(std::move(rows))
    {
        section_.rules = std::move(rules);
        const OrderedJson defaults = write(S{});
        for (Field<S> &row : rows_) {
            const auto initial = defaults.find(row.key.name);
            if (initial != defaults.end() && !row.key.is_required)
                row.key.initial = *initial;
            section_.keys.push_back(row.key);
        }
    }

    const Section &section() const { return section_; }
    const std::vector<Field<S>> &rows() const { return rows_; }

    void read(Reader &reader, S &object) const
    {
        for (const Field<S> &row : rows_) {
            const Key &key = row.key;
            if (reader.mode() == ReadMode::patch && !key.fixed.empty()) {
                reader.refuse(key.name.c_str(), key.fixed);
                continue;
            }
            const bool required = key.is_required && (!row.required_if || row.required_if(object));
            row.read(reader, required ? Need::required : Need::optional, object);
        }
    }

    // Every value is written out, defaults too; what is absent (an optional) is left out.
    OrderedJson write(const S &object) const
    {
        OrderedJson json = OrderedJson::object();
        for (const Field<S> &row : rows_)
            row.write(json, object);
        return json;
    }

private:
    std::vector<Field<S>> rows_;
    Section section_;
};

// The table of a struct. Each struct specialises it.
template <typename S>
const Fields<S> &fields();

// How rows are made. `name` outlives them.

// A value that is always there.
template <typename S, typename M, typename T>
Field<S> field(const char *name, M S::*member, const Kind<T> &kind, const char *help)
{
    Field<S> row;
    row.key.name = name;
    row.key.kind = kind;
    row.key.help = help;
    row.read = [=](Reader &reader, Need need, S &object) { reader.value(name, need, kind, object.*member); };
    row.write = [=](OrderedJson &json, const S &object) {
        json[name] = kind.write(static_cast<T>(object.*member));
    };
    return row;
}

template <typename S, typename M, typename T>
Field<S> field(const char *name, std::optional<M> S::*member, const Kind<T> &kind, const char *help)
{
    Field<S> row;
    row.key.name = name;
    row.key.kind = kind;
    row.key.is_optional = true;
    row.key.help = help;
    row.read = [=](Reader &reader, Need need, S &object) { reader.value(name, need, kind, object.*member); };
    row.write = [=](OrderedJson &json, const S &object) {
        if (object.*member)
            json[name] = kind.write(static_cast<T>(*(object.*member)));
    };
    return row;
}

// The key of a member's member: the file has them all in one object.
template <typename S, typename M>
Field<S> field_of(M S::*member, const Field<M> &inner)
{
    Field<S> row;
    row.key = inner.key;
    row.read = [=](Reader &reader, Need need, S &object) { inner.read(reader, need, object.*member); };
    row.write = [=](OrderedJson &json, const S &object) { inner.write(json, object.*member); };
    return row;
}

template <typename S, typename T>
Field<S> list_row(const char *name, const Kind<T> &kind, Reader::Count count, const char *help)
{
    Field<S> row;
    row.key.name = name;
    row.key.shape = Shape::list;
    row.key.kind = kind;
    row.key.count = count;
    row.key.help = help;
    return row;
}

template <typename T, typename M>
OrderedJson written_list(const Kind<T> &kind, const std::vector<M> &items)
{
    OrderedJson list = OrderedJson::array();
    for (const M &item : items)
        list.push_back(kind.write(static_cast<T>(item)));
    return list;
}

// A list of values. Where it is not required it may be empty.
template <typename S, typename M, typename T>
Field<S> list_field(const char *name, std::vector<M> S::*member, const Kind<T> &kind, Reader::Count count,
                    const char *help)
{
    Field<S> row = list_row<S>(name, kind, count, help);
    row.read = [=](Reader &reader, Need need, S &object) {
        const std::size_t least = need == Need::required ? count.least : 0;
        reader.list(name, need, kind, object.*member, {least, count.most});
    };
    row.write = [=](OrderedJson &json, const S &object) { json[name] = written_list(kind, object.*member); };
    return row;
}

// The same, if it makes a difference whether the list is there.
template <typename S, typename M, typename T>
Field<S> list_field(const char *name, std::optional<std::vector<M>> S::*member, const Kind<T> &kind,
                    Reader::Count count, const char *help)
{
    Field<S> row = list_row<S>(name, kind, count, help);
    row.key.is_optional = true;
    row.read = [=](Reader &reader, Need need, S &object) {
        reader.list(name, need, kind, object.*member, count);
    };
    row.write = [=](OrderedJson &json, const S &object) {
        if (object.*member)
            json[name] = written_list(kind, *(object.*member));
    };
    return row;
}

// An object inside.
template <typename S, typename M>
Field<S> object_field(const char *name, M S::*member, const Fields<M> &inside, const char *help)
{
    Field<S> row;
    row.key.name = name;
    row.key.shape = Shape::object;
    row.key.inside = &inside.section();
    row.key.help = help;
    row.read = [=, &inside](Reader &reader, Need need, S &object) {
        reader.object(
            name, [&](Reader &in) { inside.read(in, object.*member); }, need);
    };
    row.write = [=, &inside](OrderedJson &json, const S &object) {
        json[name] = inside.write(object.*member);
    };
    return row;
}

template <typename S, typename M>
Field<S> object_field(const char *name, std::optional<M> S::*member, const Fields<M> &inside,
                      const char *help)
{
    Field<S> row;
    row.key.name = name;
    row.key.shape = Shape::object;
    row.key.inside = &inside.section();
    row.key.is_optional = true;
    row.key.help = help;
    row.read = [=, &inside](Reader &reader, Need need, S &object) {
        reader.object(
            name, [&](Reader &in) { inside.read(in, (object.*member).emplace()); }, need);
    };
    row.write = [=, &inside](OrderedJson &json, const S &object) {
        if (object.*member)
            json[name] = inside.write(*(object.*member));
    };
    return row;
}

// A list of objects. One that must have items is required.
template <typename S, typename M>
Field<S> objects_field(const char *name, std::vector<M> S::*member, const Fields<M> &each,
                       Reader::Count count, const char *help)
{
    Field<S> row;
    row.key.name = name;
    row.key.shape = Shape::objects;
    row.key.inside = &each.section();
    row.key.count = count;
    row.key.is_required = count.least > 0;
    row.key.help = help;
    row.read = [=, &each](Reader &reader, Need, S &object) {
        reader.objects(name, count, object.*member, [&](Reader &in, M &item) { each.read(in, item); });
    };
    row.write = [=, &each](OrderedJson &json, const S &object) {
        OrderedJson &items = json[name] = OrderedJson::array();
        for (const M &item : object.*member)
            items.push_back(each.write(item));
    };
    return row;
}

} // namespace aya
