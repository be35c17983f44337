// SPDX-License-Identifier: Apache-2.0
// Why it exists: glibc shows fallocate(2) only with _GNU_SOURCE, which the importer of Swift does not define.
// Kernel 2.6.23.
#pragma once
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

// Sets blocks aside beyond the end of a file without changing its size (FALLOC_FL_KEEP_SIZE). fallocate(2).
static inline int ctr_fallocate_keep_size(int fd, int64_t length) { return (int)syscall(SYS_fallocate, fd, 1, (int64_t)0, length); }
