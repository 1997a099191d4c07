// SPDX-License-Identifier: BSD-2-Clause
#include "api_fixture.hpp"

#include "api/router.hpp"

namespace aya::test
{
namespace
{

using api::Call;
using api::Router;

TEST(PercentDecode, DecodesAndRefuses)
{
    EXPECT_EQ(api::percent_decode("gpu-01"), "gpu-01");
    EXPECT_EQ(api::percent_decode("a%20b%2Fc"), "a b/c");
    EXPECT_EQ(api::percent_decode("%41%62"), "Ab");
    EXPECT_EQ(api::percent_decode(""), "");
    for (const char *broken : {"%", "%4", "a%zz", "%4g", "%00", "%-1", "% 1"})
        EXPECT_FALSE(api::percent_decode(broken)) << broken;
}

Response route(const Router &router, verb method, const std::string &path)
{
    boost::asio::io_context io(1);
    return await(io, router.route({.method = method, .path = path, .body = "body"}));
}

Router router_with_names()
{
    Router router;
    router.add(verb::get, "/a/{}/b/{}", [](Call call) -> boost::asio::awaitable<Response> {
        co_return Response{.status = 200,
                           .body = call.names[0] + "|" + call.names[1] + "|" + call.body,
                           .content_type = "text/plain",
                           .allow = {}};
    });
    return router;
}

TEST(Router, HandsOverDecodedNamesAndTheBody)
{
    EXPECT_EQ(route(router_with_names(), verb::get, "/a/x%2Fy/b/z").body, "x/y|z|body");
}

TEST(Router, MatchesWholePathsOnly)
{
    const Router router = router_with_names();
    for (const char *path :
         {"", "/", "/a", "/a/x/b", "/a/x/b/", "/a//b/z", "/a/x/b/z/", "/a/x/c/z", "a/x/b/z"})
        EXPECT_EQ(route(router, verb::get, path).status, 404u) << path;
    EXPECT_EQ(route(router, verb::post, "/a/x/b/z").status, 405u);
    EXPECT_EQ(route(router, verb::get, "/a/{}/d/{}").body,
              api::error_response(404, "", R"(no path "/a/{}/d/{}"; did you mean "/a/{}/b/{}"?)").body);
    EXPECT_EQ(route(router, verb::get, "/a/%/b/z").status, 400u);
}

} // namespace
} // namespace aya::test
