// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import Linux
package import SystemPackage

/// Where a further process of a container goes: into the container's cgroup in each hierarchy, so that its limits hold; and in one of them
/// into a group of its own below that, so that what the process starts can be ended with it.
///
/// The own group hands no controllers on, and needs none: cgroup v2 forbids processes beside such groups only where controllers are handed
/// down (cgroup-v2.rst, "No Internal Process Constraint"). Where a container that manages its own cgroups has done so, its first process is in
/// a leaf already, and this is one more.
package struct ExecCgroup: Sendable {
    var membership: CgroupHandle
    /// The own group; nil where there is none.
    package private(set) var own: CgroupHandle?

    /// The container's cgroup itself, or a group below it that is there already.
    /// - Parameter path: relative to the container's cgroup; nil is that itself.
    package init(in container: CgroupHandle, path: FilePath? = nil) throws(LaunchError) {
        membership = container
        guard let path else { return }
        let components = path.lexicallyNormalized().components
        guard components.allSatisfy({ $0.kind == .regular }) else { throw .refused("cgroup \"\(path)\" leads out of the container's") }
        for index in membership.directories.indices {
            for component in components { membership.directories[index].path += "/" + component.string }
        }
    }

    /// Makes a group below the container's: in cgroup v2 where that is mounted, else with v1's freezer.
    package init(making name: FilePath.Component, in container: CgroupHandle) throws(LaunchError) {
        membership = container
        let order: [(CgroupHandle.Directory) -> Bool] = [
            { $0.hierarchy.isUnified }, { $0.hierarchy.controllers.contains("freezer") }, { $0.hierarchy.controllers.contains("pids") },
        ]
        guard let place = order.compactMap({ container.directories.firstIndex(where: $0) }).first else { return }
        membership.directories[place].path += "/" + name.string
        membership.directories[place].created = true
        let directory = membership.directories[place]
        let isNew = try during(.cgroup) { () throws(KernelError) in try makeDirectory(directory.location, mode: 0o755) }
        guard isNew else { throw LaunchError(step: .cgroup, reason: "cgroup \(directory.location.string) is there already") }
        own = CgroupHandle(directories: [directory])
    }

    /// Ends every process of the own group.
    package func killAll() throws(KernelError) { try own?.killAll() }

    /// Tries to remove the own group, without waiting.
    /// - Returns: false where a process is still in it.
    package func remove() throws(KernelError) -> Bool {
        guard let location = own?.directories.first?.location else { return true }
        do throws(KernelError) {
            _ = try withCPath(location) { raw throws(KernelError) in try kernel("rmdir(2)", location.string) { rmdir(raw) } }
            return true
        } catch  where error.errno == .noSuchFileOrDirectory {
            return true
        } catch  where error.errno == .resourceBusy {
            return false
        }
    }

    /// The v2 directory to be born in.
    func birthplace() throws(KernelError) -> OwnedFD? {
        guard let unified = membership.unified else { return nil }
        return try Self.open(unified.location)
    }

    /// Where the container's first process itself is: the container may hand controllers down, and then its own group takes no process.
    func birthplace(beside pid: Int32) throws(KernelError) -> OwnedFD? {
        guard own == nil, let unified = membership.unified else { return nil }
        let text = String(decoding: try readFile(FilePath("/proc/\(pid)/cgroup")), as: UTF8.self)
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("0::/") }) else { return nil }
        let path = FilePath(String(line.dropFirst(4)))
        guard path.components.allSatisfy({ $0.kind == .regular }) else { return nil }
        return try Self.open(FilePath(unified.hierarchy.mountPoint).pushing(path))
    }

    private static func open(_ location: FilePath) throws(KernelError) -> OwnedFD {
        try openFile(location, O_RDONLY | O_DIRECTORY)
    }
}
