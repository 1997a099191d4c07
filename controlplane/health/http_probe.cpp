// SPDX-License-Identifier: BSD-2-Clause
// "http" and "https": one request by HTTP/1.1, answered with an expected status and, if asked for, with a
// body that has a given text in it.
#include "health/stream_probe.hpp"

#include "common/json/json_text.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/parser.hpp>

#include <algorithm>

namespace aya::health
{

namespace
{

namespace http = boost::beast::http;

constexpr std::uint32_t kMostHeaderBytes = 16 << 10;
constexpr std::size_t kMostBodyBytes = 64 << 10;

// A body of which only the first bytes are kept, whatever length the server announces.
struct StartOfBody {
    using value_type = std::string;

    class reader
    {
    public:
        template <bool isRequest, class Fields>
        reader(http::header<isRequest, Fields> &, value_type &body) : body_(body)
        {
        }

        static void init(const boost::optional<std::uint64_t> &, boost::beast::error_code &error)
        {
            error = {};
        }

        template <class Buffers>
        std::size_t put(const Buffers &buffers, boost::beast::error_code &error)
        {
            std::size_t taken = 0;
            for (const auto piece : boost::beast::buffers_range_ref(buffers)) {
                body_.append(static_cast<const char *>(piece.data()), piece.size());
                taken += piece.size();
            }
            error = body_.size() > kMostBodyBytes ? http::error::body_limit : boost::beast::error_code();
            return taken;
        }

        static void finish(boost::beast::error_code &error) { error = {}; }

    private:
        value_type &body_;
    };
};

std::string authority(const ProbeTarget &target, std::uint16_t usual_port)
{
    if (target.options->host)
        return *target.options->host;
    const std::string address = to_string(target.address.address);
    if (target.address.port != usual_port)
        return to_string(target.address);
    return target.address.address.is_v4() ? address : "[" + address + "]";
}

class HttpProbe final : public StreamProbe
{
public:
    HttpProbe(const ProbeTarget &target, std::optional<TlsWanted> tls)
        : StreamProbe(target, tls), options_(target.options),
          expected_(options_->expected_status.value_or(*StatusSet::parse("200-399"))),
          host_(authority(target, tls ? 443 : 80))
    {
    }

private:
    HttpMethod method() const { return options_->method.value_or(HttpMethod::get); }

    std::string ask() override
    {
        begin_answer();
        unparsed_.clear();
        seen_ = 0;
        searched_ = 0;
        return std::string(to_string(method())) + " " + options_->path.value_or("/") +
               " HTTP/1.1\r\nHost: " + host_ +
               "\r\nUser-Agent: aya\r\nAccept: */*\r\nConnection: close\r\n\r\n";
    }

    std::optional<Finding> receive(std::string_view bytes, std::string &) override
    {
        if (!begins_as_http(bytes))
            return Finding(Outcome::bad_answer, "not an HTTP/1 answer");
        unparsed_ += bytes;
        boost::beast::error_code error = parse();
        for (; !error && is_interim(); error = parse())
            begin_answer();
        if (parser_->is_header_done())
            return judge(error || parser_->is_done());
        if (error == http::error::header_limit)
            return Finding(Outcome::bad_answer, "more than 16 KB of headers");
        if (error)
            return Finding(Outcome::bad_answer, "not an HTTP/1 answer");
        return std::nullopt;
    }

    Finding ended() override
    {
        if (parser_->is_header_done())
            return *judge(true);
        return {Outcome::bad_answer, seen_ > 0 ? "the connection was closed within the headers"
                                               : "the connection was closed without an answer"};
    }

    void begin_answer()
    {
        parser_.emplace();
        parser_->header_limit(kMostHeaderBytes);
        parser_->body_limit(boost::none);
        parser_->eager(options_->expected_body.has_value());
        parser_->skip(method() == HttpMethod::head);
    }

    boost::beast::error_code parse()
    {
        boost::beast::error_code error;
        for (std::size_t taken = 1; taken > 0 && !error && !parser_->is_done();) {
            taken = parser_->put(boost::asio::buffer(unparsed_), error);
            unparsed_.erase(0, taken);
        }
        return error == http::error::need_more ? boost::beast::error_code() : error;
    }

    // RFC 9110, section 15.2: the final answer follows. 101 would be final, as nothing asks for it.
    bool is_interim() const
    {
        const unsigned status = parser_->is_header_done() ? parser_->get().result_int() : 0;
        return status / 100 == 1 && status != 101;
    }

    // The parser would wait for the end of a line, which other protocols need not have.
    bool begins_as_http(std::string_view bytes)
    {
        constexpr std::string_view kStart = "HTTP/1.";
        const std::string_view expected = kStart.substr(std::min(kStart.size(), seen_), bytes.size());
        seen_ += bytes.size();
        return bytes.starts_with(expected);
    }

    // `complete`: there will be no more of the body.
    std::optional<Finding> judge(bool complete)
    {
        const unsigned status = parser_->get().result_int();
        if (!expected_.contains(status))
            return Finding(Outcome::bad_answer,
                           "status " + std::to_string(status) + "; expected: " + expected_.text());
        if (!options_->expected_body)
            return Finding(Outcome::ok);
        const std::string &wanted = *options_->expected_body;
        const std::string &body = parser_->get().body();
        if (body.find(wanted, searched_) != std::string::npos)
            return Finding(Outcome::ok);
        searched_ = body.size() - std::min(body.size(), wanted.size() - 1);
        if (!complete)
            return std::nullopt;
        const std::string what = body.size() <= kMostBodyBytes
                                     ? "the body does not contain "
                                     : "the first 64 KB of the body do not contain ";
        return Finding(Outcome::bad_answer, what + quote(wanted));
    }

    std::shared_ptr<const ProbeOptions> options_;
    StatusSet expected_;
    std::string host_;
    std::optional<http::response_parser<StartOfBody>> parser_;
    std::string unparsed_;
    std::size_t seen_ = 0;     // bytes of the answer
    std::size_t searched_ = 0; // of the body
};

} // namespace

std::unique_ptr<Probe> make_http_probe(const ProbeTarget &target)
{
    return std::make_unique<HttpProbe>(target, std::nullopt);
}

std::unique_ptr<Probe> make_https_probe(const ProbeTarget &target)
{
    return std::make_unique<HttpProbe>(target, tls_wanted(target));
}

} // namespace aya::health
