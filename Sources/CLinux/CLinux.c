// SPDX-License-Identifier: Apache-2.0
// The headers hold everything but what needs a callback as static inline functions; that they are C is seen here.
#define _GNU_SOURCE
#include "ctr_bpf.h"
#include "ctr_clone3.h"
#include "ctr_epoll.h"
#include "ctr_errno.h"
#include "ctr_filesystem.h"
#include "ctr_malloc.h"
#include "ctr_mount.h"
#include "ctr_openat2.h"
#include "ctr_process.h"
#include "ctr_quota.h"
#include "ctr_signal.h"
#include "ctr_socket.h"
#include "ctr_spawn.h"
#include "ctr_storage.h"
#include "ctr_xattr.h"

#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

// Never a segment that is or was writable: relocated pages would be lost.
static int release_segments(struct dl_phdr_info *object, size_t size, void *page_size) {
    (void)size;
    uintptr_t mask = *(const uintptr_t *)page_size - 1;
    for (int index = 0; index < object->dlpi_phnum; index++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[index];
        if (segment->p_type != PT_LOAD || segment->p_flags & PF_W) continue;
        uintptr_t begin = (object->dlpi_addr + segment->p_vaddr) & ~mask;
        uintptr_t end = (object->dlpi_addr + segment->p_vaddr + segment->p_memsz + mask) & ~mask;
        // Advice: where the kernel does not take it, nothing is lost.
        (void)madvise((void *)begin, end - begin, MADV_DONTNEED);
    }
    return 0;
}

void ctr_release_program_pages(void) {
    uintptr_t page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
    (void)dl_iterate_phdr(release_segments, &page_size);
}

void ctr_release_first_stack(void) {
    uintptr_t page_size = (uintptr_t)sysconf(_SC_PAGESIZE), reach = 1 << 20;
    // Two pages are left for this call and the one that it makes. ENOMEM tells of the part that the stack never had.
    uintptr_t end = ((uintptr_t)__builtin_frame_address(0) & ~(page_size - 1)) - 2 * page_size;
    (void)madvise((void *)(end - reach), reach, MADV_DONTNEED);
}
