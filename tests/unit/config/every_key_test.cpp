// SPDX-License-Identifier: BSD-2-Clause
// What must hold of every key of the configuration, whatever keys there are: its limits are the limits, its
// default is the default, what is written is what was read. A new key needs no test of these.
#include "config/fields.hpp"

#include "support.hpp"

#include <algorithm>
#include <charconv>

namespace aya::test
{

// A key and the place of its value in base().
struct Place {
    const Key *key;
    std::string pointer;
};

void PrintTo(const Place &place, std::ostream *out)
{
    *out << place.pointer;
}

void add_places(const Section &section, const std::string &where, std::vector<Place> &places)
{
    for (const Key &key : section.keys) {
        const std::string pointer = where + pointer_token(key.name);
        places.push_back({&key, pointer});
        if (key.inside != nullptr)
            add_places(*key.inside, key.shape == Shape::objects ? pointer + "/0" : pointer, places);
    }
}

std::vector<Place> all_places()
{
    std::vector<Place> places;
    add_places(fields<Config>().section(), "", places);
    return places;
}

// Every object is in it, and every list of objects has an item.
OrderedJson base()
{
    return OrderedJson::parse(R"({
        "seed": "000102030405060708090a0b0c0d0eff",
        "dataplane": { "workers": [2], "ports": [ { "device": "net_null0" } ] },
        "controlplane": { "limits": {} },
        "tunnel_source": {},
        "lists": [ { "name": "bad" } ],
        "services": [ { "name": "web", "vips": [ "203.0.113.10:443/tcp" ], "health": { "type": "none" },
                        "idle_timeouts": {}, "slow_start": {}, "limits": {},
                        "quic_lb": [ { "config_id": 0, "server_id_length": 4, "nonce_length": 4 } ],
                        "backends": [ { "name": "web-1", "address": "10.0.1.11" } ] } ] })");
}

std::string base_with(const std::string &pointer, const OrderedJson &value)
{
    OrderedJson json = base();
    json[OrderedJson::json_pointer(pointer)] = value;
    return json.dump();
}

std::string base_without(const std::string &pointer)
{
    OrderedJson json = base();
    const OrderedJson::json_pointer at(pointer);
    json[at.parent_pointer()].erase(at.back());
    return json.dump();
}

// What the keys say, without the rules that span several: a limit alone may not fit to the rest of base().
struct Answer {
    Config config;
    ConfigErrors errors;
};

Answer read(const std::string &text)
{
    Answer answer;
    ErrorSink errors;
    const JsonText json = read_json_text(text, errors);
    Reader reader(json.value, "", ReadMode::whole, errors);
    fields<Config>().read(reader, answer.config);
    reader.finish();
    answer.errors = errors.take();
    return answer;
}

