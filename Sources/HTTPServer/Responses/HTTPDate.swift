// SPDX-License-Identifier: Apache-2.0

internal import Glibc

enum HTTPDate {
    /// "Sat, 31 Jan 2026 12:00:00 GMT". Source: RFC 9110, section 5.6.7.
    static func text(of seconds: time_t = time(nil)) -> String {
        var seconds = seconds
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let day = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][Int(parts.tm_wday)]
        let month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][Int(parts.tm_mon)]
        let (hour, minute, second) = (twoDigits(parts.tm_hour), twoDigits(parts.tm_min), twoDigits(parts.tm_sec))
        return "\(day), \(twoDigits(parts.tm_mday)) \(month) \(parts.tm_year + 1900) \(hour):\(minute):\(second) GMT"
    }

    private static func twoDigits(_ number: CInt) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
