// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// What the parent mounts for a child that can't: a process in a user namespace neither reaches every place of the host, nor may it
/// id-map a mount or make a device. All of it is attached nowhere; the child inherits the descriptors and attaches them.
struct PreparedMounts: ~Copyable {
    /// The numbers, for the child: open until it closes all descriptors at once.
    struct Numbers {
        /// The container's root.
        var root: CInt?
        /// By the index of the plan's mount.
        var binds: [Int: CInt] = [:]
        /// By the index of the plan's device.
        var devices: [Int: CInt] = [:]
    }

    private(set) var numbers = Numbers()

    deinit {
        for number in [numbers.root].compactMap({ $0 }) + numbers.binds.values + numbers.devices.values { _ = close(number) }
    }

    mutating func takeNumbers() -> Numbers {
        let taken = numbers
        numbers = Numbers()
        return taken
    }

    static func make(_ plan: InitPlan, _ user: borrowing Optional<UserNamespace>) throws(LaunchError) -> PreparedMounts {
        var prepared = PreparedMounts()
        switch user {
        case .some(let user):
            prepared.numbers.root = try plan.detachedRoot(user).release()
            try prepared.makeDevices(plan, user.mappings)
        case .none: break
        }
        if let namespace = plan.sharedMemory, let index = plan.mounts.firstIndex(where: { $0.isSharedMemory }) {
            prepared.numbers.binds[index] = try ForeignNamespaces.sharedMemory(of: namespace).release()
        }
        for (index, mount) in plan.mounts.enumerated() {
            if case .layers(let layers) = mount.kind {
                prepared.numbers.binds[index] = try layers.detached(at: plan.rootfs.path, user, mount.destination).release()
            }
            guard case .bind(let source, let recursive) = mount.kind, user.isPresent || mount.owners != nil else { continue }
            prepared.numbers.binds[index] = try plan.detachedBind(mount, source, recursive, user).release()
        }
        return prepared
    }

    /// Nodes in a tmpfs of the host's user namespace, where they can be made and opened. They are the container's own: what its root does
    /// to their owner and mode, the host's nodes don't see.
    private mutating func makeDevices(_ plan: InitPlan, _ mappings: IDMappings) throws(LaunchError) {
        let wanted = plan.devices.enumerated().filter { $0.element.mode & S_IFMT != S_IFIFO }
        let made = try during(.prepareMounts) { () throws(KernelError) -> [Int: CInt] in
            try inTemporaryMountNamespace { () throws(KernelError) in
                let context = try FilesystemContext("tmpfs")
                try context.set("mode", "0755")
                try context.set("nr_inodes", "\(wanted.count + 2)")
                let mount = try context.mount([.noSetuid, .noExecute])
                let point = try openFile("/", CTR_O_PATH | O_DIRECTORY)
                try mount.attach(at: point.raw, name: "device nodes")
                let directory = mount.descriptor.raw
                var result: [Int: CInt] = [:]
                do throws(KernelError) {
                    for (index, device) in wanted { result[index] = try Self.makeNode(device, "\(index)", directory, mappings) }
                } catch {
                    for number in result.values { _ = close(number) }
                    throw error
                }
                return result
            }
        }
        numbers.devices = made
    }

    private static func makeNode(_ device: DeviceNode, _ name: String, _ directory: CInt, _ mappings: IDMappings) throws(KernelError)
        -> CInt
    {
        guard let user = mappings.hostUser(device.uid), let group = mappings.hostGroup(device.gid) else {
            throw KernelError(
                call: "fchownat(2)", object: "\(device.path): owner \(device.uid):\(device.gid) is not mapped", errno: .invalidArgument)
        }
        try kernel("mknodat(2)", device.path.string) { mknodat(directory, name, device.mode, UInt(device.number)) }
        try kernel("fchownat(2)", device.path.string) { fchownat(directory, name, user, group, AT_SYMLINK_NOFOLLOW) }
        let node = OwnedFD(
            owning: try kernel("openat(2)", device.path.string) { openat(directory, name, CTR_O_PATH | O_NOFOLLOW | O_CLOEXEC) })
        return try DetachedMount(cloning: node.raw, name: device.path.string).intoDescriptor().release()
    }
}

extension Optional where Wrapped: ~Copyable {
    var isPresent: Bool {
        switch self {
        case .some: true
        case .none: false
        }
    }
}

extension InitPlan {
    /// A clone made in the host's mount namespace still hears of and tells the host's mounts: it is cut off as the container's tree is.
    private func cutOff(_ mount: borrowing DetachedMount, _ name: String) throws(KernelError) {
        guard rootPropagation.kind != .shared else { return }
        let kind = rootPropagation.kind == .slave ? MountPropagation.slave : .private
        try mount.setAttributes([], recursive: true, propagation: kind, name: name)
    }

    fileprivate func detachedRoot(_ user: borrowing UserNamespace) throws(LaunchError) -> OwnedFD {
        switch rootfs {
        case .overlay(let overlay, let target):
            return try during(.prepareMounts, "an overlay of id-mapped layers needs Linux 5.19") { () throws(KernelError) in
                try overlay.mountDetached(mappedBy: user, at: target).intoDescriptor()
            }
        case .directory(let path, let isMapped):
            let userns = user.descriptor.raw
            return try during(.prepareMounts) { () throws(KernelError) in
                let mount = try DetachedMount(cloning: path, recursive: true)
                try cutOff(mount, path.string)
                // pivot_root wants it so, and what is mounted in it is not the host's to see.
                try mount.setAttributes([], propagation: .private, name: path.string)
                if isMapped { try mount.mapOwners(by: userns, name: path.string) }
                return mount.intoDescriptor()
            }
        }
    }

    fileprivate func detachedBind(
        _ plan: MountPlan, _ source: FilePath, _ recursive: Bool, _ user: borrowing Optional<UserNamespace>
    ) throws(LaunchError) -> OwnedFD {
        let mount = try during(.prepareMounts, plan.destination) { () throws(KernelError) in
            let mount = try DetachedMount(cloning: source, recursive: recursive)
            try cutOff(mount, plan.destination)
            return mount.intoDescriptor()
        }
        guard let owners = plan.owners else { return mount }
        let clone = DetachedMount(mount)
        try during(.prepareMounts, "\(plan.destination): its filesystem or this kernel can't id-map") { () throws(KernelError) in
            if let mappings = owners.mappings {
                let own = try UserNamespace.make(mappings)
                return try clone.mapOwners(by: own.descriptor.raw, recursive: owners.recursive, name: source.string)
            }
            // The plan has refused a bind without either.
            if let number = user.rawNumber() { try clone.mapOwners(by: number, recursive: owners.recursive, name: source.string) }
        }
        return clone.intoDescriptor()
    }
}