// "1h" with -1 is "0h": the number that starts a value, changed by `step`.
OrderedJson stepped(const OrderedJson &limit, int step)
{
    if (limit.is_number())
        return limit.get<std::int64_t>() + step;
    const auto text = limit.get<std::string>();
    std::int64_t number = 0;
    const auto [unit, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return std::to_string(number + step) + std::string(unit, text.data() + text.size());
}

class EveryKey : public ::testing::TestWithParam<Place>
{
protected:
    const Key &key() const { return *GetParam().key; }
    const std::string &pointer() const { return GetParam().pointer; }
    bool is_list() const { return key().shape == Shape::list || key().shape == Shape::objects; }
    bool is_value() const { return key().shape == Shape::value; }

    void expect_refused(const OrderedJson &value) const
    {
        const ConfigErrors errors = read(base_with(pointer(), value)).errors;
        ASSERT_EQ(errors.size(), 1U) << value << ::testing::PrintToString(lines_of(errors));
        EXPECT_EQ(errors[0].where, pointer());
        const std::string start = "found " + describe(Json(value));
        EXPECT_TRUE(errors[0].message.starts_with(start)) << errors[0].message;
        if (is_value()) {
            EXPECT_TRUE(errors[0].message.ends_with("; allowed: " + key().kind.allowed)) << errors[0].message;
        }
    }

    void expect_read_and_written(const OrderedJson &value) const
    {
        const Answer answer = read(base_with(pointer(), value));
        ASSERT_EQ(lines_of(answer.errors), Lines{}) << value;
        EXPECT_EQ(to_json(answer.config)[OrderedJson::json_pointer(pointer())], value);
    }
};

TEST_P(EveryKey, IsDescribed)
{
    EXPECT_FALSE(key().help.empty());
    EXPECT_FALSE(key().help.ends_with('.')) << "a full stop is added where it belongs";
    EXPECT_LT(key().help.size(), 90U) << "one line of a terminal; Field::more() is for the rest";
    EXPECT_EQ(key().more.find('|'), std::string::npos) << "it stands in a table";
}

TEST_P(EveryKey, IsNamedWhereAnUnknownKeyIsFound)
{
    const std::string unknown = pointer().substr(0, pointer().rfind('/')) + "/no_such_key";
    const ConfigErrors errors = read(base_with(unknown, 1)).errors;
    ASSERT_EQ(errors.size(), 1U) << ::testing::PrintToString(lines_of(errors));
    EXPECT_EQ(errors[0].where, unknown);
    const std::string &message = errors[0].message;
    EXPECT_NE((message.substr(message.find("allowed:")) + ",").find(" " + key().name + ","),
              std::string::npos)
        << message;
}

TEST_P(EveryKey, IsOfItsTypeAlone)
{
    expect_refused(nullptr);
    expect_refused(key().shape == Shape::object ? OrderedJson(1) : OrderedJson::object());
    if (!is_list())
        expect_refused(OrderedJson::array({1}));
    if (key().kind.schema.value("type", "") != "integer")
        expect_refused(7);
    else
        expect_refused("7");
}

TEST_P(EveryKey, HasTheLimitsThatItNames)
{
    const KindFacts &kind = key().kind;
    if (!is_value() || kind.least.is_null())
        return;
    expect_read_and_written(kind.least);
    expect_read_and_written(kind.most);
    expect_refused(stepped(kind.least, -1));
    expect_refused(stepped(kind.most, +1));
}

TEST_P(EveryKey, TakesTheWordsThatItNames)
{
    if (!is_value() || !key().kind.schema.contains("enum"))
        return;
    for (const std::string &word : key().kind.words)
        expect_read_and_written(word);
    expect_refused("");
    expect_refused(key().kind.words.front() + "x");
}

TEST_P(EveryKey, CountsItsItems)
{
    if (!is_list())
        return;
    if (key().count.least > 0)
        expect_refused(OrderedJson::array());
    if (key().count.most != SIZE_MAX) {
        const OrderedJson item = base()[OrderedJson::json_pointer(pointer())][0];
        expect_refused(std::vector<OrderedJson>(key().count.most + 1, item));
    }
}

TEST_P(EveryKey, IsRequiredOrHasItsDefault)
{
    const Answer answer = read(base_without(pointer()));
    if (key().is_required) {
        ASSERT_EQ(answer.errors.size(), 1U) << ::testing::PrintToString(lines_of(answer.errors));
        EXPECT_EQ(answer.errors[0].where, pointer());
        EXPECT_TRUE(answer.errors[0].message.starts_with("missing; required: "));
        return;
    }
    EXPECT_EQ(lines_of(answer.errors), Lines{});
    const OrderedJson written = to_json(answer.config);
    const OrderedJson::json_pointer at(pointer());
    if (key().is_optional) {
        EXPECT_FALSE(written.contains(at));
    } else {
        EXPECT_EQ(written[at], key().initial);
        EXPECT_EQ(read(written.dump()).config, answer.config);
    }
}

INSTANTIATE_TEST_SUITE_P(All, EveryKey, ::testing::ValuesIn(all_places()));

TEST(EveryKeys, AreMany)
{
    const auto places = all_places();
    EXPECT_GT(places.size(), 50U);
    const auto has_limits = [](const Place &place) { return !place.key->kind.least.is_null(); };
    EXPECT_GT(std::count_if(places.begin(), places.end(), has_limits), 20);
}

} // namespace aya::test
