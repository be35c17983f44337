// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import Glibc
package import OCI

/// The request's limits, checked, in the kernel's units.
package struct ResourceLimits: Hashable, Sendable {
    package var memoryInBytes: Int64?
    /// Microseconds of CPU time a period of 100,000.
    package var cpuQuotaMicroseconds: Int64?
    package var pids: Int64?

    package static let cpuPeriodMicroseconds: UInt64 = 100_000
    /// Less does not hold a process and its exec. Docker's floor is the same.
    package static let smallestMemory: Int64 = 6 << 20

    /// The kernel's PID_MAX_LIMIT; it refuses more in pids.max.
    package static let mostProcesses: Int64 = 4 << 20

    /// - Throws: `ContainerError.invalidRequest` for what the kernel would refuse, or round in silence.
    package init(_ request: ResourceRequest, processors: Int = sysconf(Int32(_SC_NPROCESSORS_ONLN))) throws(ContainerError) {
        if let memory = request.memoryInBytes, memory != 0 {
            guard memory >= Self.smallestMemory else {
                throw .invalidRequest(
                    "memory limit of \(memory) bytes: at least \(Self.smallestMemory) are needed", remedy: "use -m 6m or more")
            }
            memoryInBytes = memory
        }
        if let nanoCPUs = request.nanoCPUs, nanoCPUs != 0 {
            guard nanoCPUs >= 10_000_000, nanoCPUs <= Int64(processors) * 1_000_000_000 else {
                throw .invalidRequest(
                    "CPU limit of \(Double(nanoCPUs) / 1e9): this node has \(processors) processors", remedy: "use 0.01 to \(processors)")
            }
            cpuQuotaMicroseconds = nanoCPUs / (1_000_000_000 / Int64(Self.cpuPeriodMicroseconds))
        }
        if let limit = request.pidsLimit {
            guard limit == -1 || (0...Self.mostProcesses).contains(limit) else {
                throw .invalidRequest("pids limit of \(limit)", remedy: "use 1 to \(Self.mostProcesses), or -1 for none")
            }
            pids = limit > 0 ? limit : nil
        }
    }

    /// The spec's part: what was there before (device rules), and these limits.
    package func resources(over base: RuntimeSpec.Linux.Resources?) -> RuntimeSpec.Linux.Resources {
        var resources = base ?? RuntimeSpec.Linux.Resources()
        if let memoryInBytes { resources.memory = RuntimeSpec.Linux.Memory(limit: memoryInBytes) }
        if let cpuQuotaMicroseconds {
            resources.cpu = RuntimeSpec.Linux.CPU(quota: cpuQuotaMicroseconds, period: Self.cpuPeriodMicroseconds)
        }
        if let pids { resources.pids = RuntimeSpec.Linux.Pids(limit: pids) }
        return resources
    }
}
