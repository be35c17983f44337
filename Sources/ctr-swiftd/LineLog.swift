// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import Logging

/// One line an event on stderr, written whole. Control characters are escaped: names and answers of registries come from outside.
///
/// Under systemd the journal adds the time, and reads the level from the `<6>` in front (sd-daemon(3)).
struct LineLog: LogHandler {
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    var logLevel: Logger.Level

    private static let isJournal = getenv("JOURNAL_STREAM") != nil

    init(logLevel: Logger.Level) { self.logLevel = logLevel }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line = Self.isJournal ? "<\(event.level.priority)>" : "\(Self.time()) \(event.level.rawValue): "
        Self.append("\(event.message)", to: &line)
        let all = metadata.merging(metadataProvider?.get() ?? [:]) { $1 }.merging(event.metadata ?? [:]) { $1 }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) {
            line += " "
            Self.append("\(key)=\(value)", to: &line)
        }
        if let error = event.error { Self.append(": \(error)", to: &line) }
        line += "\n"
        line.withUTF8 { bytes in
            // A log that can't be written has nowhere to be told.
            _ = write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }

    /// At most 8 KiB for a text, on one line.
    private static func append(_ text: String, to line: inout String) {
        let end = line.utf8.count + 8192
        for scalar in text.unicodeScalars {
            let isEscaped = scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
            let shown = isEscaped ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
            guard line.utf8.count + shown.utf8.count <= end else { return }
            line += shown
        }
    }

    /// RFC 3339 with milliseconds, UTC.
    private static func time() -> String {
        let now = wallClock()
        var seconds = time_t(now.seconds)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let date = "\(parts.tm_year + 1900)-\(digits(Int(parts.tm_mon) + 1, 2))-\(digits(Int(parts.tm_mday), 2))"
        let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { digits(Int($0), 2) }.joined(separator: ":")
        return "\(date)T\(clock).\(digits(Int(now.nanoseconds / 1_000_000), 3))Z"
    }

    private static func digits(_ number: Int, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}

extension Logger.Level {
    /// Source: syslog(3).
    fileprivate var priority: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
