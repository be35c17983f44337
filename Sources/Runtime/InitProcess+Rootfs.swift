// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

// The container's tree: its root, what is mounted in it, and the change into it. All before the host's tree is out of reach.
extension InitProcess {
    /// Cuts mount events off from the host, then mounts the root and opens it.
    mutating func mountRoot() throws(LaunchError) -> RootDirectory {
        report.begin(.mountRoot)
        try during(.mountRoot) { () throws(KernelError) in if plan.namespaces.new.contains(.mount) { try isolate() } }
        if let number = prepared.root { return try attachRoot(number) }
        return try during(.mountRoot) { () throws(KernelError) in
            switch plan.rootfs {
            case .overlay(let overlay, let target): try overlay.mount(at: target)
            case .directory(let path, _):
                // pivot_root wants a mount point. What is mounted below comes along.
                let itself = try DetachedMount(cloning: path, recursive: true)
                // Where others see the mounts too, at least they see each one once.
                if !plan.namespaces.new.contains(.mount) {
                    try itself.setAttributes([], recursive: true, propagation: .private, name: path.string)
                }
                let point = try openFile(path, CTR_O_PATH | O_DIRECTORY)
                try itself.attach(at: point.raw, name: path.string)
            }
            return RootDirectory(try openFile(plan.rootfs.path, CTR_O_PATH | O_DIRECTORY))
        }
    }

    /// The root that the parent has mounted, in a user namespace.
    private mutating func attachRoot(_ number: CInt) throws(LaunchError) -> RootDirectory {
        try during(.mountRoot) { () throws(KernelError) in
            // The way there may be closed to the container's ids, so the host's root goes it.
            let point = try openFile(plan.rootfs.path, CTR_O_PATH | O_DIRECTORY)
            try becomeContainerRoot()
            try DetachedMount.attach(number, at: point.raw, name: plan.rootfs.path.string)
        }
        try makeOwnTerminal()
        return RootDirectory(OwnedFD(owning: number))
    }

    /// Mounts made here must not travel to the host. Shared propagation was asked for by name; then at least the mount that
    /// the root stands on is private, which pivot_root needs.
    private borrowing func isolate() throws(KernelError) {
        guard plan.rootPropagation.kind == .shared else {
            let kind = plan.rootPropagation.kind == .unbindable ? MountPropagation.private : plan.rootPropagation.kind
            return try setPropagation("/", kind, recursive: true)
        }
        let above = try MountInfo.holding(try openFile(plan.rootfs.path, CTR_O_PATH | O_DIRECTORY))
        try setPropagation(FilePath(above?.mountPoint ?? "/"), .private, recursive: false)
    }

    /// Mounts in the spec's order; before the first that shows the network or the cgroup, the child joins them.
    borrowing func fillRoot(_ root: borrowing RootDirectory) throws(LaunchError) {
        report.begin(.mounts)
        let split = plan.mounts.firstIndex(where: \.needsParent) ?? plan.mounts.endIndex
        let (early, late) = (plan.mounts[..<split], plan.mounts[split...])
        for (index, mount) in zip(early.indices, early) { try attach(mount, index, root, .mounts) }
        // Nodes go into the /dev that stays, not below a mount to come.
        let devicesNow = !late.contains { $0.target == "dev" }
        if devicesNow { try makeDevices(root) }
        try join()
        report.begin(.restOfMounts)
        for (index, mount) in zip(late.indices, late) { try attach(mount, index, root, .restOfMounts) }
        if !devicesNow { try makeDevices(root) }
        report.begin(.paths)
        try during(.paths) { () throws(KernelError) in try coverPaths(root) }
    }

    // MARK: Mounts

    private borrowing func attach(
        _ mount: MountPlan, _ index: Int, _ root: borrowing RootDirectory, _ step: LaunchStep
    ) throws(LaunchError) {
        try during(step, mount.destination) { () throws(KernelError) in try attach(mount, index, root) }
    }

