// SPDX-License-Identifier: BSD-2-Clause
// Reading the daemon's JSON. Absent and null read as "unknown", so that an ayactl and a daemon of
// neighbouring versions still understand each other.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>

namespace aya::ctl
{

using Json = nlohmann::ordered_json; // keys are printed in the daemon's order

// Strings as they are, numbers in full, booleans as yes and no, "-" where there is nothing.
std::string text(const Json &object, const char *key);
std::uint64_t number(const Json &object, const char *key);
bool truth(const Json &object, const char *key);
// The member, or an empty array (object) if it is absent or of another type.
const Json &list(const Json &object, const char *key);
const Json &member(const Json &object, const char *key);
// They give references into the object, which must outlive them: a loop over a temporary's list would not do.
const Json &list(Json &&object, const char *key) = delete;
const Json &member(Json &&object, const char *key) = delete;

} // namespace aya::ctl
