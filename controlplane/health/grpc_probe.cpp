// SPDX-License-Identifier: BSD-2-Clause
// "grpc": the standard health service (grpc.health.v1.Health/Check) answers SERVING, by HTTP/2 with prior
// knowledge or by TLS.
#include "health/stream_probe.hpp"

#include "common/json/json_text.hpp"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <memory>

namespace aya::health
{

namespace
{

constexpr std::size_t kMostMessageBytes = 1024;
constexpr std::size_t kPrefix = 5; // of a message: a flag and its length
constexpr std::array<std::string_view, 4> kServingStatus = {"UNKNOWN", "SERVING", "NOT_SERVING",
                                                            "SERVICE_UNKNOWN"};
constexpr std::string_view kUnimplemented = "12"; // of the statuses of gRPC
constexpr std::string_view kNotFound = "5";

nghttp2_nv header(std::string_view name, std::string_view value)
{
    // nghttp2 copies both, and writes neither.
    return {.name = reinterpret_cast<std::uint8_t *>(const_cast<char *>(name.data())),
            .value = reinterpret_cast<std::uint8_t *>(const_cast<char *>(value.data())),
            .namelen = name.size(),
            .valuelen = value.size(),
            .flags = NGHTTP2_NV_FLAG_NONE};
}

// HealthCheckRequest { string service = 1; }, with its prefix. Names of at most 256 bytes.
std::string request_for(const std::string &service)
{
    std::string message;
    if (!service.empty()) {
        message += '\x0a';
        if (service.size() >= 0x80)
            message += static_cast<char>((service.size() & 0x7f) | 0x80);
        message += static_cast<char>(service.size() < 0x80 ? service.size() : service.size() >> 7);
        message += service;
    }
    const std::array<char, kPrefix> prefix = {0, 0, 0, static_cast<char>(message.size() >> 8),
                                              static_cast<char>(message.size() & 0xff)};
    return std::string(prefix.data(), prefix.size()) + message;
}

// HealthCheckResponse { ServingStatus status = 1; }, with its prefix: the status, which is absent when 0.
std::optional<unsigned> status_in(std::string_view answer)
{
    if (answer.size() < kPrefix || answer[0] != 0)
        return std::nullopt;
    const std::string_view message = answer.substr(kPrefix);
    if (message.empty())
        return 0;
    if (message.size() < 2 || message[0] != '\x08')
        return std::nullopt;
    return static_cast<unsigned char>(message[1]);
}

using Session = std::unique_ptr<nghttp2_session, decltype(&nghttp2_session_del)>;

class GrpcProbe final : public StreamProbe
{
public:
    GrpcProbe(const ProbeTarget &target, std::optional<TlsWanted> tls)
        : StreamProbe(target, tls), service_(target.options->grpc_service.value_or("")),
          host_(target.options->host.value_or(to_string(target.address))), scheme_(tls ? "https" : "http")
    {
    }

private:
    std::string ask() override
    {
        http_status_.clear();
        grpc_status_.clear();
        answer_.clear();
        closed_ = false;
        request_ = request_for(service_);
        session_ = make_session();
        const std::array headers = {header(":method", "POST"),
                                    header(":scheme", scheme_),
                                    header(":path", "/grpc.health.v1.Health/Check"),
                                    header(":authority", host_),
                                    header("content-type", "application/grpc"),
                                    header("te", "trailers"),
                                    header("user-agent", "aya")};
        nghttp2_data_provider body = {.source = {.ptr = this}, .read_callback = give_request};
        nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, nullptr, 0);
        nghttp2_submit_request(session_.get(), nullptr, headers.data(), headers.size(), &body, nullptr);
        std::string question;
        take_output(question);
        return question;
    }

    std::optional<Finding> receive(std::string_view bytes, std::string &reply) override
    {
        const ssize_t taken = nghttp2_session_mem_recv(
            session_.get(), reinterpret_cast<const std::uint8_t *>(bytes.data()), bytes.size());
        if (closed_)
            return judge();
        take_output(reply);
        if (taken < 0 || nghttp2_session_want_read(session_.get()) == 0)
            return Finding(Outcome::bad_answer, "not an HTTP/2 answer");
        return std::nullopt;
    }

    Finding ended() override
    {
        return {Outcome::bad_answer, http_status_.empty() ? "the connection was closed without an answer"
                                                          : "the connection was closed within the answer"};
    }

