// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
package import SystemPackage

/// What a mount forbids or skips, apart from the filesystem's own options. Source: mount_setattr(2).
package struct MountAttributes: OptionSet, Sendable, Hashable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }

    private init(_ bit: some BinaryInteger) { rawValue = UInt64(bit) }

    package static let readOnly = Self(CTR_ATTR_RDONLY)
    package static let noSetuid = Self(CTR_ATTR_NOSUID)
    package static let noDevices = Self(CTR_ATTR_NODEV)
    package static let noExecute = Self(CTR_ATTR_NOEXEC)
    package static let noAccessTime = Self(CTR_ATTR_NOATIME)
    package static let strictAccessTime = Self(CTR_ATTR_STRICTATIME)
    package static let noDirectoryAccessTime = Self(CTR_ATTR_NODIRATIME)
    package static let noSymlinkFollow = Self(CTR_ATTR_NOSYMFOLLOW)
    /// The field of two exclusive values above and "relatime" (0): to be cleared when either is set.
    package static let accessTimeMask = Self(CTR_ATTR_ATIME_MASK)
}

/// Whether mounts and unmounts travel between a mount and its peers. Source: mount_namespaces(7).
package enum MountPropagation: UInt64, Sendable, Hashable {
    case `private` = 0x40000
    case slave = 0x80000
    case shared = 0x100000
    case unbindable = 0x20000
}

/// A filesystem being configured, before it is a mount. Source: fsopen(2), fsconfig(2).
package struct FilesystemContext: ~Copyable {
    private let descriptor: OwnedFD
    private let type: String

    package init(_ type: String) throws(KernelError) {
        self.type = type
        descriptor = OwnedFD(owning: try kernel("fsopen(2)", type) { type.withCString { ctr_fsopen($0) } })
    }

    /// Sets one option: `size=64m` is ("size", "64m").
    package borrowing func set(_ key: String, _ value: String) throws(KernelError) {
        let raw = descriptor.raw
        do throws(KernelError) {
            try kernel("fsconfig(2)", "\(type) \(key)=\(value)") {
                key.withCString { key in value.withCString { ctr_fsconfig(raw, UInt32(CTR_FSCONFIG_SET_STRING), key, $0) } }
            }
        } catch {
            throw explained(error)
        }
    }

    /// Sets one option that is a path: its bytes need not be UTF-8.
    package borrowing func set(_ key: StaticString, _ value: FilePath) throws(KernelError) {
        let raw = descriptor.raw
        do throws(KernelError) {
            try withCPath(value) { path throws(KernelError) in
                _ = try kernel("fsconfig(2)", "\(type) \(key)=\(value)") {
                    "\(key)".withCString { ctr_fsconfig(raw, UInt32(CTR_FSCONFIG_SET_STRING), $0, path) }
                }
            }
        } catch {
            throw explained(error)
        }
    }

    /// Sets one option without a value: `ro`, `volatile`.
    package borrowing func set(flag key: String) throws(KernelError) {
        let raw = descriptor.raw
        do throws(KernelError) {
            try kernel("fsconfig(2)", "\(type) \(key)") {
                key.withCString { ctr_fsconfig(raw, UInt32(CTR_FSCONFIG_SET_FLAG), $0, nil) }
            }
        } catch {
            throw explained(error)
        }
    }

    /// Makes the filesystem and one mount of it, attached nowhere yet. Source: fsmount(2).
    package consuming func mount(_ attributes: MountAttributes = []) throws(KernelError) -> DetachedMount {
        let raw = descriptor.raw
        do throws(KernelError) {
            try kernel("fsconfig(2)", "\(type) create") { ctr_fsconfig(raw, UInt32(CTR_FSCONFIG_CMD_CREATE), nil, nil) }
        } catch {
            throw explained(error)
        }
        let mount = try kernel("fsmount(2)", type) { ctr_fsmount(raw, UInt32(truncatingIfNeeded: attributes.rawValue)) }
        return DetachedMount(OwnedFD(owning: mount))
    }

    /// Adds what the filesystem wrote into the context's log: "overlay: upperdir is in-use".
    private borrowing func explained(_ error: KernelError) -> KernelError {
        var buffer = [UInt8](repeating: 0, count: 512)
        let raw = descriptor.raw
        let count = buffer.withUnsafeMutableBytes { Glibc.read(raw, $0.baseAddress, $0.count) }
        guard count > 2 else { return error }
        var error = error
        let message = String(decoding: buffer[2..<count].filter { $0 >= 0x20 && $0 != 0x7F }, as: UTF8.self)
        error.object += " (\(message))"
        return error
    }
}

