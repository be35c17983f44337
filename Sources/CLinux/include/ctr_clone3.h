// SPDX-License-Identifier: Apache-2.0
// Why it exists: clone3(2) has no libc wrapper. Kernel 5.3; CLONE_INTO_CGROUP 5.7.
// Used as fork(2) with namespaces: no shared memory, no new stack, so the child returns from this call too. clone(2).
#pragma once
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CTR_CLONE_PIDFD UINT64_C(0x1000)
#define CTR_CLONE_NEWTIME UINT64_C(0x80)
#define CTR_CLONE_NEWNS UINT64_C(0x20000)
#define CTR_CLONE_NEWCGROUP UINT64_C(0x2000000)
#define CTR_CLONE_NEWUTS UINT64_C(0x4000000)
#define CTR_CLONE_NEWIPC UINT64_C(0x8000000)
#define CTR_CLONE_NEWUSER UINT64_C(0x10000000)
#define CTR_CLONE_NEWPID UINT64_C(0x20000000)
#define CTR_CLONE_NEWNET UINT64_C(0x40000000)
#define CTR_CLONE_CLEAR_SIGHAND UINT64_C(0x100000000)
#define CTR_CLONE_INTO_CGROUP UINT64_C(0x200000000)

struct ctr_clone_args {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

/// 0 in the child; in the parent the child's pid, and *pidfd set (close-on-exec). A negative cgroup places it nowhere else.
static inline pid_t ctr_clone3(uint64_t flags, int cgroup, int *pidfd) {
    struct ctr_clone_args args = {.flags = flags | CTR_CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)pidfd, .exit_signal = 17};
    if (cgroup >= 0) {
        args.flags |= CTR_CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)cgroup;
    }
    return (pid_t)syscall(435, &args, sizeof args);
}

static inline int ctr_setns(int descriptor, uint64_t kind) { return (int)syscall(SYS_setns, descriptor, (int)kind); }
static inline int ctr_unshare(uint64_t kinds) { return (int)syscall(SYS_unshare, (unsigned long)kinds); }
