// SPDX-License-Identifier: Apache-2.0
// Why it exists: clone3(2) has no libc wrapper. Kernel 5.3; CLONE_INTO_CGROUP 5.7.
// Used as fork(2) with namespaces: no shared memory, no new stack, so the child returns from this call too. clone(2).
#pragma once
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

static const uint64_t CTR_CLONE_PIDFD = 0x1000;
static const uint64_t CTR_CLONE_NEWTIME = 0x80;
static const uint64_t CTR_CLONE_NEWNS = 0x20000;
static const uint64_t CTR_CLONE_NEWCGROUP = 0x2000000;
static const uint64_t CTR_CLONE_NEWUTS = 0x4000000;
static const uint64_t CTR_CLONE_NEWIPC = 0x8000000;
static const uint64_t CTR_CLONE_NEWUSER = 0x10000000;
static const uint64_t CTR_CLONE_NEWPID = 0x20000000;
static const uint64_t CTR_CLONE_NEWNET = 0x40000000;
static const uint64_t CTR_CLONE_CLEAR_SIGHAND = 0x100000000;
static const uint64_t CTR_CLONE_INTO_CGROUP = 0x200000000;

struct ctr_clone_args {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

static const uint64_t CTR_CLONE_PARENT = 0x8000;

/// 0 in the child; in the parent the child's pid, and *pidfd set (close-on-exec). A negative cgroup places it nowhere else.
static inline pid_t ctr_clone3(uint64_t flags, int cgroup, int *pidfd) {
    struct ctr_clone_args args = {.flags = flags | CTR_CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)pidfd, .exit_signal = 17};
    if (cgroup >= 0) {
        args.flags |= CTR_CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)cgroup;
    }
    return (pid_t)syscall(435, &args, sizeof args);
}

/// The same, but the child is the caller's sibling: its parent is the caller's parent, which reaps it.
static inline pid_t ctr_clone3_sibling(uint64_t flags, int *pidfd) {
    // No exit signal of its own: the kernel gives a sibling the caller's.
    struct ctr_clone_args args = {.flags = flags | CTR_CLONE_PIDFD | CTR_CLONE_PARENT, .pidfd = (uint64_t)(uintptr_t)pidfd};
    return (pid_t)syscall(435, &args, sizeof args);
}

static inline int ctr_setns(int descriptor, uint64_t kind) { return (int)syscall(SYS_setns, descriptor, (int)kind); }
static inline int ctr_unshare(uint64_t kinds) { return (int)syscall(SYS_unshare, (unsigned long)kinds); }