    private borrowing func attach(_ plan: MountPlan, _ index: Int, _ root: borrowing RootDirectory) throws(KernelError) {
        switch plan.kind {
        case .bind(let source, let recursive):
            let mount: DetachedMount
            if let number = prepared.binds[index] {
                mount = DetachedMount(OwnedFD(owning: number))
            } else {
                mount = try DetachedMount(cloning: source, recursive: recursive)
                // Where the host sees it, it goes with the root, and would take what lies below its source along.
                if !self.plan.namespaces.new.contains(.mount) {
                    try mount.setAttributes([], recursive: true, propagation: .private, name: plan.destination)
                }
            }
            let isDirectory = try fileStatus(mount.descriptor.raw, source.string).isDirectory
            let target = try root.openOrMake(plan.target, directory: isDirectory, plan.links)
            try apply(plan.flags, to: mount, plan.destination)
            try mount.attach(at: target.raw, name: plan.destination)
        case .filesystem("devpts", _, _) where terminal != nil && plan.target == "dev/pts":
            try attachTerminals(plan, root)
        case .filesystem(let type, let source, let options):
            let target = try root.openOrMake(plan.target, directory: true, plan.links)
            let mount = try newFilesystem(type, source, options, plan.copiesUp ? plan.flags.writable : plan.flags)
            if plan.copiesUp {
                try copyUp(from: target, to: mount)
                try change(mount.descriptor.raw, plan.flags, plan.destination)
            }
            try mount.attach(at: target.raw, name: plan.destination)
        case .layers:
            guard let number = prepared.binds[index] else { return }
            let mount = DetachedMount(OwnedFD(owning: number))
            let isDirectory = try fileStatus(number, plan.destination).isDirectory
            let target = try root.openOrMake(plan.target, directory: isDirectory, plan.links)
            try apply(plan.flags, to: mount, plan.destination)
            try mount.attach(at: target.raw, name: plan.destination)
        case .sharedMemory:
            guard let number = prepared.binds[index] else { return }
            let target = try root.openOrMake(plan.target, directory: true, plan.links)
            try DetachedMount.attach(number, at: target.raw, name: plan.destination)
        case .remount:
            let target = try root.open(plan.target, plan.links)
            try change(target.raw, plan.flags, plan.destination)
        case .cgroup: try attachCgroup(plan, root)
        }
    }

    /// The instance that the parent made, because it already holds a terminal of it.
    private borrowing func attachTerminals(_ plan: MountPlan, _ root: borrowing RootDirectory) throws(KernelError) {
        guard let number = terminal?.filesystem else { return }
        let target = try root.openOrMake(plan.target, directory: true, plan.links)
        try setMountAttributes(number, plan.flags.set, name: plan.destination)
        try kernel("move_mount(2)", plan.destination) { ctr_attach_mount(number, target.raw) }
    }

    private borrowing func newFilesystem(
        _ type: String, _ source: String, _ options: [MountPlan.Option], _ flags: MountFlags
    ) throws(KernelError) -> DetachedMount {
        let context = try FilesystemContext(type)
        if !source.isEmpty { try context.set("source", source) }
        for option in options {
            if let value = option.value { try context.set(option.key, value) } else { try context.set(flag: option.key) }
        }
        // Filesystems whose files have no label of their own.
        if let label = plan.mountLabel, ["tmpfs", "devpts"].contains(type) { try context.set("context", label) }
        let mount = try context.mount(flags.set)
        if let (propagation, recursive) = flags.propagation {
            try mount.setAttributes([], recursive: recursive, propagation: propagation, name: type)
        }
        return mount
    }

    /// A bind keeps what its source's mount forbids; only what the options name is changed.
    private borrowing func apply(_ flags: MountFlags, to mount: borrowing DetachedMount, _ name: String) throws(KernelError) {
        try change(mount.descriptor.raw, flags, name)
    }

