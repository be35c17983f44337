// SPDX-License-Identifier: Apache-2.0
// Why it exists: <sys/statfs.h> is not part of Swift's Glibc module, and syncfs(2) and pthread_setname_np(3) are shown only to
// _GNU_SOURCE, which it is built without. statfs(2), syncfs(2), prctl(2).
#pragma once
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline int ctr_syncfs(int descriptor) { return (int)syscall(SYS_syncfs, descriptor); }
/// The calling thread's name, of at most 15 bytes.
static inline int ctr_set_thread_name(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }
/// From and to the descriptors' own positions; the filesystem shares blocks where it can. copy_file_range(2).
static inline long ctr_copy_file_range(int from, int to, unsigned long count) {
    return syscall(SYS_copy_file_range, from, NULL, to, NULL, count, 0U);
}
