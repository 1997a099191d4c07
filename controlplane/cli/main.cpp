// SPDX-License-Identifier: BSD-2-Clause
// ayactl: the operator's client of the control plane's API.
#include "run.hpp"

int main(int argc, char **argv)
{
    return aya::ctl::run(argc, argv);
}
