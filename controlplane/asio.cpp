// SPDX-License-Identifier: BSD-2-Clause
// The one place where Asio's and Beast's functions are compiled.
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>
