// SPDX-License-Identifier: Apache-2.0

internal import OCI

/// 1536 -> "1.5 KiB".
package func byteCount(_ bytes: Int64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    var unit = 0
    var scale: Double = 1
    // From 1023.95 on one decimal would show 1024.0.
    while unit + 1 < units.count, Double(bytes.magnitude) / scale >= (unit == 0 ? 1024 : 1023.95) {
        unit += 1
        scale *= 1024
    }
    if unit == 0 { return "\(bytes) B" }
    let tenths = Int64((Double(bytes.magnitude) / scale * 10).rounded())
    return "\(bytes < 0 ? "-" : "")\(tenths / 10).\(tenths % 10) \(units[unit])"
}

/// "1 layer", "2 layers".
package func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

/// How long ago a time was, in one unit: "3 minutes ago". A text that is no time stays as it is.
/// - Parameter now: RFC 3339, as the time.
package func age(_ time: String, now: String = Timestamp.now()) -> String {
    guard let then = Timestamp.parse(time), let now = Timestamp.parse(now) else { return time }
    let seconds = now.seconds - then.seconds
    // A clock that was set back, or the daemon's a moment ahead of ours.
    if seconds < 1 { return seconds > -60 ? "now" : String(time.prefix(19)) }
    let units: [(Int64, String)] = [
        (365 * 86_400, "year"), (30 * 86_400, "month"), (7 * 86_400, "week"), (86_400, "day"), (3600, "hour"), (60, "minute"),
    ]
    // Two of a unit at least, so that nothing between is lost: "90 seconds", "36 hours".
    let unit = units.first { seconds >= 2 * $0.0 } ?? (1, "second")
    return counted(Int(seconds / unit.0), unit.1) + " ago"
}

/// `name@sha256:` and twelve digits for a reference by digest; others stay.
package func shortReference(_ reference: String) -> String {
    guard let marker = reference.firstRange(of: "@sha256:"), reference[marker.upperBound...].utf8.count > 12 else { return reference }
    return reference[..<marker.upperBound] + reference[marker.upperBound...].prefix(12) + "…"
}

/// The twelve digits by which a digest or an ID is told apart.
package func shortID(_ id: String) -> String { String((id.hasPrefix("sha256:") ? id.dropFirst(7) : id[...]).prefix(12)) }
