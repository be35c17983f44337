// SPDX-License-Identifier: Apache-2.0

internal import CLinux

/// How glibc's malloc keeps memory: by default it makes up to eight heaps a core, and gives little back.
package enum Allocator {
    /// Before the first thread is started. Source: mallopt(3), M_ARENA_MAX.
    package static func limitArenas(to count: Int32) { _ = ctr_malloc_limit_arenas(count) }

    /// Gives free pages back to the kernel: after work that took much for a while. It takes some milliseconds at most. Source: malloc_trim(3).
    package static func trim() { _ = ctr_malloc_trim() }
}
