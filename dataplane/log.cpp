// SPDX-License-Identifier: BSD-2-Clause
#include "log.hpp"

#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <utility>

#include <dlfcn.h>
#include <rte_log.h>
#include <unistd.h>

namespace aya
{

namespace
{

int log_type = RTE_LOGTYPE_USER1;
bool show_drivers = false;
std::mutex complaint_mutex;
std::string complaint;

u_int32_t dpdk_level(LogLevel level)
{
    switch (level) {
    case LogLevel::debug:
        return RTE_LOG_DEBUG;
    case LogLevel::info:
        return RTE_LOG_INFO;
    case LogLevel::warning:
        return RTE_LOG_WARNING;
    case LogLevel::error:
        break;
    }
    return RTE_LOG_ERR;
}

void keep_complaint(std::string_view line)
{
    while (!line.empty() && (line.back() == '\n' || line.back() == '.' || line.back() == ' '))
        line.remove_suffix(1);
    if (line.empty())
        return;
    const std::lock_guard lock(complaint_mutex);
    if (complaint.empty()) // the first is the cause, what follows is its consequences
        complaint = line;
}

// fopencookie's write function: one call a message, since rte_log flushes after each.
ssize_t write_message(void *, const char *text, std::size_t size)
{
    const bool ours = rte_log_cur_msg_logtype() == log_type;
    if (!ours && rte_log_cur_msg_loglevel() <= int{RTE_LOG_ERR})
        keep_complaint({text, size});
    if (ours || show_drivers)
        return ::write(STDERR_FILENO, text, size);
    return static_cast<ssize_t>(size);
}

// libbpf_print_fn_t and libxdp_print_fn_t; level 0 is a warning.
int print_bpf_message(int level, const char *format, va_list arguments)
{
    std::array<char, 512> text;
    const int length = std::vsnprintf(text.data(), text.size(), format, arguments);
    // Of the many lines of a start that works, only what the kernel itself says is ever a cause.
    constexpr std::string_view kKernelSays = "libbpf: Kernel error message: ";
    if (level == 0 && std::string_view(text.data()).starts_with(kKernelSays))
        keep_complaint(text.data() + kKernelSays.size());
    return show_drivers ? std::fputs(text.data(), stderr) : length;
}

void redirect_prints(const char *library, const char *setter)
{
    void *handle = ::dlopen(library, RTLD_NOW | RTLD_NOLOAD);
    if (handle == nullptr)
        return; // not loaded: no AF_XDP driver here
    using Print = int (*)(int, const char *, va_list);
    if (const auto set_print = reinterpret_cast<Print (*)(Print)>(::dlsym(handle, setter)))
        set_print(print_bpf_message);
    ::dlclose(handle);
}

} // namespace

void log_catch_bpf_libraries()
{
    redirect_prints("libbpf.so.1", "libbpf_set_print");
    redirect_prints("libxdp.so.1", "libxdp_set_print");
}

void log_open(LogLevel level)
{
    const cookie_io_functions_t functions{nullptr, write_message, nullptr, nullptr};
    if (FILE *stream = ::fopencookie(nullptr, "w", functions))
        rte_openlog_stream(stream);
    log_type = rte_log_register("aya");
    rte_log_set_level(static_cast<u_int32_t>(log_type), dpdk_level(level));
    show_drivers = level == LogLevel::debug;
}

bool log_shows_drivers()
{
    return show_drivers;
}

void log_line(LogLevel level, const std::string &text)
{
    const std::string name(to_string(level));
    rte_log(dpdk_level(level), static_cast<u_int32_t>(log_type), "aya-dataplane: %s: %s\n", name.c_str(),
            text.c_str());
}

std::string take_driver_complaint()
{
    const std::lock_guard lock(complaint_mutex);
    return std::exchange(complaint, {});
}

} // namespace aya
