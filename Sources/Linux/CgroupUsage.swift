// SPDX-License-Identifier: Apache-2.0

/// What the kernel has counted for one cgroup, the same members whether v1 or v2 counts. nil is: not told here.
package struct CgroupUsage: Sendable, Hashable {
    package struct CPU: Sendable, Hashable {
        package var usageNanoseconds: UInt64
        package var userNanoseconds: UInt64?
        package var systemNanoseconds: UInt64?
        /// Of a limit on CPU time: the periods that have gone by, and those in which the group had to wait.
        package var periods: UInt64?
        package var throttledPeriods: UInt64?
        package var throttledNanoseconds: UInt64?
    }

    package struct Memory: Sendable, Hashable {
        /// Everything that is charged, the page cache included.
        package var usedBytes: UInt64
        /// Without the part of the page cache that the kernel can drop at once: what Docker and the kubelet show.
        package var workingSetBytes: UInt64
        /// nil is no limit.
        package var limitBytes: UInt64?
        package var peakBytes: UInt64?
        package var swapBytes: UInt64?
        package var anonymousBytes: UInt64?
        package var fileBytes: UInt64?
        /// How often the limit was met, and how many processes were killed for it.
        package var limitFailures: UInt64?
        package var outOfMemoryKills: UInt64?
    }

    package struct Processes: Sendable, Hashable {
        package var count: UInt64
        /// nil is no limit.
        package var limit: UInt64?
    }

    package struct BlockIO: Sendable, Hashable {
        package var readBytes: UInt64 = 0
        package var writtenBytes: UInt64 = 0
        package var reads: UInt64 = 0
        package var writes: UInt64 = 0
    }

    /// How much of the time somebody waited for a resource (`some`), or everybody (`full`). Source: psi.rst.
    package struct Pressure: Sendable, Hashable {
        package struct Share: Sendable, Hashable {
            /// Hundredths of a percent of the last 10, 60 and 300 seconds.
            package var average10: UInt64
            package var average60: UInt64
            package var average300: UInt64
            package var totalMicroseconds: UInt64
        }
        package var some: Share
        package var full: Share?
    }

    package var cpu: CPU?
    package var memory: Memory?
    package var processes: Processes?
    package var blockIO: BlockIO?
    package var cpuPressure: Pressure?
    package var memoryPressure: Pressure?
    package var ioPressure: Pressure?
}

/// The kernel's small text files of counters, read without a string for every word.
package enum CgroupText {
    /// "name value" lines; values that are no numbers are left out.
    package static func keyed(_ bytes: [UInt8]) -> [String: UInt64] {
        var values: [String: UInt64] = [:]
        for line in bytes.split(separator: 0x0A) {
            let words = line.split(separator: 0x20, maxSplits: 1)
            guard words.count == 2, let value = number(words[1]) else { continue }
            values[String(decoding: words[0], as: UTF8.self)] = value
        }
        return values
    }

    package static func number(_ bytes: some Sequence<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        var isEmpty = true
        for byte in bytes {
            if byte == 0x0A || byte == 0x20, !isEmpty { break }
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(byte - 0x30))
            if overflow || carry { return nil }
            value = sum
            isEmpty = false
        }
        return isEmpty ? nil : value
    }

    /// v1: "8:0 Read 4096" lines; each device's reads and writes are summed.
    package static func operationsV1(_ bytes: [UInt8]) -> (reads: UInt64, writes: UInt64) {
        var reads: UInt64 = 0
        var writes: UInt64 = 0
        for line in bytes.split(separator: 0x0A) {
            let words = line.split(separator: 0x20)
            guard words.count == 3, let value = number(words[2]) else { continue }
            if words[1].elementsEqual("Read".utf8) { reads &+= value }
            if words[1].elementsEqual("Write".utf8) { writes &+= value }
        }
        return (reads, writes)
    }

    /// v2: "8:0 rbytes=4096 wbytes=0 rios=1 wios=0 …" lines, summed.
    package static func operationsV2(_ bytes: [UInt8]) -> CgroupUsage.BlockIO {
        var sum = CgroupUsage.BlockIO()
        for line in bytes.split(separator: 0x0A) {
            for word in line.split(separator: 0x20).dropFirst() {
                let pair = word.split(separator: UInt8(ascii: "="), maxSplits: 1)
                guard pair.count == 2, let value = number(pair[1]) else { continue }
                switch String(decoding: pair[0], as: UTF8.self) {
                case "rbytes": sum.readBytes &+= value
                case "wbytes": sum.writtenBytes &+= value
                case "rios": sum.reads &+= value
                case "wios": sum.writes &+= value
                default: break
                }
            }
        }
        return sum
    }

    /// "some avg10=0.00 avg60=0.12 avg300=0.00 total=71364" and the same of "full", which the CPU's file may lack.
    package static func pressure(_ bytes: [UInt8]) -> CgroupUsage.Pressure? {
        var some: CgroupUsage.Pressure.Share?
        var full: CgroupUsage.Pressure.Share?
        for line in bytes.split(separator: 0x0A) {
            let words = line.split(separator: 0x20)
            guard let kind = words.first else { continue }
            var share = CgroupUsage.Pressure.Share(average10: 0, average60: 0, average300: 0, totalMicroseconds: 0)
            for word in words.dropFirst() {
                let pair = word.split(separator: UInt8(ascii: "="), maxSplits: 1)
                // Two decimals always: without the point it is hundredths.
                guard pair.count == 2, let value = number(pair[1].filter { $0 != UInt8(ascii: ".") }) else { continue }
                switch String(decoding: pair[0], as: UTF8.self) {
                case "avg10": share.average10 = value
                case "avg60": share.average60 = value
                case "avg300": share.average300 = value
                case "total": share.totalMicroseconds = value
                default: break
                }
            }
            if kind.elementsEqual("some".utf8) { some = share }
            if kind.elementsEqual("full".utf8) { full = share }
        }
        return some.map { CgroupUsage.Pressure(some: $0, full: full) }
    }
}
