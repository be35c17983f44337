// SPDX-License-Identifier: Apache-2.0

package import Linux
package import OCI
internal import SystemPackage

/// Changing the limits of a container that runs.
package enum CgroupUpdate {
    /// Writes the members that are set; the others stay as they are. Device rules are not among them: those of a start hold for its life.
    ///
    /// - Parameter handle: a group for a controller that the container had no need of before is made, and added.
    /// - Throws: `LaunchError` `.limits` with the file, the value and the kernel's word, or with what is in use where
    ///   `memory.checkBeforeUpdate` is set. What was written before stays.
    package static func apply(_ resources: RuntimeSpec.Linux.Resources, to handle: inout CgroupHandle) throws(LaunchError) {
        if let memory = resources.memory { try check(memory, handle) }
        let layout = try during(.cgroup) { () throws(KernelError) in try CgroupLayout.detect() }
        let wanted = wantedControllers(resources)
        if !wanted.isEmpty {
            var extended = handle
            // Of one that failed, too: what was made is to be deleted.
            defer { handle = extended }
            try during(.cgroup) { () throws(KernelError) in try extended.extend(layout, with: wanted) }
        }
        try CgroupSetting.write(CgroupSettings(handle).all(resources), to: handle)
    }

    /// Those that a start leaves away where nothing is asked of them.
    private static func wantedControllers(_ resources: RuntimeSpec.Linux.Resources) -> Set<String> {
        var names: Set<String> = []
        if !(resources.cpu?.cpus ?? "").isEmpty || !(resources.cpu?.mems ?? "").isEmpty { names.insert("cpuset") }
        if !(resources.hugepageLimits ?? []).isEmpty { names.insert("hugetlb") }
        if resources.network?.classID != nil { names.insert("net_cls") }
        if !(resources.network?.priorities ?? []).isEmpty { names.insert("net_prio") }
        if !(resources.rdma ?? [:]).isEmpty { names.insert("rdma") }
        for file in (resources.unified ?? [:]).keys { names.insert(String(file.prefix { $0 != "." })) }
        return names
    }

    /// cgroup v2 takes a limit that is below what is used, and kills for it.
    private static func check(_ memory: RuntimeSpec.Linux.Memory, _ handle: CgroupHandle) throws(LaunchError) {
        guard memory.checkBeforeUpdate == true, let limit = memory.limit, limit > 0 else { return }
        let used = try during(.limits) { () throws(KernelError) in try handle.usage() }.memory?.workingSetBytes ?? 0
        guard used <= UInt64(limit) else {
            throw LaunchError(
                step: .limits, reason: "memory.limit = \(limit): the container uses \(used) bytes now",
                kernel: KernelError(call: "write(2)", object: "memory.limit", errno: .resourceBusy))
        }
    }
}
