// SPDX-License-Identifier: Apache-2.0

internal import CLinux

/// How glibc's malloc keeps memory: by default it makes up to eight heaps a core, and gives little back.
package enum Allocator {
    /// Before the first thread is started. Source: mallopt(3), M_ARENA_MAX.
    package static func limitArenas(to count: Int32) { _ = ctr_malloc_limit_arenas(count) }
}
