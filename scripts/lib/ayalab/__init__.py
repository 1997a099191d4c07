# SPDX-License-Identifier: BSD-2-Clause
"""A network laboratory on one machine: a client, the balancer and its backends in network namespaces.

scripts/demo and tests/e2e/ share it. Only Python's own library and the usual tools (ip, ethtool, nginx) are used.
"""
