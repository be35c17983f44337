// SPDX-License-Identifier: Apache-2.0

/// Signals by name and number, as images and people write them. Source: signal(7); the numbers of x86 and arm.
public enum SignalName {
    private static let names = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD",
        "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ]
    private static let others: [String: Int32] = ["IOT": 6, "CLD": 17, "POLL": 29]
    /// glibc keeps 32 and 33 for itself.
    private static let realTime: ClosedRange<Int32> = 34...64

    /// - Parameter text: "SIGTERM", "TERM", "term", "15", "SIGRTMIN+3".
    /// - Returns: 1...64, or nil.
    public static func number(for text: String) -> Int32? {
        guard text.utf8.count <= 16, text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else { return nil }
        if let number = natural(text) { return (1...64).contains(number) ? number : nil }
        var name = text.uppercased()
        if name.hasPrefix("SIG") { name.removeFirst(3) }
        if let index = names.firstIndex(of: name) { return Int32(index) + 1 }
        return others[name] ?? realTimeNumber(name)
    }

    /// "SIGTERM" for 15; a number for the rest.
    public static func name(of number: Int32) -> String {
        if (1...Int32(names.count)).contains(number) { return "SIG" + names[Int(number) - 1] }
        return realTime.contains(number) ? "SIGRTMIN+\(number - realTime.lowerBound)" : "\(number)"
    }

    private static func realTimeNumber(_ name: String) -> Int32? {
        for (prefix, base, sign) in [("RTMIN", realTime.lowerBound, Int32(1)), ("RTMAX", realTime.upperBound, -1)]
        where name.hasPrefix(prefix) {
            let rest = name.dropFirst(prefix.count)
            if rest.isEmpty { return base }
            guard rest.first == (sign > 0 ? "+" : "-"), let offset = natural(rest.dropFirst()), offset <= 64 else { return nil }
            let number = base + sign * offset
            return realTime.contains(number) ? number : nil
        }
        return nil
    }

    /// Digits alone: no sign.
    private static func natural(_ text: some StringProtocol) -> Int32? {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int32(text) : nil
    }
}
