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
    /// - Parameter components: none is this directory itself.
    package borrowing func openBeneath(_ components: some Sequence<EntryName>, _ flags: CInt) throws(KernelError) -> OwnedFD {
        var current: OwnedFD?
        var part: [UInt8] = []
        for name in components {
            if part.count + name.count > 3000 {
                current = try Self.openPart(part, from: current?.raw ?? raw, CTR_O_PATH | O_DIRECTORY)
                part = []
            }
            if !part.isEmpty { part.append(UInt8(ascii: "/")) }
            part += name
        }
        return try Self.openPart(part.isEmpty ? [UInt8(ascii: ".")] : part, from: current?.raw ?? raw, flags)
    }

    private static func openPart(_ path: [UInt8], from directory: CInt, _ flags: CInt) throws(KernelError) -> OwnedFD {
        OwnedFD(
            owning: try withName(path) { pointer throws(KernelError) in
                try kernel("openat2(2)", display(path)) {
                    ctr_openat2(
                        directory, pointer, UInt64(flags | O_CLOEXEC), 0, UInt64(CTR_RESOLVE_BENEATH) | UInt64(CTR_RESOLVE_NO_SYMLINKS))
                }
            })
    }
}

extension KernelError {
    /// What an open of a directory beneath another says when somebody has removed or replaced it since its name was read.
    package var meansVanished: Bool {
        errno == .noSuchFileOrDirectory || errno == .notDirectory || errno == .tooManySymbolicLinkLevels
    }
}