/// A mount that no path leads to yet. Dropped without `attach`, it is unmounted.
package struct DetachedMount: ~Copyable {
    /// Its root directory (or file), good for the *at calls.
    package let descriptor: OwnedFD

    package init(_ descriptor: consuming OwnedFD) { self.descriptor = descriptor }

    /// Gives the descriptor away; dropping it still unmounts what was not attached.
    package consuming func intoDescriptor() -> OwnedFD { descriptor }

    /// A bind: a new mount of the tree or file that is at `path`. Source: open_tree(2), OPEN_TREE_CLONE.
    package init(cloning path: FilePath, recursive: Bool = false) throws(KernelError) {
        let flags = UInt32(CTR_OPEN_TREE_CLONE) | (recursive ? UInt32(CTR_AT_RECURSIVE) : 0)
        descriptor = OwnedFD(
            owning: try withCPath(path) { raw throws(KernelError) in
                try kernel("open_tree(2)", path.string) { ctr_open_tree(AT_FDCWD, raw, flags) }
            })
    }

    /// A bind of the object that a descriptor stands for: it can't be swapped between check and use.
    package init(cloning object: CInt, recursive: Bool = false, name: @autoclosure () -> String) throws(KernelError) {
        let flags =
            UInt32(CTR_OPEN_TREE_CLONE) | UInt32(CTR_AT_EMPTY_PATH) | (recursive ? UInt32(CTR_AT_RECURSIVE) : 0)
        descriptor = OwnedFD(owning: try kernel("open_tree(2)", name()) { ctr_open_tree(object, "", flags) })
    }

    package borrowing func setAttributes(
        _ set: MountAttributes, clearing: MountAttributes = [], recursive: Bool = false, propagation: MountPropagation? = nil,
        name: @autoclosure () -> String
    ) throws(KernelError) {
        try setMountAttributes(
            descriptor.raw, set, clearing: clearing, recursive: recursive, propagation: propagation, name: name())
    }

    /// Shows the owners of its files as a user namespace maps them. Only for a clone that is attached nowhere. Linux 5.12.
    package borrowing func mapOwners(by namespace: CInt, recursive: Bool = false, name: @autoclosure () -> String) throws(KernelError) {
        let raw = descriptor.raw
        try kernel("mount_setattr(2)", "\(name()) (id-mapped)") {
            ctr_mount_idmap(raw, recursive ? UInt32(CTR_AT_RECURSIVE) : 0, namespace)
        }
    }

    /// The same for a mount whose descriptor came from elsewhere.
    package static func attach(_ mount: CInt, at target: CInt, name: @autoclosure () -> String) throws(KernelError) {
        try kernel("move_mount(2)", name()) { ctr_attach_mount(mount, target) }
    }

    /// Attaches the mount on exactly the object that `target` stands for.
    package borrowing func attach(at target: CInt, name: @autoclosure () -> String) throws(KernelError) {
        let raw = descriptor.raw
        try kernel("move_mount(2)", name()) { ctr_attach_mount(raw, target) }
    }
}

/// Changes a mount (not its filesystem) that a descriptor of its root stands for. Source: mount_setattr(2), Linux 5.12.
package func setMountAttributes(
    _ mount: CInt, _ set: MountAttributes, clearing: MountAttributes = [], recursive: Bool = false, propagation: MountPropagation? = nil,
    name: @autoclosure () -> String
) throws(KernelError) {
    var clear = clearing
    if !set.isDisjoint(with: .accessTimeMask) { clear.formUnion(.accessTimeMask) }
    try kernel("mount_setattr(2)", name()) {
        ctr_mount_setattr(
            mount, recursive ? UInt32(CTR_AT_RECURSIVE) : 0, set.rawValue, clear.rawValue, propagation?.rawValue ?? 0)
    }
}

/// Sets how mount events travel at a mount point and, if asked, below it. Source: mount(2).
package func setPropagation(_ path: FilePath, _ propagation: MountPropagation, recursive: Bool) throws(KernelError) {
    let flags = UInt(propagation.rawValue) | (recursive ? UInt(CTR_MS_REC) : 0)
    try withCPath(path) { raw throws(KernelError) in
        _ = try kernel("mount(2)", path.string) { ctr_mount(nil, raw, nil, flags, nil) }
    }
}

/// Takes a mount off; lazily where asked. Source: umount2(2).
package func unmount(_ path: FilePath, lazily: Bool = false) throws(KernelError) {
    try withCPath(path) { raw throws(KernelError) in
        _ = try kernel("umount2(2)", path.string) { ctr_umount2(raw, lazily ? CInt(CTR_MNT_DETACH) : 0) }
    }
}

/// Makes the working directory, a mount point, the root, and drops the old one with all its mounts. Source: pivot_root(2), "pivot_root(".", ".")".
package func pivotRootToWorkingDirectory() throws(KernelError) {
    let old = try openFile("/", CTR_O_PATH | O_DIRECTORY)
    try kernel("pivot_root(2)", ".") { ctr_pivot_root(".", ".") }
    // What of the old tree is shared with another namespace would be taken off there too.
    try setMountAttributes(old.raw, [], recursive: true, propagation: .slave, name: "old root")
    try kernel("umount2(2)", "old root") { ctr_umount2(".", CInt(CTR_MNT_DETACH)) }
    try kernel("chdir(2)", "/") { chdir("/") }
}
