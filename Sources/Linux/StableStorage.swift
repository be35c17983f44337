// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import SystemPackage

extension OwnedFD {
    /// Writes everything of the filesystem that holds this file to stable storage.
    ///
    /// The kernel tells write errors that happened since this descriptor was opened (Linux 5.8): open it before the writing begins.
    /// Source: syncfs(2).
    package borrowing func syncFilesystem(_ object: @autoclosure () -> String) throws(KernelError) {
        let raw = raw
        try kernel("syncfs(2)", object()) { ctr_syncfs(raw) }
    }

    /// Sets blocks aside for the file's first `bytes`, beyond its end; its size stays. Later writes there don't run out of space.
    /// - Throws: `KernelError`; `.notSupported` where the filesystem can't.
    package borrowing func reserveBlocks(bytes: Int64, _ object: @autoclosure () -> String) throws(KernelError) {
        let raw = raw
        try kernel("fallocate(2)", object()) { ctr_fallocate_keep_size(raw, bytes) }
    }
}
