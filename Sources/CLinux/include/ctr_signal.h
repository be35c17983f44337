// SPDX-License-Identifier: Apache-2.0
// Why it exists: pidfds have no wrappers in glibc 2.36's headers that Swift sees, and signalfd(2) takes libc's wide sigset_t where the
// kernel has 64 bits. signalfd(2); pidfd_open(2), Linux 5.3; pidfd_send_signal(2), Linux 5.1.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/// Bit n-1 of the mask is signal n. Close-on-exec, never blocks.
static inline int ctr_signal_descriptor(uint64_t mask) {
    return (int)syscall(SYS_signalfd4, -1, &mask, sizeof mask, 02000000 | 04000);
}
static inline int ctr_pidfd_open(int32_t pid) { return (int)syscall(434, pid, 0U); }
static inline int ctr_pidfd_send_signal(int pidfd, int number) { return (int)syscall(424, pidfd, number, NULL, 0U); }
