// SPDX-License-Identifier: Apache-2.0

package import Linux
package import OCI
package import SystemPackage

/// Everything about a container's start that can be known before its process exists: checked, resolved, converted.
///
/// After the clone only this is used: the child parses nothing, looks nothing up, and decides nothing that the spec says.
package struct InitPlan {
    let arguments: ArgumentVector
    let environment: ArgumentVector
    let process: ProcessPlan
    package let rootfs: RootfsSource
    let rootIsReadOnly: Bool
    let rootPropagation: (kind: MountPropagation, recursive: Bool)
    let stdio: StandardStreams
    let namespaces: NamespacePlan
    let userNamespace: UserNamespacePlan?
    /// Lines for timens_offsets.
    let timeOffsets: [String]
    let hooks: LifecycleHooks
    /// What hooks and the seccomp listener are told, but for status and pid.
    let state: HookState
    let label: SecurityLabel?
    /// A SELinux context for new filesystems.
    let mountLabel: String?
    let hostname: String?
    let domainname: String?
    let mounts: [MountPlan]
    let devices: [DeviceNode]
    let maskedPaths: [FilePath]
    let readonlyPaths: [FilePath]
    let sysctls: [Sysctl]
    let seccomp: SeccompProgram?
    let seccompListener: SeccompListenerPlan?
    let cgroup: CgroupPlan
    /// The mount namespace whose shared memory is this container's, too.
    let sharedMemory: CInt?
    /// How many of the caller's descriptors from 3 on the program gets. They have to be open.
    package var preservedDescriptors: CInt = 0

    /// - Parameters:
    ///   - bundle: relative paths of the spec start here.
    ///   - rootfs: instead of the spec's `root.path`; `root.readonly` still holds.
    ///   - seccomp: the compiled form of the spec's filter, kept by the caller; nil compiles it now, which takes milliseconds.
    ///   - cgroupPath: where the spec names none.
    ///   - id: the container's, for hooks; nil: the bundle's name.
    ///   - foreign: what the spec was entered into; its descriptors are lent for the length of the launch.
    /// - Throws: `LaunchError` `.plan`, for a spec that is wrong or asks for what this runtime can't do.
    package init(
        spec: RuntimeSpec, bundle: FilePath, rootfs: RootfsSource? = nil, stdio: StandardStreams, seccomp: SeccompProgram? = nil,
        cgroupPath: String? = nil, id: String? = nil, foreign: ForeignNamespaces = ForeignNamespaces()
    ) throws(LaunchError) {
        try SpecCheck.refuseUnsupported(spec)
        guard let process = spec.process else { throw .refused("the spec has no process") }
        for text in process.args { try SpecCheck.noNUL(text, "process.args") }
        for text in process.env ?? [] { try SpecCheck.noNUL(text, "process.env") }
        self.process = try ProcessPlan(process, personality: spec.linux?.personality)
        self.rootfs = if let rootfs { rootfs } else { try Self.rootDirectory(spec, bundle) }
        rootIsReadOnly = spec.root?.readonly ?? false
        rootPropagation = try Self.propagation(spec.linux?.rootfsPropagation)
        self.stdio = stdio
        namespaces = try NamespacePlan(spec.linux?.namespaces ?? [])
        userNamespace = try UserNamespacePlan.read(spec.linux, namespaces)
        try userNamespace?.check(self.process.user)
        timeOffsets = try Self.timeOffsets(spec.linux?.timeOffsets ?? [:], namespaces)
        hooks = try LifecycleHooks(spec.hooks)
        let name = bundle.lastComponent?.string ?? "container"
        state = HookState(
            ociVersion: spec.ociVersion, id: id ?? name, status: "creating", pid: nil, bundle: bundle.string, annotations: spec.annotations)
        label = try SecurityLabel.read(process)
        mountLabel = spec.linux?.mountLabel.flatMap { $0.isEmpty ? nil : $0 }
        hostname = try spec.hostname.map { name throws(LaunchError) in try SpecCheck.noNUL(name, "hostname") }
        domainname = try spec.domainname.map { name throws(LaunchError) in try SpecCheck.noNUL(name, "domainname") }
        if hostname != nil || domainname != nil, !namespaces.isOwn(.uts) {
            throw .refused("a hostname needs an own uts namespace")
        }
        sharedMemory = foreign.sharedMemory
        mounts = try (spec.mounts ?? []).map { mount throws(LaunchError) in
            var plan = try MountPlan(mount, bundle: bundle)
            if foreign.sharedMemory != nil, plan.target == "dev/shm" { plan.becomeSharedMemory() }
            return plan
        }
        if userNamespace == nil, let mount = mounts.first(where: { $0.owners != nil && $0.owners?.mappings == nil }) {
            throw .refused("mount \(mount.destination): idmap needs mappings of its own, or a user namespace")
        }
        devices = try DeviceNode.all(spec.linux?.devices ?? [])
        maskedPaths = try (spec.linux?.maskedPaths ?? []).map { path throws(LaunchError) in try SpecCheck.rootPath(path, "maskedPaths") }
        readonlyPaths = try (spec.linux?.readonlyPaths ?? []).map { path throws(LaunchError) in
            try SpecCheck.rootPath(path, "readonlyPaths")
        }
        sysctls = try Sysctl.all(spec.linux?.sysctl ?? [:], namespaces)
        seccompListener = try spec.linux?.seccomp.flatMap { profile throws(LaunchError) in try SeccompListenerPlan(profile) }
        if var seccomp {
            if let profile = spec.linux?.seccomp { seccomp.flags = try SeccompProgram.flags(of: profile) }
            self.seccomp = seccomp
        } else {
            self.seccomp = try spec.linux?.seccomp.map { profile throws(LaunchError) in try SeccompProgram(compiling: profile) }
        }
        cgroup = try CgroupPlan(
            path: spec.linux?.cgroupsPath ?? cgroupPath ?? "ctr-swift/" + name,
            resources: spec.linux?.resources)
        // Last, because nothing may throw once the first of these owns memory.
        arguments = ArgumentVector(process.args)
        environment = ArgumentVector(process.env ?? [])
    }

    /// Where the container's tree stays mounted after its end, to be unmounted by who removes it: only where it shares the caller's mount
    /// namespace.
    package var hostMount: FilePath? { namespaces.mountsOnHost ? rootfs.path : nil }

    /// Where the container's cgroup will be, for a record that is written before the launch: of a launch that is cut off this is to be emptied and
    /// removed. A group that others are in already is not part of it: the launch will refuse it, and it stays theirs.
    package func intendedCgroup() throws(LaunchError) -> CgroupHandle {
        var handle = try cgroup.prepare().now
        let directories = handle.directories
        handle.directories = []
        for directory in directories {
            let intended = try during(.cgroup, nil, { () throws(KernelError) in try Self.intended(directory) })
            if let intended { handle.directories.append(intended) }
        }
        return handle
    }

    private static func intended(_ directory: CgroupHandle.Directory) throws(KernelError) -> CgroupHandle.Directory? {
        var directory = directory
        do throws(KernelError) {
            guard try readFile(directory.location.appending("cgroup.procs")).isEmpty else { return nil }
        } catch  where error.isOfVanishedGroup {
            directory.created = true
        }
        return directory
    }

    private static func rootDirectory(_ spec: RuntimeSpec, _ bundle: FilePath) throws(LaunchError) -> RootfsSource {
        guard let root = spec.root else { throw .refused("the spec has no root") }
        return .directory(bundle.pushing(FilePath(try SpecCheck.noNUL(root.path, "root.path"))))
    }

    private static func propagation(_ name: String?) throws(LaunchError) -> (kind: MountPropagation, recursive: Bool) {
        guard let name, !name.isEmpty else { return (.slave, true) }
        guard let (kind, recursive) = MountFlags.propagations[name] else { throw .refused("unknown rootfsPropagation \"\(name)\"") }
        return (kind, recursive)
    }
}
