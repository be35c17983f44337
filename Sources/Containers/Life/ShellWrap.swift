// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import OCI
internal import SystemPackage

/// PID 1 as a shell that runs the program as its child: `sh -c "cd /app && server"`. The kernel drops a stop signal that the shell does not catch,
/// and the program never hears of it.
package enum ShellWrap {
    private static let shells: Set<String> = ["sh", "ash", "bash", "dash", "ksh", "mksh", "zsh"]

    /// Whether the words are a shell's with a script that does not say how it takes signals: then a look at the process is worth it.
    package static func isPossible(_ arguments: [String]) -> Bool {
        var words = arguments[...]
        if name(words.first) == "busybox" { words = words.dropFirst() }
        guard shells.contains(name(words.first)) else { return false }
        words = words.dropFirst()
        while let word = words.first, word.hasPrefix("-") || word.hasPrefix("+") {
            words = words.dropFirst()
            guard !word.hasPrefix("--"), word.contains("c") else { continue }
            guard let script = words.first else { return false }
            return !script.contains("trap ") && !script.drop { $0 == " " || $0 == "\n" }.hasPrefix("exec ")
        }
        return false
    }

    private static func name(_ word: String?) -> String { word.map { String($0.split(separator: "/").last ?? "") } ?? "" }

    package enum Finding: Sendable, Hashable {
        /// It has not begun anything yet.
        case undecided
        /// It has become the program, catches the signal, or has gone.
        case no
        case wraps(child: Int32)
    }

    /// - Parameter pid: PID 1, on the host.
    package static func look(at pid: Int32, stopSignal: Int32) -> Finding {
        guard let comm = try? readFile(FilePath("/proc/\(pid)/comm")),
            shells.union(["busybox"]).contains(String(decoding: comm.dropLast(), as: UTF8.self)),
            let masks = try? SignalMasks(of: pid), masks.discards(stopSignal) == .defaultOfInit
        else { return .no }
        guard let children = try? readFile(FilePath("/proc/\(pid)/task/\(pid)/children")) else { return .no }
        let first = String(decoding: children.prefix { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        return Int32(first).map(Finding.wraps) ?? .undecided
    }

    package static func warning(_ signal: Int32) -> String {
        "PID 1 is a shell that runs the program as its child and does not pass \(SignalName.name(of: signal)) on: `stop` will have to kill it "
            + "(write `exec` before the program, or use --init)"
    }
}
