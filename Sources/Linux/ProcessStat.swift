// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import SystemPackage

/// What /proc/PID/stat says of a process. Source: proc(5).
package struct ProcessStat: Sendable, Hashable {
    /// "R", "S", "D", "Z" …
    package let state: Character
    package let parent: Int32
    /// Clock ticks from the machine's start to the process's: with the pid it names one process for good.
    package let startTicks: UInt64
    /// It is on its way out (PF_EXITING), though there may be much to do yet: a PID 1 ends its namespace before it can be reaped. A first thread
    /// that has ended alone is not meant.
    package let isExiting: Bool

    /// - Throws: `KernelError`; ENOENT or ESRCH where there is no such process.
    package init(of pid: Int32) throws(KernelError) {
        let path = FilePath("/proc/\(pid)/stat")
        guard let stat = Self(parsing: try readFile(path)) else {
            throw KernelError(call: "read(2)", object: path.string, errno: .badMessage)
        }
        self = stat
    }

    /// The name in field 2 may hold anything, so its last ")" ends it.
    package init?(parsing bytes: [UInt8]) {
        guard let end = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = bytes[(end + 1)...].split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
        guard fields.count > 19, let state = fields[0].first, let parent = Int32(fields[1]), let flags = UInt64(fields[6]),
            let ticks = UInt64(fields[19])
        else { return nil }
        self.state = state
        self.parent = parent
        startTicks = ticks
        isExiting = flags & 4 != 0 && (state != "Z" || fields[17] == "1")
    }
}
