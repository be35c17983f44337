// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// Whether a container has a monitor: a flock(2) on its `shim.json`, which the monitor gets with the word to begin, and the kernel frees with it.
///
/// Its socket can't tell that: it is not there yet when the monitor has just been spawned, and still there when it was killed. A daemon that
/// is started in that moment would take the container for ended.
enum ShimLock {
    /// The descriptor goes to the monitor, and is closed here when it is sent: the lock is the open file's.
    static func take(_ path: FilePath) throws(KernelError) -> OwnedFD {
        let file = try openFile(path, O_RDONLY | O_NOFOLLOW)
        let raw = file.raw
        try kernel("flock(2)", path.string) { flock(raw, LOCK_EX | LOCK_NB) }
        return file
    }

    static func isHeld(_ path: FilePath) throws(KernelError) -> Bool {
        do throws(KernelError) {
            let file = try openFile(path, O_RDONLY | O_NOFOLLOW)
            let raw = file.raw
            try kernel("flock(2)", path.string) { flock(raw, LOCK_SH | LOCK_NB) }
            return false
        } catch  where error.errno == .wouldBlock || error.errno == .resourceTemporarilyUnavailable {
            return true
        } catch  where error.errno == .noSuchFileOrDirectory {
            return false
        }
    }
}
