// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux

/// Opens what lies beneath a directory that holds no mounts and no other's files: no link is followed, on the way or at the end.
///
/// In parts, so that a tree may be deeper than the kernel takes a path (4,096 bytes). Source: openat2(2), RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS.
func openBeneath(_ directory: borrowing OwnedFD, _ components: [EntryName], _ flags: CInt) throws(KernelError) -> OwnedFD {
    var current: OwnedFD?
    var part: [UInt8] = []
    for name in components {
        if part.count + name.count > 3000 {
            current = try openPart(part, from: current?.raw ?? directory.raw, CTR_O_PATH | O_DIRECTORY)
            part = []
        }
        if !part.isEmpty { part.append(UInt8(ascii: "/")) }
        part += name
    }
    return try openPart(part.isEmpty ? [0x2E] : part, from: current?.raw ?? directory.raw, flags)
}

private func openPart(_ path: [UInt8], from directory: CInt, _ flags: CInt) throws(KernelError) -> OwnedFD {
    OwnedFD(
        owning: try withName(path) { pointer throws(KernelError) in
            try kernel("openat2(2)", display(path)) {
                ctr_openat2(
                    directory, pointer, UInt64(flags | O_CLOEXEC), 0, UInt64(CTR_RESOLVE_BENEATH) | UInt64(CTR_RESOLVE_NO_SYMLINKS))
            }
        })
}
