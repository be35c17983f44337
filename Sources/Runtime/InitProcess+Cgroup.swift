// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

// What the parent makes meanwhile: joined as late as the mounts allow.
extension InitProcess {
    borrowing func join() throws(LaunchError) {
        report.begin(.join)
        let network = try channel.waitForParent()
        try during(.join) { () throws(KernelError) in
            // A stepping stone was there before, as the host's root.
            if !plan.needsSteppingStone { try CgroupMembership(cgroup).join() }
            // After the join, so that the container's cgroup is the root of what it sees.
            if plan.namespaces.new.contains(.cgroup) { try unshareNamespaces(.cgroup) }
            if let network { try enterNamespace(network, .network, object: "the new network") }
            if plan.userNamespace != nil, plan.namespaces.new.contains(.network) { try plan.raiseLoopback() }
        }
        guard !plan.sysctls.isEmpty else { return }
        report.begin(.sysctl)
        for sysctl in plan.sysctls { try during(.sysctl, sysctl.key) { () throws(KernelError) in try sysctl.write() } }
    }

    /// v2: a bind of the container's own directory. v1 and hybrid: a small tmpfs with one bind a controller.
    borrowing func attachCgroup(_ plan: MountPlan, _ root: borrowing RootDirectory) throws(KernelError) {
        let target = try root.openOrMake(plan.target, directory: true, plan.links)
        let attributes = plan.flags.set.union([.noSetuid, .noDevices, .noExecute])
        let classic = cgroup.directories.filter { !$0.hierarchy.isUnified }
        if classic.isEmpty {
            guard let unified = cgroup.unified else { return }
            let mount = try DetachedMount(cloning: unified.location)
            try mount.setAttributes(attributes, name: plan.destination)
            return try mount.attach(at: target.raw, name: plan.destination)
        }
        let context = try FilesystemContext("tmpfs")
        try context.set("mode", "0755")
        let base = try context.mount(attributes.subtracting(.readOnly))
        let number = base.descriptor.raw
        try base.attach(at: target.raw, name: plan.destination)
        for directory in classic { try attach(directory, in: number, attributes) }
        if attributes.contains(.readOnly) { try base.setAttributes(.readOnly, name: plan.destination) }
    }

    private borrowing func attach(
        _ directory: CgroupHandle.Directory, in base: CInt, _ attributes: MountAttributes
    ) throws(KernelError) {
        let name = directory.hierarchy.controllers.map { $0.hasPrefix("name=") ? String($0.dropFirst(5)) : $0 }.joined(separator: ",")
        try kernel("mkdirat(2)", name) { mkdirat(base, name, 0o755) }
        let point = OwnedFD(owning: try kernel("openat(2)", name) { openat(base, name, CTR_O_PATH | O_DIRECTORY | O_CLOEXEC) })
        let mount = try DetachedMount(cloning: directory.location)
        try mount.setAttributes(attributes, name: name)
        try mount.attach(at: point.raw, name: name)
        // Mounted together ("cpu,cpuacct"), each is also found by its own name.
        guard directory.hierarchy.controllers.count > 1 else { return }
        for controller in directory.hierarchy.controllers {
            try kernel("symlinkat(2)", controller) { symlinkat(name, base, controller) }
        }
    }
}
