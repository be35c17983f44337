// SPDX-License-Identifier: Apache-2.0
// Why it exists: `errno` is a macro over a thread-local; Glibc's overlay reads it, but only after whatever
// Swift put between. Reading it through one C call keeps "the line after the call" true. errno(3).
#pragma once
#include <errno.h>

static inline int ctr_errno(void) { return errno; }
