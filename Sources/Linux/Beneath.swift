// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import SystemPackage

extension OwnedFD {
    /// Opens what lies beneath this directory: no link is followed, on the way or at the end, so that whoever changes the tree meanwhile
    /// can't lead out of it.
    ///
    /// In parts, so that a tree may be deeper than the kernel takes a path (4,096 bytes).
    /// Source: openat2(2), RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS; Linux 5.6.
    /// - Parameters:
    ///   - components: none is this directory itself.
    ///   - crossingMounts: false: what is mounted below is EXDEV.
    package borrowing func openBeneath(
        _ components: some Sequence<EntryName>, _ flags: CInt, crossingMounts: Bool = true
    ) throws(KernelError) -> OwnedFD {
        var current: OwnedFD?
        var part: [UInt8] = []
        for name in components {
            if part.count + name.count > 3000 {
                current = try Self.openPart(part, from: current?.raw ?? raw, CTR_O_PATH | O_DIRECTORY, crossingMounts)
                part = []
            }
            if !part.isEmpty { part.append(UInt8(ascii: "/")) }
            part += name
        }
        return try Self.openPart(part.isEmpty ? [UInt8(ascii: ".")] : part, from: current?.raw ?? raw, flags, crossingMounts)
    }

    private static func openPart(
        _ path: [UInt8], from directory: CInt, _ flags: CInt, _ crossingMounts: Bool
    ) throws(KernelError) -> OwnedFD {
        let resolve = UInt64(CTR_RESOLVE_BENEATH) | UInt64(CTR_RESOLVE_NO_SYMLINKS) | (crossingMounts ? 0 : UInt64(CTR_RESOLVE_NO_XDEV))
        return OwnedFD(owning: try openWhileOthersRename(directory, path, flags, resolve))
    }

    /// Opens a path as a process would that has this directory as its root: links are followed, absolute ones from here, and ".." ends here.
    /// Magic links of procfs are refused. Whoever changes the tree meanwhile can't lead out of it.
    ///
    /// Source: openat2(2), RESOLVE_IN_ROOT; Linux 5.6.
    package borrowing func openInRoot(_ path: [UInt8], _ flags: CInt) throws(KernelError) -> OwnedFD {
        let resolve = UInt64(CTR_RESOLVE_IN_ROOT) | UInt64(CTR_RESOLVE_NO_MAGICLINKS)
        return OwnedFD(owning: try Self.openWhileOthersRename(raw, path, flags, resolve))
    }

    /// The kernel gives up with EAGAIN where a rename or mount anywhere on the machine might have led astray: then it is asked again.
    private static func openWhileOthersRename(
        _ directory: CInt, _ path: [UInt8], _ flags: CInt, _ resolve: UInt64
    ) throws(KernelError) -> CInt {
        var tries = 0
        while true {
            do throws(KernelError) {
                return try withName(path) { pointer throws(KernelError) in
                    try kernel("openat2(2)", display(path)) {
                        ctr_openat2(directory, pointer, UInt64(flags | O_CLOEXEC), 0, resolve)
                    }
                }
            } catch  where error.errno == .resourceTemporarilyUnavailable && tries < 10_000 {
                tries += 1
            }
        }
    }
}

extension KernelError {
    /// What an open of a directory beneath another says when somebody has removed or replaced it since its name was read.
    package var meansVanished: Bool {
        errno == .noSuchFileOrDirectory || errno == .notDirectory || errno == .tooManySymbolicLinkLevels
    }
}
