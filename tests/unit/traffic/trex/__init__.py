# SPDX-License-Identifier: BSD-2-Clause
"""Stands in for TRex's Python API in trex_profiles_test.py."""
