// SPDX-License-Identifier: Apache-2.0
// Why it exists: Swift's module of glibc leaves <malloc.h> out.
#pragma once
#include <malloc.h>

// mallopt(3), M_ARENA_MAX: how many heaps threads are spread over. 0 where it was refused.
static inline int ctr_malloc_limit_arenas(int count) { return mallopt(M_ARENA_MAX, count); }

// malloc_trim(3): whole free pages of every heap go back to the kernel.
static inline int ctr_malloc_trim(void) { return malloc_trim(0); }
