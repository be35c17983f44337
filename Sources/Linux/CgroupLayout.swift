// SPDX-License-Identifier: Apache-2.0

internal import SystemPackage

/// Which cgroup hierarchies this machine has, and where.
///
/// - v2 alone ("unified"): one hierarchy with all controllers.
/// - v1: a hierarchy a controller (or a few, mounted together), and named ones without controllers.
/// - hybrid: v1 controllers, and beside them a v2 hierarchy that has few or none; it still kills and freezes whole groups.
package struct CgroupLayout: Sendable, Hashable {
    package struct Hierarchy: Sendable, Hashable, Codable {
        package var mountPoint: String
        package var isUnified: Bool
        /// v1: "cpu", "cpuacct", "name=systemd". v2: cgroup.controllers of its root.
        package var controllers: [String]
    }

    package var hierarchies: [Hierarchy]

    package var unified: Hierarchy? { hierarchies.first(where: \.isUnified) }
    /// Controllers are found in v2 and nowhere else.
    package var isPureV2: Bool { unified != nil && hierarchies.count == 1 }

    package init(hierarchies: [Hierarchy]) { self.hierarchies = hierarchies }

    /// Reads this process's mount table. The first mount of each hierarchy counts.
    package static func detect() throws(KernelError) -> CgroupLayout {
        var hierarchies: [Hierarchy] = []
        for mount in try MountInfo.all() {
            switch mount.type {
            case "cgroup2":
                if hierarchies.contains(where: \.isUnified) { continue }
                let text = try readFile(FilePath(mount.mountPoint).appending("cgroup.controllers"))
                hierarchies.append(Hierarchy(mountPoint: mount.mountPoint, isUnified: true, controllers: words(text)))
            case "cgroup":
                let controllers = mount.superOptions.filter { knownControllers.contains($0) || $0.hasPrefix("name=") }
                if controllers.isEmpty || hierarchies.contains(where: { $0.controllers == controllers }) { continue }
                hierarchies.append(Hierarchy(mountPoint: mount.mountPoint, isUnified: false, controllers: controllers))
            default: continue
            }
        }
        return CgroupLayout(hierarchies: hierarchies)
    }

    /// v1 says its controllers among the filesystem's other options. Source: cgroups(7).
    private static let knownControllers: Set<String> = [
        "blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "hugetlb", "memory", "misc", "net_cls", "net_prio", "perf_event", "pids",
        "rdma",
    ]

    static func words(_ text: [UInt8]) -> [String] {
        text.split { $0 == 0x20 || $0 == 0x0A }.map { String(decoding: $0, as: UTF8.self) }
    }
}