    private borrowing func change(_ mount: CInt, _ flags: MountFlags, _ name: String) throws(KernelError) {
        if !flags.recursiveSet.isEmpty || !flags.recursiveClear.isEmpty {
            try setMountAttributes(mount, flags.recursiveSet, clearing: flags.recursiveClear, recursive: true, name: name)
        }
        if !flags.set.isEmpty || !flags.clear.isEmpty { try setMountAttributes(mount, flags.set, clearing: flags.clear, name: name) }
        if let (propagation, recursive) = flags.propagation {
            try setMountAttributes(mount, [], recursive: recursive, propagation: propagation, name: name)
        }
    }

    // MARK: Masked and read-only paths

    private borrowing func coverPaths(_ root: borrowing RootDirectory) throws(KernelError) {
        try verifyKernelFilesystems(root)
        for path in plan.readonlyPaths {
            guard let object = try existing(path, root) else { continue }
            try verifyIsKernels(path, object)
            let mount = try DetachedMount(cloning: object.raw, recursive: true, name: path.string)
            try mount.setAttributes(.readOnly, recursive: true, name: path.string)
            try mount.attach(at: object.raw, name: path.string)
        }
        guard !plan.maskedPaths.isEmpty else { return }
        // The container's own: its root may change the mode of what it sees there, and the host's must not change. CVE-2025-31133.
        let null = try root.open("dev/null", .refused)
        guard try fileStatus(null.raw, "/dev/null").isNullDevice else {
            throw KernelError(call: "fstat(2)", object: "/dev/null, which is not the device 1:3", errno: .noSuchAddressOrDevice)
        }
        var empty: DetachedMount?
        for path in plan.maskedPaths {
            guard let object = try existing(path, root) else { continue }
            try verifyIsKernels(path, object)
            if try !fileStatus(object.raw, path.string).isDirectory {
                try DetachedMount(cloning: null.raw, name: "/dev/null").attach(at: object.raw, name: path.string)
            } else if let first = empty?.descriptor.raw {
                // One empty filesystem serves all directories.
                try DetachedMount(cloning: first, name: path.string).attach(at: object.raw, name: path.string)
            } else {
                let context = try FilesystemContext("tmpfs")
                try context.set("mode", "0755")
                try context.set("nr_inodes", "2")
                let mount = try context.mount([.readOnly, .noSetuid, .noDevices, .noExecute])
                try mount.attach(at: object.raw, name: path.string)
                empty = consume mount
            }
        }
    }

    /// nil where the running kernel does not have the path: the list is longer than any kernel's.
    private borrowing func existing(_ path: FilePath, _ root: borrowing RootDirectory) throws(KernelError) -> OwnedFD? {
        do throws(KernelError) {
            return try root.open(path)
        } catch  where error.errno == .noSuchFileOrDirectory || error.errno == .notDirectory {
            return nil
        }
    }

    // MARK: The change of root

    /// The host's tree goes out of sight, and with it every descriptor that leads there (CVE-2024-21626).
    borrowing func pivot(_ root: consuming RootDirectory) throws(LaunchError) {
        report.begin(.pivotRoot)
        try during(.pivotRoot) { () throws(KernelError) in
            let number = root.descriptor.raw
            if plan.rootIsReadOnly { try setMountAttributes(number, .readOnly, name: "/") }
            try kernel("fchdir(2)", "the new root") { fchdir(number) }
            // The root of a mount namespace that is not the container's alone is not exchanged.
            if plan.namespaces.new.contains(.mount) {
                try pivotRootToWorkingDirectory()
                if plan.rootPropagation.kind == .shared || plan.rootPropagation.kind == .unbindable {
                    try setPropagation("/", plan.rootPropagation.kind, recursive: plan.rootPropagation.recursive)
                }
            } else {
                try kernel("chroot(2)", ".") { chroot(".") }
                try kernel("chdir(2)", "/") { chdir("/") }
            }
        }
        _ = consume root
        try during(.pivotRoot) { () throws(KernelError) in try channel.closeOthers(preserving: plan.preservedDescriptors) }
    }
}
