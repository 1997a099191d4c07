// SPDX-License-Identifier: BSD-2-Clause
//
// Takes one BPF object through this kernel's verifier, as it would be for use, and lets go of it again. So a
// change of the contract that the verifier does not follow is found here, with every compiler that is
// installed, and says which instruction it was.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <string>
#include <unistd.h>

namespace
{

constexpr unsigned kMostEntries = 4096; // full-size tables would take hundreds of megabytes
std::string libbpf_said;

int keep_output(libbpf_print_level level, const char *format, va_list arguments)
{
    char line[4096];
    if (level != LIBBPF_DEBUG) {
        std::vsnprintf(line, sizeof(line), format, arguments);
        libbpf_said += line;
    }
    return 0;
}

void shrink_tables(bpf_object *object)
{
    bpf_map *map;
    bpf_object__for_each_map(map, object) if (bpf_map__max_entries(map) > kMostEntries)
        bpf_map__set_max_entries(map, kMostEntries);
}

unsigned verified_instructions(const bpf_program *program)
{
    bpf_prog_info info = {};
    unsigned length = sizeof(info);
    return bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &length) == 0 ? info.verified_insns : 0;
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 2) {
        std::fprintf(stderr, "usage: load_program OBJECT\n");
        return 2;
    }
    if (geteuid() != 0) {
        std::fprintf(stderr, "loading a BPF program needs root\n");
        return 77;
    }
    libbpf_set_print(keep_output);
    bpf_object *object = bpf_object__open_file(argv[1], nullptr);
    if (!object) {
        std::fprintf(stderr, "%s: cannot open: %s\n%s", argv[1], std::strerror(errno), libbpf_said.c_str());
        return 1;
    }
    shrink_tables(object);
    const int error = bpf_object__load(object);
    if (error) {
        const std::size_t shown = libbpf_said.size() < 6000 ? 0 : libbpf_said.size() - 6000;
        std::fprintf(stderr, "%s: refused: %s\n...%s", argv[1], std::strerror(-error),
                     libbpf_said.c_str() + shown);
        return 1;
    }
    unsigned programs = 0;
    bpf_program *program;
    bpf_object__for_each_program(program, object)
    {
        std::printf("%s: %zu instructions, %u visited by the verifier\n", bpf_program__name(program),
                    bpf_program__insn_cnt(program), verified_instructions(program));
        programs++;
    }
    bpf_object__close(object);
    return programs ? 0 : 1;
}
