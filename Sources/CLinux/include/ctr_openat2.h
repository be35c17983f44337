// SPDX-License-Identifier: Apache-2.0
// Why it exists: glibc 2.36 has no openat2(2), and syscall(2) is variadic. Kernel 5.6.
// The constants are spelt here because <linux/openat2.h> can't be imported beside <fcntl.h>. openat2(2).
#pragma once
#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

struct ctr_open_how {
    uint64_t flags;
    uint64_t mode;
    uint64_t resolve;
};

enum {
    CTR_RESOLVE_NO_XDEV = 0x01,
    CTR_RESOLVE_NO_MAGICLINKS = 0x02,
    CTR_RESOLVE_NO_SYMLINKS = 0x04,
    CTR_RESOLVE_BENEATH = 0x08,
    CTR_RESOLVE_IN_ROOT = 0x10,
};

/// <fcntl.h> shows it only to _GNU_SOURCE, which Swift's Glibc module is built without.
static const int CTR_O_PATH = 010000000;

static inline int ctr_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
    struct ctr_open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
    return (int)syscall(437, directory, path, &how, sizeof how);
}
