// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "config/config.hpp"
#include "model/image.hpp"

namespace aya
{

// What connection ids need, in an image whose backends are compiled. Nothing for a service without quic_lb.
void compile_quic(ServiceImage &image, const ServiceConfig &service, const Seed &seed);

} // namespace aya