    Finding judge() const
    {
        if (http_status_ != "200")
            return {Outcome::bad_answer, http_status_.empty() ? "the server reset the stream"
                                                              : "status " + http_status_ + "; expected: 200"};
        if (grpc_status_ == kUnimplemented)
            return {Outcome::bad_answer, "the server has no health service (gRPC status 12)"};
        if (grpc_status_ == kNotFound)
            return {Outcome::bad_answer,
                    "the server knows no service " + quote(service_) + " (gRPC status 5)"};
        if (grpc_status_ != "0")
            return {Outcome::bad_answer, "gRPC status " +
                                             (grpc_status_.empty() ? "missing" : quote(grpc_status_)) +
                                             "; expected: \"0\""};
        const auto status = status_in(answer_);
        if (!status || *status >= kServingStatus.size())
            return {Outcome::bad_answer, "the answer is not one of the health service"};
        if (kServingStatus[*status] == "SERVING")
            return {Outcome::ok};
        return {Outcome::bad_answer, std::string(kServingStatus[*status]) + "; expected: SERVING"};
    }

    void take_output(std::string &to)
    {
        const std::uint8_t *bytes = nullptr;
        ssize_t length = 0;
        while ((length = nghttp2_session_mem_send(session_.get(), &bytes)) > 0)
            to.append(reinterpret_cast<const char *>(bytes), static_cast<std::size_t>(length));
    }

    Session make_session()
    {
        nghttp2_session_callbacks *callbacks = nullptr;
        nghttp2_session_callbacks_new(&callbacks);
        nghttp2_session_callbacks_set_on_header_callback(callbacks, take_header);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, take_data);
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, stream_closed);
        nghttp2_session *session = nullptr;
        nghttp2_session_client_new(&session, callbacks, this);
        nghttp2_session_callbacks_del(callbacks);
        return {session, nghttp2_session_del};
    }

    // What nghttp2 calls. There is one stream.

    static int take_header(nghttp2_session *, const nghttp2_frame *, const std::uint8_t *name,
                           std::size_t name_length, const std::uint8_t *value, std::size_t length,
                           std::uint8_t, void *user)
    {
        GrpcProbe &self = *static_cast<GrpcProbe *>(user);
        const std::string_view key(reinterpret_cast<const char *>(name), name_length);
        const std::string_view text(reinterpret_cast<const char *>(value), std::min<std::size_t>(length, 16));
        if (key == ":status")
            self.http_status_ = text;
        else if (key == "grpc-status")
            self.grpc_status_ = text;
        return 0;
    }

    static int take_data(nghttp2_session *, std::uint8_t, std::int32_t, const std::uint8_t *data,
                         std::size_t length, void *user)
    {
        GrpcProbe &self = *static_cast<GrpcProbe *>(user);
        const std::size_t room = kMostMessageBytes - self.answer_.size();
        self.answer_.append(reinterpret_cast<const char *>(data), std::min(length, room));
        return 0;
    }

    static int stream_closed(nghttp2_session *, std::int32_t, std::uint32_t, void *user)
    {
        static_cast<GrpcProbe *>(user)->closed_ = true;
        return 0;
    }

    static ssize_t give_request(nghttp2_session *, std::int32_t, std::uint8_t *buffer, std::size_t length,
                                std::uint32_t *flags, nghttp2_data_source *source, void *)
    {
        std::string &request = static_cast<GrpcProbe *>(source->ptr)->request_;
        const std::size_t count = std::min(length, request.size());
        std::copy_n(request.begin(), count, buffer);
        request.erase(0, count);
        if (request.empty())
            *flags |= NGHTTP2_DATA_FLAG_EOF;
        return static_cast<ssize_t>(count);
    }

    std::string service_;
    std::string host_;
    std::string_view scheme_;
    Session session_ = {nullptr, nghttp2_session_del};
    std::string request_; // what of it is not sent
    std::string http_status_;
    std::string grpc_status_;
    std::string answer_;
    bool closed_ = false;
};

} // namespace

std::unique_ptr<Probe> make_grpc_probe(const ProbeTarget &target)
{
    if (!target.options->tls.value_or(false))
        return std::make_unique<GrpcProbe>(target, std::nullopt);
    TlsWanted tls = tls_wanted(target);
    tls.http2 = true;
    return std::make_unique<GrpcProbe>(target, std::move(tls));
}

} // namespace aya::health
