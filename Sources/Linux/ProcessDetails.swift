// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import SystemPackage

/// What /proc tells of one process, as ps(1) shows it. Source: proc(5).
package struct ProcessDetails: Sendable, Hashable, Codable {
    package var pid: Int32
    package var parent: Int32
    /// Its number in its own PID namespace: 1 is the container's first process.
    package var pidInside: Int32
    package var uid: UInt32
    package var gid: UInt32
    package var state: String
    package var threads: Int
    /// As ps(1) calls it: "pts/0", "tty1"; nil is none.
    package var terminal: String?
    package var cpuMilliseconds: UInt64
    /// Since 1970.
    package var startedAtSeconds: Int64
    package var elapsedMilliseconds: UInt64
    package var residentBytes: UInt64
    package var virtualBytes: UInt64
    /// The file name of its program, at most 15 bytes, which it can change.
    package var name: String
    /// Its words; empty for one that has none any more.
    package var arguments: [String]

    package init(
        pid: Int32, parent: Int32, pidInside: Int32, uid: UInt32, gid: UInt32, state: String, threads: Int, terminal: String?,
        cpuMilliseconds: UInt64, startedAtSeconds: Int64, elapsedMilliseconds: UInt64, residentBytes: UInt64, virtualBytes: UInt64,
        name: String, arguments: [String]
    ) {
        self.pid = pid
        self.parent = parent
        self.pidInside = pidInside
        self.uid = uid
        self.gid = gid
        self.state = state
        self.threads = threads
        self.terminal = terminal
        self.cpuMilliseconds = cpuMilliseconds
        self.startedAtSeconds = startedAtSeconds
        self.elapsedMilliseconds = elapsedMilliseconds
        self.residentBytes = residentBytes
        self.virtualBytes = virtualBytes
        self.name = name
        self.arguments = arguments
    }

    /// nil where there is no such process (any more).
    package static func of(_ pid: Int32) throws(KernelError) -> ProcessDetails? {
        do throws(KernelError) {
            let directory = FilePath("/proc/\(pid)")
            let stat = try readFile(directory.appending("stat"), limit: 4096)
            let status = try readFile(directory.appending("status"), limit: 16384)
            let words = try readFile(directory.appending("cmdline"), limit: 1 << 22)
            return ProcessDetails(pid, stat: stat, status: status, words: words, clock: Clock.now)
        } catch  where error.errno == .noSuchFileOrDirectory || error.errno == .noSuchProcess {
            return nil
        }
    }

    struct Clock {
        var ticksPerSecond: UInt64
        /// Now, in milliseconds since the machine's start and in seconds since 1970.
        var uptimeMilliseconds: UInt64
        var seconds: Int64

        static var now: Clock {
            var up = timespec()
            var real = timespec()
            clock_gettime(CLOCK_BOOTTIME, &up)
            clock_gettime(CLOCK_REALTIME, &real)
            return Clock(
                ticksPerSecond: UInt64(max(sysconf(Int32(_SC_CLK_TCK)), 1)),
                uptimeMilliseconds: UInt64(up.tv_sec) * 1000 + UInt64(up.tv_nsec) / 1_000_000, seconds: Int64(real.tv_sec))
        }
    }

    init?(_ pid: Int32, stat: [UInt8], status: [UInt8], words: [UInt8], clock: Clock) {
        // The name in field 2 may hold anything, so its first "(" and last ")" bound it.
        guard let open = stat.firstIndex(of: UInt8(ascii: "(")), let close = stat.lastIndex(of: UInt8(ascii: ")")), open < close else {
            return nil
        }
        let fields = stat[(close + 1)...].split(whereSeparator: { $0 == 0x20 || $0 == 0x0A })
        func number(_ field: Int) -> UInt64 { field - 3 < fields.count ? CgroupText.number(fields[field - 3]) ?? 0 : 0 }
        guard fields.count > 21 else { return nil }
        self.pid = pid
        parent = Int32(truncatingIfNeeded: number(4))
        state = String(decoding: fields[0], as: UTF8.self)
        threads = Int(clamping: number(20))
        terminal = Self.terminalName(device: number(7))
        cpuMilliseconds = (number(14) + number(15)) * 1000 / clock.ticksPerSecond
        let start = number(22) * 1000 / clock.ticksPerSecond
        elapsedMilliseconds = clock.uptimeMilliseconds > start ? clock.uptimeMilliseconds - start : 0
        startedAtSeconds = clock.seconds - Int64(elapsedMilliseconds / 1000)
        virtualBytes = number(23)
        residentBytes = number(24) * UInt64(max(sysconf(Int32(_SC_PAGESIZE)), 1))
        name = String(decoding: stat[(open + 1)..<close], as: UTF8.self)
        var trimmed = words[...]
        // A program that writes over its words pads them with NULs.
        while trimmed.last == 0 { trimmed.removeLast() }
        arguments =
            trimmed.isEmpty ? [] : trimmed.split(separator: 0, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
        let values = Self.status(status)
        uid = values.uid
        gid = values.gid
        pidInside = values.inside ?? pid
    }

    /// "Uid:\t0\t0\t0\t0": real, effective, saved, filesystem. "NSpid:\t4711\t1": outermost namespace first.
    private static func status(_ bytes: [UInt8]) -> (uid: UInt32, gid: UInt32, inside: Int32?) {
        var result: (uid: UInt32, gid: UInt32, inside: Int32?) = (0, 0, nil)
        for line in bytes.split(separator: 0x0A) {
            let words = line.split(whereSeparator: { $0 == 0x09 || $0 == 0x20 })
            guard let key = words.first, words.count > 1 else { continue }
            if key.elementsEqual("Uid:".utf8), words.count > 2 { result.uid = UInt32(truncatingIfNeeded: CgroupText.number(words[2]) ?? 0) }
            if key.elementsEqual("Gid:".utf8), words.count > 2 { result.gid = UInt32(truncatingIfNeeded: CgroupText.number(words[2]) ?? 0) }
            if key.elementsEqual("NSpid:".utf8) { result.inside = words.last.flatMap { Int32(exactly: CgroupText.number($0) ?? 0) } }
        }
        return result
    }

    package static func terminalName(device: UInt64) -> String? {
        let major = (device >> 8) & 0xFFF
        let minor = (device & 0xFF) | ((device >> 12) & 0xFFF00)
        switch major {
        case 0: return nil
        case 136...143: return "pts/\((major - 136) * 256 + minor)"
        case 4: return minor < 64 ? "tty\(minor)" : "ttyS\(minor - 64)"
        default: return "\(major):\(minor)"
        }
    }
}
