// SPDX-License-Identifier: BSD-2-Clause
// quic id: connection ids for the operator of a QUIC server.
#include "commands.hpp"
#include "fields.hpp"

#include <memory>

namespace aya::ctl
{

namespace
{

struct WantedIds {
    std::string service;
    std::string backend;
    std::optional<std::int64_t> config_id;
    std::optional<std::int64_t> count;
    std::string nonce;
};

void run_quic_id(Session &session, const WantedIds &wanted)
{
    Json body = Json::object();
    if (wanted.config_id)
        body["config_id"] = *wanted.config_id;
    if (wanted.count)
        body["count"] = *wanted.count;
    if (!wanted.nonce.empty())
        body["nonce"] = wanted.nonce;
    const std::string path = "/v1/services/" + percent_encode(wanted.service) + "/backends/" +
                             percent_encode(wanted.backend) + "/quic_ids";
    const Json answer = session.daemon().post(path, body.dump());
    if (session.json())
        return session.print_json(answer);
    for (const Json &id : list(answer, "ids"))
        session.print(printable(id.get<std::string>()) + "\n");
}

} // namespace

void add_quic_commands(Program &program)
{
    CLI::App *quic = program.add_group("quic", "Connection ids of QUIC servers");
    const auto wanted = std::make_shared<WantedIds>();
    CLI::App *id = program.add_command(quic, "id", "Make connection ids that name a backend, one per line",
                                       [wanted](Session &session) { run_quic_id(session, *wanted); });
    program.hint(
        id->add_option("SERVICE", wanted->service, "Name of the service")->required()->check(not_empty()),
        {Hint::Kind::services, {}});
    program.hint(
        id->add_option("BACKEND", wanted->backend, "Name of the backend")->required()->check(not_empty()),
        {Hint::Kind::backends, {}});
    add_number(id, "--config-id", wanted->config_id, "Configuration to use, if the service has several");
    add_number(id, "--count", wanted->count, "How many to make; 1 if absent");
    id->add_option("--nonce", wanted->nonce, "Nonce to use instead of a random one")->type_name("HEX");
}

} // namespace aya::ctl
