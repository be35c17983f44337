// SPDX-License-Identifier: Apache-2.0

package import Linux
internal import SystemPackage

extension ContainerService {
    /// Every process of the container, those of groups below included, by number.
    /// - Throws: `ContainerError.wrongState` for one that does not run.
    package func processes(of container: Container) async throws(ContainerError) -> [ProcessDetails] {
        guard container.life.isLive else { throw wrongState(container, "list the processes of") }
        return try await pool.run { () throws(ContainerError) in
            let cgroup = try self.liveCgroup(of: container)
            return try kernelStep("list the processes of \(container.id.short)") { () throws(KernelError) in
                do throws(KernelError) {
                    var found: [ProcessDetails] = []
                    for pid in try cgroup.processes() {
                        if let process = try ProcessDetails.of(pid) { found.append(process) }
                    }
                    return found
                } catch  where error.errno == .noSuchFileOrDirectory {
                    return []
                }
            }
        }
    }
}
