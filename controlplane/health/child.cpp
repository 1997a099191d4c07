// SPDX-License-Identifier: BSD-2-Clause
#include "health/child.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <linux/capability.h>
#include <memory>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace aya::health
{

namespace
{

constexpr std::size_t kMostOutput = 64 << 10;
constexpr std::size_t kKeptOutput = 200;
constexpr unsigned kNobody = 65534;
constexpr std::size_t kStackSize = 64 << 10;

struct Exec {
    char *const *arguments;
    char *const *environment;
    int output;
    const char *failed = nullptr; // the step that did
    int error = 0;
};

// Without those that are permitted or inheritable, a file's capabilities give none: no_new_privs.
bool clear_capabilities()
{
    __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    const std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none = {};
    return ::syscall(SYS_capset, &header, none.data()) == 0;
}

// Changes only the calling task. The functions of libc would tell the other threads of this process to
// follow.
bool drop_privileges()
{
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
        return false;
    // Where this is refused for want of CAP_SETPCAP, clear_capabilities() suffices.
    for (unsigned long capability = 0; ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; capability++) {
    }
    return ::syscall(SYS_setgroups, 0, nullptr) == 0 &&
           ::syscall(SYS_setresgid, kNobody, kNobody, kNobody) == 0 &&
           ::syscall(SYS_setresuid, kNobody, kNobody, kNobody) == 0 && clear_capabilities();
}

void reset_signals()
{
    struct sigaction standard = {};
    standard.sa_handler = SIG_DFL;
    for (int signal = 1; signal < NSIG; signal++)
        ::sigaction(signal, &standard, nullptr); // refused for a few, which cannot be changed
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

bool redirect(int output)
{
    const int null = ::open("/dev/null", O_RDWR);
    return null >= 0 && ::dup2(null, 0) == 0 && ::dup2(output, 1) == 1 && ::dup2(output, 2) == 2 &&
           ::syscall(SYS_close_range, 3U, ~0U, 0U) == 0;
}

// In the child, which shares the parent's memory while the parent waits: system calls only.
int run(void *argument)
{
    Exec &exec = *static_cast<Exec *>(argument);
    reset_signals();
    exec.failed = "setting it up";
    if (::setpgid(0, 0) == 0 && redirect(exec.output) && ::chdir("/") == 0) {
        exec.failed = "dropping privileges";
        if (drop_privileges() && ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0) {
            exec.failed = exec.arguments[0];
            ::execve(exec.arguments[0], exec.arguments, exec.environment);
        }
    }
    exec.error = errno;
    ::_exit(127);
}

std::vector<char *> pointers_to(const std::vector<std::string> &texts)
{
    std::vector<char *> pointers;
    for (const std::string &text : texts)
        pointers.push_back(const_cast<char *>(text.c_str())); // execve(2) does not write
    pointers.push_back(nullptr);
    return pointers;
}

struct Dying {
    int process;         // a pidfd
    std::uint64_t owner; // the Child's id
};

// Killed, but not gone yet when they were last looked at.
std::vector<Dying> &dying()
{
    static std::vector<Dying> processes;
    return processes;
}

void bury_the_dead()
{
    std::erase_if(dying(), [](const Dying &one) {
        siginfo_t info = {};
        const bool gone = ::waitid(P_PIDFD, static_cast<id_t>(one.process), &info, WEXITED | WNOHANG) != 0 ||
                          info.si_pid != 0;
        if (gone)
            ::close(one.process);
        return gone;
    });
}

std::string because(const std::string &what)
{
    return what + ": " + std::strerror(errno);
}

void close(int &fd)
{
    if (fd >= 0)
        ::close(std::exchange(fd, -1));
}

} // namespace

Child::Child()
{
    static std::uint64_t last = 0;
    id_ = ++last;
}

std::string Child::start(const std::vector<std::string> &command, const std::vector<std::string> &environment)
{
    stop();
    output_.clear();
    written_ = 0;
    std::array<int, 2> ends;
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        return because("pipe");
    pipe_ = ends[0];
    ::fcntl(pipe_, F_SETFL, O_NONBLOCK);

    const std::vector<char *> arguments = pointers_to(command);
    const std::vector<char *> variables = pointers_to(environment);
    Exec exec = {.arguments = arguments.data(), .environment = variables.data(), .output = ends[1]};
    // A fork would copy the page tables of a process that can be large.
    const auto stack = std::make_unique<char[]>(kStackSize);
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before); // no handler of ours runs in the child
    pid_ = ::clone(run, stack.get() + kStackSize, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &exec,
                   &process_);
    const int error = errno;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::close(ends[1]);
    errno = pid_ < 0 ? error : exec.error;
    if (pid_ < 0) {
        pid_ = 0;
        process_ = -1;
        return because("clone");
    }
    if (exec.error != 0)
        return because(exec.failed);

    events_ = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event event = {};
    event.events = EPOLLIN;
    if (events_ < 0 || ::epoll_ctl(events_, EPOLL_CTL_ADD, process_, &event) != 0 ||
        ::epoll_ctl(events_, EPOLL_CTL_ADD, pipe_, &event) != 0)
        return because("epoll");
    return {};
}

std::optional<int> Child::look()
{
    siginfo_t info = {};
    const bool ended =
        ::waitid(P_PIDFD, static_cast<id_t>(process_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        info.si_pid != 0;
    read_output();
    if (!ended)
        return std::nullopt;
    return info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
}

void Child::read_output()
{
    std::array<char, 4096> buffer;
    ssize_t got = -1;
    while (!wrote_too_much() && (got = ::read(pipe_, buffer.data(), buffer.size())) > 0) {
        written_ += static_cast<std::size_t>(got);
        if (output_.size() < kKeptOutput)
            output_.append(buffer.data(), static_cast<std::size_t>(got));
    }
    if (got == 0 && !wrote_too_much()) // it has closed its output and runs on
        ::epoll_ctl(events_, EPOLL_CTL_DEL, pipe_, nullptr);
}

bool Child::wrote_too_much() const
{
    return written_ > kMostOutput;
}

void Child::stop()
{
    // Not buried yet, so that the number is still its own.
    if (pid_ > 0) {
        ::kill(-pid_, SIGKILL);
        ::syscall(SYS_pidfd_send_signal, process_, SIGKILL, nullptr, 0); // it may have left the group
        dying().push_back({.process = std::exchange(process_, -1), .owner = id_});
    }
    pid_ = 0;
    close(events_);
    close(pipe_);
    bury_the_dead();
}

bool Child::is_dying() const
{
    bury_the_dead();
    return std::any_of(dying().begin(), dying().end(), [this](const Dying &one) { return one.owner == id_; });
}

} // namespace aya::health
