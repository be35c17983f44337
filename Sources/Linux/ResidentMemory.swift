// SPDX-License-Identifier: Apache-2.0

internal import CLinux

/// What a process keeps resident that only its start, or a large piece of work, needed.
package enum ResidentMemory {
    /// Gives free pages of the heaps back to the kernel, and unmaps those of the program and its libraries, of which most were touched once: what
    /// is still needed comes back from the page cache, where it stays, with a fault for each 64 KiB. It takes some milliseconds at most.
    /// Source: malloc_trim(3), madvise(2).
    package static func release() {
        _ = ctr_malloc_trim()
        ctr_release_program_pages()
    }

    /// Also what the stack has grown to. For the first thread.
    package static func releaseWithStack() {
        release()
        ctr_release_first_stack()
    }
}
