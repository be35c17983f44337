// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import SystemPackage

/// One mount of the spec, its options sorted out.
struct MountPlan {
    enum Kind {
        /// The object at a host path, with what is mounted below it where `recursive`.
        case bind(source: FilePath, recursive: Bool)
        /// A new filesystem.
        case filesystem(type: String, source: String, options: [Option])
        /// The container's own cgroup, in the form that this machine has.
        case cgroup
        /// An overlay of layers without an upper, put together by the parent.
        case layers(LayersMount)
        /// What is mounted there already, with other attributes.
        case remount
        /// The /dev/shm of the container whose ipc namespace is shared.
        case sharedMemory
    }

    /// A filesystem's own option: `size=64m`, or a word alone.
    struct Option {
        var key: String
        var value: String?
    }

    /// As the spec spells it, for messages.
    var destination: String
    /// The same, as a path to be resolved beneath the root.
    var target: FilePath
    var kind: Kind
    var flags = MountFlags()
    /// A tmpfs that begins with what it covers.
    var copiesUp = false
    /// For a bind whose files are shown with other owners.
    var owners: Owners?

    struct Owners {
        /// nil: as the container's own user namespace maps them.
        var mappings: IDMappings?
        var recursive: Bool
    }

    /// sysfs shows the network namespace of its mounting process, the cgroup mounts its cgroups: both come from the parent.
    var needsParent: Bool {
        switch kind {
        case .bind, .layers, .remount, .sharedMemory: false
        case .filesystem(let type, _, _): type == "sysfs"
        case .cgroup: true
        }
    }

    var isSharedMemory: Bool { if case .sharedMemory = kind { true } else { false } }

    /// Its attributes are those that the other container gave it.
    mutating func becomeSharedMemory() {
        kind = .sharedMemory
        flags = MountFlags()
        copiesUp = false
        owners = nil
    }

    /// These must be where their name says: a link there would put the kernel's files, and later the masks, somewhere else.
    var links: RootDirectory.Links {
        switch kind {
        case .bind, .layers, .remount: .followed
        case .sharedMemory: .refused
        case .filesystem(let type, _, _): type == "tmpfs" && target != "dev" ? .followed : .refused
        case .cgroup: .refused
        }
    }
}

/// What mount options say about a mount itself, apart from the filesystem's own.
struct MountFlags {
    var set: MountAttributes = []
    var clear: MountAttributes = []
    var recursiveSet: MountAttributes = []
    var recursiveClear: MountAttributes = []
    var propagation: (kind: MountPropagation, recursive: Bool)?

    /// To be filled before all of them hold.
    var writable: MountFlags {
        var flags = self
        flags.set.remove(.readOnly)
        return flags
    }

    /// - Returns: false for a word that is none of these.
    mutating func apply(_ option: String) -> Bool {
        if let (kind, recursive) = Self.propagations[option] {
            propagation = (kind, recursive)
            return true
        }
        if let (attribute, sets) = Self.attributes[option] {
            if sets { set.formUnion(attribute) } else { set.subtract(attribute) }
            if sets { clear.subtract(attribute) } else { clear.formUnion(attribute) }
            return true
        }
        if option.hasPrefix("r"), let (attribute, sets) = Self.attributes[String(option.dropFirst())] {
            if sets { recursiveSet.formUnion(attribute) } else { recursiveClear.formUnion(attribute) }
            return true
        }
        return false
    }

    /// Every word, for `features`.
    static var words: [String] {
        let plain = attributes.keys.map { $0 }
        return Array(propagations.keys) + plain + plain.filter { attributes["r" + $0] == nil }.map { "r" + $0 }
    }

    static let propagations: [String: (MountPropagation, Bool)] = [
        "private": (.private, false), "rprivate": (.private, true), "slave": (.slave, false), "rslave": (.slave, true),
        "shared": (.shared, false), "rshared": (.shared, true), "unbindable": (.unbindable, false), "runbindable": (.unbindable, true),
    ]

    /// Words of mount(8) and mount_setattr(2); with an "r" before them they hold for all mounts below, too.
    private static let attributes: [String: (MountAttributes, Bool)] = [
        "ro": (.readOnly, true), "rw": (.readOnly, false),
        "nosuid": (.noSetuid, true), "suid": (.noSetuid, false),
        "nodev": (.noDevices, true), "dev": (.noDevices, false),
        "noexec": (.noExecute, true), "exec": (.noExecute, false),
        "noatime": (.noAccessTime, true), "atime": (.noAccessTime, false),
        "nodiratime": (.noDirectoryAccessTime, true), "diratime": (.noDirectoryAccessTime, false),
        "strictatime": (.strictAccessTime, true), "nostrictatime": (.strictAccessTime, false),
        "relatime": (.accessTimeMask, false), "norelatime": ([], true),
        "nosymfollow": (.noSymlinkFollow, true), "symfollow": (.noSymlinkFollow, false),
    ]
}
