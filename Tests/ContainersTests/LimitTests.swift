// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import OCI
import Testing

@Suite struct LimitTests {
    @Test("limits reach the spec in the kernel's units, beside the device rules")
    func spec() throws {
        let plan = try TestPlan { $0.resources = ResourceRequest(memoryInBytes: 64 << 20, nanoCPUs: 500_000_000, pidsLimit: 100) }
        let resources = try #require(plan.spec.linux?.resources)
        #expect(resources.memory == RuntimeSpec.Linux.Memory(limit: 64 << 20))
        #expect(resources.cpu == RuntimeSpec.Linux.CPU(quota: 50_000, period: 100_000))
        #expect(resources.pids == RuntimeSpec.Linux.Pids(limit: 100))
        #expect(resources.devices == [RuntimeSpec.Linux.DeviceCgroup(allow: false, access: "rwm")])
    }

    @Test("no limit, 0 and a pids limit of -1 ask for nothing")
    func none() throws {
        for request in [ResourceRequest(), ResourceRequest(memoryInBytes: 0, nanoCPUs: 0, pidsLimit: 0), ResourceRequest(pidsLimit: -1)] {
            let resources = try #require(try TestPlan { $0.resources = request }.spec.linux?.resources)
            #expect(resources.memory == nil && resources.cpu == nil && resources.pids == nil)
        }
    }

    @Test("the smallest and the largest of each are taken")
    func bounds() throws {
        let smallest = try ResourceLimits(ResourceRequest(memoryInBytes: 6 << 20, nanoCPUs: 10_000_000, pidsLimit: 1), processors: 4)
        #expect((smallest.memoryInBytes, smallest.cpuQuotaMicroseconds, smallest.pids) == (6 << 20, 1000, 1))
        let largest = try ResourceLimits(
            ResourceRequest(memoryInBytes: .max, nanoCPUs: 4_000_000_000, pidsLimit: 4_194_304), processors: 4)
        #expect((largest.memoryInBytes, largest.cpuQuotaMicroseconds, largest.pids) == (.max, 400_000, 4_194_304))
    }

    @Test("what the kernel would refuse or round is refused, with what was asked for", arguments: [-1, 1, (6 << 20) - 1, .min] as [Int64])
    func memory(bytes: Int64) {
        expectInvalid("memory limit of \(bytes)") { try ResourceLimits(ResourceRequest(memoryInBytes: bytes)) }
    }

    @Test("so are processors that are not there", arguments: [-1, 1, 9_999_999, 4_000_000_001, .max, .min] as [Int64])
    func processors(nano: Int64) {
        expectInvalid("CPU limit") { try ResourceLimits(ResourceRequest(nanoCPUs: nano), processors: 4) }
    }

    @Test("and numbers of processes that no kernel has", arguments: [-2, 4_194_305, .max, .min] as [Int64])
    func pids(limit: Int64) {
        expectInvalid("pids limit of \(limit)") { try ResourceLimits(ResourceRequest(pidsLimit: limit)) }
    }
}
