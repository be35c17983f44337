// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import SystemPackage

/// One victim of the kernel's OOM killer, as the kernel log tells it:
///
///     oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=c,mems_allowed=0,oom_memcg=/p/c,task_memcg=/p/c,task=sh,pid=7,uid=0
///
/// Source: mm/oom_kill.c, `dump_oom_summary`; Documentation/ABI/testing/dev-kmsg.
package struct OutOfMemoryKill: Sendable, Hashable {
    /// Whose limit was met.
    package enum Level: String, Sendable, Hashable, Codable {
        case container
        /// A group that the container has made below its own.
        case below
        /// A group that the container is in.
        case above
        /// No limit: the machine had no more.
        case machine
    }

    package var level: Level
    /// nil for the machine.
    package var cgroup: String?
    package var pid: Int32
    package var name: String

    /// The last kill in a cgroup since a moment; nil where the log has none, or can't be read.
    /// - Parameter cgroup: below its hierarchy's root: "ctr-swift/3f2a".
    package static func last(in cgroup: String, since: Moment) -> OutOfMemoryKill? {
        guard let log = try? openFile("/dev/kmsg", O_RDONLY | O_NONBLOCK) else { return nil }
        var found: OutOfMemoryKill?
        var buffer = [UInt8](repeating: 0, count: 8192)
        // The log is a ring that is written meanwhile: more than it can hold is not read.
        for _ in 0..<1 << 17 {
            let count = buffer.withUnsafeMutableBytes { Glibc.read(log.raw, $0.baseAddress, $0.count) }
            if count > 0 {
                if let kill = Self(record: Array(buffer[..<count]), in: cgroup, since: since) { found = kill }
                continue
            }
            // EPIPE: this record was overwritten; the next read gives the oldest that is left. EINVAL: it is longer than the buffer.
            guard count < 0, [EPIPE, EINTR, EINVAL].contains(errno) else { break }
        }
        return found
    }

    /// - Parameter record: `priority,sequence,microseconds,flags;message`, as a read of /dev/kmsg gives it.
    /// - Returns: nil for a record of something else, of somebody else, or that is older.
    package init?(record: [UInt8], in cgroup: String, since: Moment) {
        let text = String(decoding: record, as: UTF8.self)
        guard let end = text.firstIndex(of: ";") else { return nil }
        let fields = text[..<end].split(separator: ",")
        // Facility 0 is the kernel's own: what a program writes into the log never has it.
        guard fields.count >= 3, let priority = Int(fields[0]), priority >> 3 == 0, let time = UInt64(fields[2]),
            Moment(nanoseconds: time &* 1000) >= since
        else { return nil }
        let message = text[text.index(after: end)...].prefix { $0 != "\n" }
        guard message.hasPrefix("oom-kill:"), let uid = message.lastRange(of: ",uid="),
            let process = message[..<uid.lowerBound].lastRange(of: ",pid="), let pid = Int32(message[process.upperBound..<uid.lowerBound]),
            let own = message.firstRange(of: ",task_memcg="), let task = message[own.upperBound...].firstRange(of: ",task=")
        else { return nil }
        let path = message[own.upperBound..<task.lowerBound]
        guard Self.place(of: path, to: cgroup) == .container || Self.place(of: path, to: cgroup) == .below else { return nil }
        self.pid = pid
        // The process has chosen it, and it may hold anything: up to the last ",pid=".
        name = task.upperBound <= process.lowerBound ? String(message[task.upperBound..<process.lowerBound]) : ""
        level = .machine
        if message.contains("constraint=CONSTRAINT_MEMCG,"), let limit = message.firstRange(of: ",oom_memcg="),
            limit.upperBound <= own.lowerBound
        {
            let group = message[limit.upperBound..<own.lowerBound]
            self.cgroup = String(group)
            level = Self.place(of: group, to: cgroup)
        }
    }

    private static func place(of path: Substring, to cgroup: String) -> Level {
        if path.hasSuffix("/" + cgroup) { return .container }
        return path.contains("/" + cgroup + "/") ? .below : .above
    }
}

extension Substring {
    fileprivate func firstRange(of text: String) -> Range<Index>? { range(of: text, from: indices) }
    fileprivate func lastRange(of text: String) -> Range<Index>? { range(of: text, from: indices.reversed()) }

    private func range(of text: String, from starts: some Sequence<Index>) -> Range<Index>? {
        for start in starts where self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
        return nil
    }
}

extension CgroupHandle {
    /// What the group may use, and has used at most; nil for what is not limited, or not told.
    package var memoryUse: (limitInBytes: Int64?, peakInBytes: Int64?) {
        guard let memory = directory(of: "memory") else { return (nil, nil) }
        let isUnified = memory.hierarchy.isUnified
        let limit = Self.number(memory.location.appending(isUnified ? "memory.max" : "memory.limit_in_bytes"))
        let peak = Self.number(memory.location.appending(isUnified ? "memory.peak" : "memory.max_usage_in_bytes"))
        // v1 says "no limit" as the largest number of whole pages.
        return (limit.flatMap { $0 < Int64.max - (1 << 20) ? $0 : nil }, peak)
    }

    private static func number(_ path: FilePath) -> Int64? {
        (try? readFile(path)).flatMap { CgroupLayout.words($0).first }.flatMap { Int64($0) }
    }
}
