// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
package import OCI
internal import SystemPackage

/// Namespaces of another container that this one enters, held open by the caller for the length of the launch.
package struct ForeignNamespaces: Sendable {
    /// By the spec's word for the kind.
    let descriptors: [String: CInt]
    /// The mount namespace whose /dev/shm goes with the shared ipc namespace.
    let sharedMemory: CInt?

    package init(descriptors: [String: Int32] = [:], sharedMemory: Int32? = nil) {
        self.descriptors = descriptors
        self.sharedMemory = sharedMemory
    }

    /// The spec with these namespaces in the place of new ones; with the other's ids, where its user namespace is among them.
    package func entered(by spec: RuntimeSpec) -> RuntimeSpec {
        guard !descriptors.isEmpty else { return spec }
        var spec = spec
        var namespaces = (spec.linux?.namespaces ?? []).filter { descriptors[$0.type] == nil }
        for (kind, descriptor) in descriptors.sorted(by: { $0.key < $1.key }) {
            namespaces.append(RuntimeSpec.Linux.Namespace(type: kind, path: "/proc/self/fd/\(descriptor)"))
        }
        spec.linux?.namespaces = namespaces
        guard descriptors["user"] != nil else { return spec }
        DefaultSpec.bindNodesSystem(in: &spec)
        DefaultSpec.mapOwnersOfBinds(in: &spec)
        return spec
    }

    /// The /dev/shm of the container in a mount namespace, attached nowhere. What is in that place is the container's to say, so nothing else than
    /// a tmpfs is taken.
    static func sharedMemory(of namespace: CInt) throws(LaunchError) -> OwnedFD {
        try during(.prepareMounts, "/dev/shm of the container whose ipc namespace is shared") { () throws(KernelError) in
            try inMountNamespace(namespace) { () throws(KernelError) in
                let root = RootDirectory(try openFile("/", CTR_O_PATH | O_DIRECTORY))
                let directory = try root.open("dev/shm", .refused, flags: CTR_O_PATH | O_DIRECTORY)
                let raw = directory.raw
                let magic = try kernel("fstatfs(2)", "/dev/shm") { ctr_filesystem_magic(raw) }
                // Source: <linux/magic.h>, TMPFS_MAGIC.
                guard magic == 0x0102_1994 else {
                    throw KernelError(call: "fstatfs(2)", object: "/dev/shm, which is no tmpfs", errno: .operationNotSupportedByDevice)
                }
                let mount = try DetachedMount(cloning: raw, name: "/dev/shm")
                try mount.setAttributes([], propagation: .private, name: "/dev/shm")
                return mount.intoDescriptor()
            }
        }
    }
}

extension DefaultSpec {
    /// sysfs is mounted by who has rights in the network's namespace. In a user namespace with the node's network that is nobody: the node's own
    /// shows through a bind, as it does without a user namespace.
    package static func bindNodesSystem(in spec: inout RuntimeSpec) {
        guard spec.linux?.namespaces?.contains(where: { $0.type == "network" }) == false else { return }
        spec.mounts = spec.mounts?.map { mount in
            guard mount.type == "sysfs" else { return mount }
            return RuntimeSpec.Mount(
                destination: mount.destination, type: "bind", source: "/sys",
                options: ["rbind", "rprivate", "nosuid", "noexec", "nodev", "rro"])
        }
    }

    /// As those of a container that was made with a user namespace.
    fileprivate static func mapOwnersOfBinds(in spec: inout RuntimeSpec) {
        spec.mounts = spec.mounts?.map { mount in
            var mount = mount
            let options = mount.options ?? []
            guard mount.type == "bind", mount.source != "/sys", !options.contains("idmap"), !options.contains("ridmap"),
                mount.destination != initPath
            else { return mount }
            mount.options = options + [options.contains("rbind") ? "ridmap" : "idmap"]
            return mount
        }
    }

    /// Where the init of `--init` is bound: a file of the node, which is read and never written.
    package static let initPath = "/.ctr-init"
}
