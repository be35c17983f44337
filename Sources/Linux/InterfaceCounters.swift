// SPDX-License-Identifier: Apache-2.0

internal import SystemPackage

/// What went through the network interfaces of a process's namespace, all but loopback, in sum. Source: proc(5), /proc/PID/net/dev.
package struct InterfaceCounters: Sendable, Hashable {
    package var receivedBytes: UInt64 = 0
    package var sentBytes: UInt64 = 0
    package var receivedPackets: UInt64 = 0
    package var sentPackets: UInt64 = 0

    /// nil where there is none but loopback, or no such process (any more).
    package static func ofProcess(_ pid: Int32) throws(KernelError) -> InterfaceCounters? {
        do throws(KernelError) {
            return InterfaceCounters(parsing: try readFile(FilePath("/proc/\(pid)/net/dev"), limit: 1 << 20))
        } catch  where error.errno == .noSuchFileOrDirectory || error.errno == .noSuchProcess || error.errno == .invalidArgument {
            // EINVAL: a process that is just ending has no namespaces any more.
            return nil
        }
    }

    /// "  eth0: 1234 5 0 0 0 0 0 0 987 6 0 0 0 0 0 0": received bytes and packets first, sent ones from the ninth number on.
    package init?(parsing bytes: [UInt8]) {
        var found = false
        for line in bytes.split(separator: 0x0A) {
            guard let colon = line.lastIndex(of: UInt8(ascii: ":")) else { continue }
            let name = line[..<colon].drop { $0 == 0x20 }
            let numbers = line[(colon + 1)...].split(separator: 0x20)
            guard numbers.count >= 10, !name.elementsEqual("lo".utf8) else { continue }
            found = true
            receivedBytes &+= CgroupText.number(numbers[0]) ?? 0
            receivedPackets &+= CgroupText.number(numbers[1]) ?? 0
            sentBytes &+= CgroupText.number(numbers[8]) ?? 0
            sentPackets &+= CgroupText.number(numbers[9]) ?? 0
        }
        if !found { return nil }
    }
}
