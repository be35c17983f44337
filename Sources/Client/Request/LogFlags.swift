// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import OCI

/// `--log-opt`, and the times of `logs`.
package enum LogFlag {
    /// `max-size=10m`, `max-file=3`, `mode=non-blocking`, `max-buffer-size=4m`: Docker's names; several by commas.
    package static func options(_ texts: [String]) throws(UsageError) -> LogOptions? {
        if texts.isEmpty { return nil }
        var options = LogOptions()
        for text in texts {
            for part in text.split(separator: ",", omittingEmptySubsequences: false) { try add(part, to: &options) }
        }
        return options
    }

    private static func add(_ text: Substring, to options: inout LogOptions) throws(UsageError) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else { throw UsageError("--log-opt", String(text), "no value", remedy: "use max-size=10m") }
        switch parts[0] {
        case "max-size": options.maxSizeInBytes = try Quantity.bytes(parts[1], option: "--log-opt max-size")
        case "max-buffer-size": options.bufferSizeInBytes = try Quantity.bytes(parts[1], option: "--log-opt max-buffer-size")
        case "max-file":
            guard let count = Int(parts[1]), count > 0 else { throw UsageError("--log-opt max-file", parts[1], "not a number of files") }
            options.maxFiles = count
        case "mode":
            guard let mode = LogOptions.Mode(rawValue: parts[1]) else {
                throw UsageError("--log-opt mode", parts[1], "no such mode", remedy: "use blocking or non-blocking")
            }
            options.mode = mode
        default:
            throw UsageError(
                "--log-opt", String(text), "no such option", remedy: "known are max-size, max-file, mode and max-buffer-size")
        }
    }

    /// RFC 3339, seconds since 1970 (`1700000000.5`), or how long ago: `10m`, `1h30m`.
    /// - Returns: RFC 3339 in UTC.
    package static func time(_ text: String, option: String, now: String = Timestamp.now()) throws(UsageError) -> String {
        if let time = Timestamp.parse(text) { return Timestamp.rfc3339(seconds: time.seconds, nanoseconds: time.nanoseconds) }
        if let seconds = unixTime(text) { return seconds }
        guard let first = text.utf8.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first),
            let ago = try? Quantity.seconds(text, option: option), let now = Timestamp.parse(now)
        else {
            throw UsageError(
                option, text, "neither a time nor a duration", remedy: "use 2026-11-21T06:25:00Z, or how long ago: 10m, 1h30m")
        }
        return Timestamp.rfc3339(seconds: max(0, now.seconds - ago), nanoseconds: now.nanoseconds)
    }

    private static func unixTime(_ text: String) -> String? {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first, !whole.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }),
            let seconds = Int64(whole), seconds < 253_402_300_800
        else { return nil }
        guard parts.count == 2 else { return Timestamp.rfc3339(seconds: seconds, nanoseconds: 0) }
        guard (1...9).contains(parts[1].utf8.count), let fraction = Int64(parts[1] + String(repeating: "0", count: 9 - parts[1].utf8.count))
        else { return nil }
        return Timestamp.rfc3339(seconds: seconds, nanoseconds: fraction)
    }
}
