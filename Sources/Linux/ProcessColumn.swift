// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The columns of a list of processes, with ps(1)'s names and forms.
package enum ProcessColumn: String, Sendable, Hashable, CaseIterable {
    case uid, gid, pid, ppid, inside = "pidin", c, stime, etime, tty, time, state, threads = "nlwp", rss, vsz, comm, cmd

    /// What `ps -ef` shows.
    package static let full: [ProcessColumn] = [.uid, .pid, .ppid, .c, .stime, .tty, .time, .cmd]

    /// Also by ps(1)'s other names for them.
    package init?(name: String) {
        let others: [String: ProcessColumn] = [
            "args": .cmd, "command": .cmd, "euid": .uid, "user": .uid, "egid": .gid, "tname": .tty, "tt": .tty, "s": .state, "stat": .state,
            "cputime": .time, "start": .stime, "start_time": .stime, "ucmd": .comm, "thcount": .threads, "rssize": .rss, "vsize": .vsz,
            "hpid": .pid,
        ]
        guard let column = ProcessColumn(rawValue: name.lowercased()) ?? others[name.lowercased()] else { return nil }
        self = column
    }

    package var header: String { self == .inside ? "PID-INSIDE" : rawValue.uppercased() }

    package func text(_ process: ProcessDetails, now: Int64 = wallClock().seconds) -> String {
        switch self {
        case .uid: "\(process.uid)"
        case .gid: "\(process.gid)"
        case .pid: "\(process.pid)"
        case .ppid: "\(process.parent)"
        case .inside: "\(process.pidInside)"
        case .c: "\(min(process.cpuMilliseconds &* 100 / max(process.elapsedMilliseconds, 1), 99))"
        case .stime: Self.start(process.startedAtSeconds, now: now)
        case .etime: Self.elapsed(process.elapsedMilliseconds / 1000)
        case .tty: process.terminal ?? "?"
        case .time: Self.clock(process.cpuMilliseconds / 1000, hours: true)
        case .state: process.state
        case .threads: "\(process.threads)"
        case .rss: "\(process.residentBytes / 1024)"
        case .vsz: "\(process.virtualBytes / 1024)"
        case .comm: process.name
        case .cmd: process.arguments.isEmpty ? "[\(process.name)]" : process.arguments.joined(separator: " ")
        }
    }

    /// "18:04" of the last day, "Nov20" of the last year, else "2025": in this machine's time zone.
    private static func start(_ seconds: Int64, now: Int64) -> String {
        var time = time_t(seconds)
        var parts = tm()
        guard localtime_r(&time, &parts) != nil else { return "?" }
        func two(_ number: Int32) -> String { (number < 10 ? "0" : "") + "\(number)" }
        if now - seconds < 86_400 { return "\(two(parts.tm_hour)):\(two(parts.tm_min))" }
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        if now - seconds < 365 * 86_400, months.indices.contains(Int(parts.tm_mon)) {
            return months[Int(parts.tm_mon)] + two(parts.tm_mday)
        }
        return "\(1900 + parts.tm_year)"
    }

    /// "[DD-]HH:MM:SS", hours left out where they may be and are none.
    private static func clock(_ seconds: UInt64, hours always: Bool) -> String {
        func two(_ number: UInt64) -> String { (number < 10 ? "0" : "") + "\(number)" }
        let (days, hours) = (seconds / 86_400, seconds / 3600 % 24)
        let rest = "\(two(seconds / 60 % 60)):\(two(seconds % 60))"
        if days > 0 { return "\(days)-\(two(hours)):\(rest)" }
        return always || hours > 0 ? "\(two(hours)):\(rest)" : rest
    }

    private static func elapsed(_ seconds: UInt64) -> String { clock(seconds, hours: false) }
}

extension ProcessColumn {
    /// The columns that words of ps(1) ask for: nothing or `-ef` for the usual ones, `-o pid,cmd` (also `-eo`, `-e -o`) for named ones.
    /// - Throws: `ProcessOptionError` for anything else.
    package static func columns(_ options: [String]) throws(ProcessOptionError) -> [ProcessColumn] {
        var columns: [ProcessColumn] = []
        var rest = options[...]
        while let word = rest.popFirst() {
            switch word {
            case "-ef", "-e", "-f", "-A", "-Af", "ef": continue
            case "-o", "-eo", "o", "-Ao", "--format":
                guard let list = rest.popFirst() else { throw ProcessOptionError(option: word, reason: "no columns are named") }
                columns += try named(list)
            case _ where word.hasPrefix("-o") && word.utf8.count > 2: columns += try named(String(word.dropFirst(2)))
            default: throw ProcessOptionError(option: word, reason: "not one of -ef and -o COLUMN,...")
            }
        }
        return columns.isEmpty ? full : columns
    }

    private static func named(_ list: String) throws(ProcessOptionError) -> [ProcessColumn] {
        try list.split(separator: ",").map { name throws(ProcessOptionError) in
            guard let column = ProcessColumn(name: String(name)) else {
                throw ProcessOptionError(
                    option: String(name), reason: "no such column; there are " + allCases.map(\.rawValue).joined(separator: ", "))
            }
            return column
        }
    }
}

/// A word of ps(1) that is not understood here.
package struct ProcessOptionError: Error, Sendable, Hashable, CustomStringConvertible {
    package var option: String
    package var reason: String
    package var description: String { "ps option \"\(display(Array(option.utf8)))\": \(reason)" }
}
