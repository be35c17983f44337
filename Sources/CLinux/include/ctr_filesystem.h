// SPDX-License-Identifier: Apache-2.0
// Why it exists: <sys/statfs.h> is not part of Swift's Glibc module, and syncfs(2), pthread_setname_np(3) and lseek(2)'s
// SEEK_DATA are shown only to _GNU_SOURCE, which it is built without. statfs(2), syncfs(2), prctl(2), lseek(2).
#pragma once
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/// A filesystem's magic number, or -1. fstatfs(2).
static inline long ctr_filesystem_magic(int descriptor) {
    struct statfs status;
    return fstatfs(descriptor, &status) == -1 ? -1 : (long)(unsigned int)status.f_type;
}
static inline int ctr_syncfs(int descriptor) { return (int)syscall(SYS_syncfs, descriptor); }
/// The calling thread's name, of at most 15 bytes.
static inline int ctr_set_thread_name(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }
/// From and to the descriptors' own positions; the filesystem shares blocks where it can. copy_file_range(2).
static inline long ctr_copy_file_range(int from, int to, unsigned long count) {
    return syscall(SYS_copy_file_range, from, NULL, to, NULL, count, 0U);
}

/// Exchanges two names in one step: both are there before and after. Kernel 3.15. renameat2(2).
static inline int ctr_rename_exchange(const char *one, const char *other) {
    return (int)syscall(SYS_renameat2, -100, one, -100, other, 2U);
}
/// The calling thread's I/O waits for everybody else's, where the scheduler knows classes (bfq, mq-deadline). ioprio_set(2).
static inline int ctr_set_idle_io(void) { return (int)syscall(SYS_ioprio_set, 1, 0, 3 << 13); }

/// lseek(2): shown only to _GNU_SOURCE.
static const int CTR_SEEK_DATA = 3;
static const int CTR_SEEK_HOLE = 4;
