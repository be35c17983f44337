// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// The container's root, while the host's is still in reach. Every path of the spec is resolved beneath it by the kernel (openat2(2),
/// RESOLVE_IN_ROOT): links of the image, even ones swapped meanwhile by another container, lead nowhere outside.
struct RootDirectory: ~Copyable {
    let descriptor: OwnedFD

    init(_ descriptor: consuming OwnedFD) { self.descriptor = descriptor }

    enum Links {
        case followed
        /// ELOOP for any link on the way: for the places where the kernel's own filesystems go (CVE-2019-19921).
        case refused
        /// The last component itself, link or not; links before it are followed.
        case lastNotFollowed
    }

    /// Opens what is at a path. Magic links (/proc/self/fd/7) are never followed.
    func open(_ path: FilePath, _ links: Links = .followed, flags: CInt = CTR_O_PATH) throws(KernelError) -> OwnedFD {
        var resolve = UInt64(CTR_RESOLVE_IN_ROOT) | UInt64(CTR_RESOLVE_NO_MAGICLINKS)
        if links == .refused { resolve |= UInt64(CTR_RESOLVE_NO_SYMLINKS) }
        let flags = flags | O_CLOEXEC | (links == .lastNotFollowed ? O_NOFOLLOW : 0)
        let name = path.isEmpty ? FilePath(".") : path
        let root = descriptor.raw
        return OwnedFD(
            owning: try withCPath(name) { raw throws(KernelError) in
                var attempts = 0
                while true {
                    do throws(KernelError) {
                        return try kernel("openat2(2)", path.string) { ctr_openat2(root, raw, UInt64(flags), 0, resolve) }
                    } catch  where error.errno == .resourceTemporarilyUnavailable && attempts < 64 {
                        // A rename or mount anywhere on the machine raced with a "..": the kernel wants to be asked again.
                        attempts += 1
                    }
                }
            })
    }

    /// Opens what is at a path, and makes it first where it is missing: its parents as directories, itself as a directory or an empty file.
    /// A dangling link is followed, beneath the root, and its target made: images keep such links at /etc/resolv.conf.
    func openOrMake(_ path: FilePath, directory: Bool, _ links: Links = .followed) throws(KernelError) -> OwnedFD {
        do throws(KernelError) {
            return try open(path, links)
        } catch  where error.errno == .noSuchFileOrDirectory {
            let made = try makeAlong(path, directory: directory, links)
            return try open(made, .refused)
        }
    }

    /// - Returns: the path without links that was walked.
    private func makeAlong(_ path: FilePath, directory: Bool, _ links: Links) throws(KernelError) -> FilePath {
        var pending = Array(path.components.reversed())
        var walked = FilePath()
        var followed = 0
        while let component = pending.popLast() {
            switch component.kind {
            case .currentDirectory: continue
            case .parentDirectory:
                walked.removeLastComponent()
                continue
            case .regular: break
            }
            let here = walked.appending(component)
            do throws(KernelError) {
                let object = try open(here, .lastNotFollowed)
                guard let target = try Self.link(object, here) else {
                    walked = here
                    continue
                }
                followed += 1
                if links == .refused || followed > 40 {
                    throw KernelError(call: "openat2(2)", object: here.string, errno: .tooManySymbolicLinkLevels)
                }
                if target.isAbsolute { walked = FilePath() }
                pending += target.components.reversed()
            } catch  where error.errno == .noSuchFileOrDirectory {
                try make(component, in: walked, directory: directory || !pending.isEmpty)
                walked = here
            }
        }
        return walked
    }

    private func make(_ name: FilePath.Component, in parent: FilePath, directory: Bool) throws(KernelError) {
        let parentDirectory = try open(parent, .refused, flags: CTR_O_PATH | O_DIRECTORY)
        let raw = parentDirectory.raw
        do throws(KernelError) {
            try withCPath(FilePath(root: nil, [name])) { path throws(KernelError) in
                _ = try kernel(directory ? "mkdirat(2)" : "mknodat(2)", parent.appending(name).string) {
                    directory ? mkdirat(raw, path, 0o755) : mknodat(raw, path, S_IFREG | 0o644, 0)
                }
            }
        } catch  where error.errno == .fileExists {}
    }

    /// A link's target; nil for anything else.
    private static func link(_ object: borrowing OwnedFD, _ name: FilePath) throws(KernelError) -> FilePath? {
        let raw = object.raw
        guard try fileStatus(raw, name.string).st_mode & S_IFMT == S_IFLNK else { return nil }
        var buffer = [CChar](repeating: 0, count: 4097)
        var span = buffer.mutableSpan
        try span.withUnsafeMutableBufferPointer { bytes throws(KernelError) in
            guard let base = bytes.baseAddress else { return }
            try kernel("readlinkat(2)", name.string) { readlinkat(raw, "", base, 4096) }
        }
        return FilePath(platformString: buffer)
    }
}

/// What an open object is. Works for O_PATH descriptors. Source: fstat(2).
func fileStatus(_ descriptor: CInt, _ name: @autoclosure () -> String) throws(KernelError) -> stat {
    var status = stat()
    try kernel("fstat(2)", name()) { fstat(descriptor, &status) }
    return status
}

extension stat {
    var isDirectory: Bool { st_mode & S_IFMT == S_IFDIR }
    /// The device 1:3, whatever its name. CVE-2025-31133.
    var isNullDevice: Bool { st_mode & S_IFMT == S_IFCHR && ctr_major(UInt64(st_rdev)) == 1 && ctr_minor(UInt64(st_rdev)) == 3 }
}
