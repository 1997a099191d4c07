// SPDX-License-Identifier: BSD-2-Clause
// Whatever text comes, reading it ends with a configuration or with errors that are one line of valid
// UTF-8 each; what is accepted reads back the same.
#include "config/edit.hpp"
#include "config/merge.hpp"
#include "config/state.hpp"
#include "support.hpp"

#include <fstream>
#include <random>
#include <sstream>

namespace aya::test
{

class Mutator
{
public:
    explicit Mutator(unsigned seed) : random_(seed) {}

    std::string operator()(std::string text)
    {
        for (std::size_t i = 0, count = 1 + random_() % 4; i < count && !text.empty(); ++i)
            mutate(text);
        return text;
    }

private:
    std::size_t pick(std::size_t below) { return random_() % below; }

    void mutate(std::string &text)
    {
        static const std::vector<std::string> kTokens{"{",
                                                      "}",
                                                      "[",
                                                      "]",
                                                      ",",
                                                      ":",
                                                      "\"",
                                                      "null",
                                                      "true",
                                                      "-1",
                                                      "1e999",
                                                      "99999999999999999999",
                                                      "0.5",
                                                      "\"\"",
                                                      "/*",
                                                      "*/",
                                                      "//",
                                                      "\\u0000",
                                                      "\\ud800",
                                                      "\xff",
                                                      "\xef\xbb\xbf",
                                                      "\"1s\"",
                                                      "\"[::]:*/udp\"",
                                                      "[[[[[[[["};
        const std::size_t at = pick(text.size());
        const std::size_t length = pick(std::min<std::size_t>(text.size() - at, 20)) + 1;
        switch (pick(6)) {
        case 0:
            text[at] = static_cast<char>(pick(256));
            break;
        case 1:
            text.erase(at, length);
            break;
        case 2:
            text.insert(at, kTokens[pick(kTokens.size())]);
            break;
        case 3: // a piece of itself, which makes duplicates
            text.insert(pick(text.size()), text.substr(at, length * 10));
            break;
        case 4: { // another digit
            const std::size_t digit = text.find_first_of("0123456789", at);
            if (digit != std::string::npos)
                text[digit] = static_cast<char>('0' + pick(10));
            break;
        }
        default:
            text.replace(at, length, kTokens[pick(kTokens.size())]);
        }
    }

    std::mt19937 random_;
};

template <typename T>
void expect_presentable(const Result<T> &result)
{
    ASSERT_FALSE(result.errors().empty());
    for (const ConfigError &error : result.errors()) {
        const std::string line = format_error("f", error);
        ASSERT_EQ(line.find_first_of("\n\r\t\0"), std::string::npos) << line;
        ASSERT_NO_THROW(nlohmann::json(line).dump()) << line; // throws if it is not UTF-8
    }
}

TEST(Robustness, MutatedConfigurationsAreReadOrRefused)
{
    const std::string text = to_json(valid_config()).dump(2);
    Mutator mutated(20240601);
    unsigned accepted = 0;
    for (unsigned round = 0; round < 20000; ++round) {
        const auto config = parse_config(mutated(text));
        if (!config) {
            ASSERT_NO_FATAL_FAILURE(expect_presentable(config));
            continue;
        }
        ++accepted;
        const auto again = parse_config(to_json(*config).dump());
        ASSERT_TRUE(again) << ::testing::PrintToString(errors_of(again));
        ASSERT_EQ(*again, *config);
    }
    EXPECT_GT(accepted, 200U); // both ways were taken
    EXPECT_LT(accepted, 19800U);
}

TEST(Robustness, MutatedRequestsAreDoneOrRefused)
{
    const Config config = valid_config();
    Mutator mutated(20240602);
    const std::string service =
        R"({"name": "x", "vips": ["[2001:db8::1]:80/tcp"], "health": {"type": "tcp", "port": 1}})";
    const std::string backend = R"({"weight": 3, "state": "draining", "mac": "52:54:00:00:00:11"})";
    for (unsigned round = 0; round < 5000; ++round) {
        for (const auto &result :
             {add_service(config, mutated(service)), patch_service(config, "web", mutated(service)),
              add_backend(config, "web", mutated(backend)),
              patch_backend(config, "web", "web-1", mutated(backend))}) {
            if (!result) {
                ASSERT_NO_FATAL_FAILURE(expect_presentable(result));
            }
        }
    }
}

TEST(Robustness, MutatedStateFilesAreReadOrRefused)
{
    const std::string text = format_state({valid_config().services, valid_config().services});
    Mutator mutated(20240603);
    for (unsigned round = 0; round < 10000; ++round) {
        const auto state = parse_state(mutated(text));
        if (!state) {
            ASSERT_NO_FATAL_FAILURE(expect_presentable(state));
            continue;
        }
        const auto merged = merge(state->last_applied, valid_config(), state->running);
        if (!merged) {
            ASSERT_NO_FATAL_FAILURE(expect_presentable(merged));
        }
    }
}

TEST(Robustness, RandomBytesAreRefused)
{
    std::mt19937 random(20240604);
    for (unsigned round = 0; round < 5000; ++round) {
        std::string text(random() % 64, '\0');
        for (char &c : text)
            c = static_cast<char>(random());
        const auto config = parse_config(text);
        ASSERT_FALSE(config);
        ASSERT_NO_FATAL_FAILURE(expect_presentable(config));
    }
}

} // namespace aya::test
