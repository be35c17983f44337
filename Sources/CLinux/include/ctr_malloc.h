// SPDX-License-Identifier: Apache-2.0
// Why it exists: Swift's module of glibc leaves <malloc.h> out, and dl_iterate_phdr(3) is shown only to _GNU_SOURCE.
#pragma once
#include <malloc.h>

// mallopt(3), M_ARENA_MAX: how many heaps threads are spread over. 0 where it was refused.
static inline int ctr_malloc_limit_arenas(int count) { return mallopt(M_ARENA_MAX, count); }

// malloc_trim(3): whole free pages of every heap go back to the kernel.
static inline int ctr_malloc_trim(void) { return malloc_trim(0); }

// MADV_DONTNEED for what of the program and its libraries can't be written: pages of files, which stay in the page cache. madvise(2).
void ctr_release_program_pages(void);

// The same for the unused part of the first thread's stack, below which the kernel lets nothing be mapped.
void ctr_release_first_stack(void);
