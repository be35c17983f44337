// SPDX-License-Identifier: Apache-2.0

/// Sizes and shares as people type them, read exactly: no floating point, no overflow, no rounding up.
package enum Quantity {
    /// `64m`, `1.5g`, `1GiB`, `4096`: powers of 1024, as Docker reads them. A fraction of a byte is cut off.
    package static func bytes(_ text: String, option: String) throws(UsageError) -> Int64 {
        var rest = Substring(text.lowercased())
        if rest.hasSuffix("ib"), rest.utf8.count > 2 { rest = rest.dropLast(2) } else if rest.hasSuffix("b") { rest = rest.dropLast() }
        let scales: [Character: Int64] = ["k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50]
        var scale: Int64 = 1
        if let unit = rest.last, let known = scales[unit] {
            scale = known
            rest = rest.dropLast()
        } else if text.lowercased().hasSuffix("ib") {
            rest = ""
        }
        guard let number = Decimal(rest), let value = number.times(scale) else {
            throw UsageError(option, text, "not a size", remedy: "use a number and b, k, m, g or t: 64m, 1.5g")
        }
        return value
    }

    /// `72h`, `30d`, `1h30m`, `90s`: whole seconds.
    package static func seconds(_ text: String, option: String) throws(UsageError) -> Int64 {
        let scales: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400]
        var sum: Int64 = 0
        var digits = ""
        var isWhole = false
        for character in text {
            isWhole = false
            if character.isASCII, character.isNumber {
                digits.append(character)
                continue
            }
            guard let number = Int64(digits), let scale = scales[character] else { break }
            let (product, isTooMuch) = number.multipliedReportingOverflow(by: scale)
            let (total, isFarTooMuch) = sum.addingReportingOverflow(product)
            if isTooMuch || isFarTooMuch { break }
            sum = total
            digits = ""
            isWhole = true
        }
        guard isWhole else {
            throw UsageError(option, text, "not a duration", remedy: "use numbers and s, m, h, d or w: 72h, 30d, 1h30m")
        }
        return sum
    }

    /// `500ms`, `1.5s`, `1m30s`, `0`: whole milliseconds.
    package static func milliseconds(_ text: String, option: String) throws(UsageError) -> Int64 {
        if text == "0" { return 0 }
        // In nanoseconds, so that what is less than a millisecond is seen.
        let scales: [Substring: Int64] = [
            "ns": 1, "us": 1000, "µs": 1000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000,
        ]
        let refusal = UsageError(option, text, "not a duration", remedy: "use numbers and ms, s, m or h: 500ms, 1m30s")
        var sum: Int64 = 0
        var rest = text[...]
        repeat {
            let number = rest.prefix { $0 == "." || ($0.isASCII && $0.isNumber) }
            rest = rest[number.endIndex...]
            let unit = rest.prefix { $0 != "." && !$0.isNumber }
            rest = rest[unit.endIndex...]
            guard let scale = scales[unit], let part = Decimal(number)?.times(scale) else { throw refusal }
            let (total, isTooMuch) = sum.addingReportingOverflow(part)
            if isTooMuch { throw refusal }
            sum = total
        } while !rest.isEmpty
        guard sum == 0 || sum >= 1_000_000 else { throw UsageError(option, text, "less than a millisecond", remedy: "use 1ms or more") }
        return sum / 1_000_000
    }

    /// CPUs in billionths: `1.5` is 1,500,000,000.
    package static func nanoCPUs(_ text: String, option: String) throws(UsageError) -> Int64 {
        guard let number = Decimal(Substring(text)), number.places <= 9, let value = number.times(1_000_000_000) else {
            throw UsageError(option, text, "not a number of CPUs", remedy: "use a number such as 0.5 or 2")
        }
        return value
    }

    /// Digits with at most one point between or before them: `12`, `1.5`, `.5`.
    private struct Decimal {
        var digits: Int64
        var places: Int

        init?(_ text: Substring) {
            let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
            let all = parts.joined()
            guard !all.isEmpty, all.utf8.count <= 18, all.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
                parts.count == 1 || !parts[1].isEmpty, let digits = Int64(all)
            else { return nil }
            self.digits = digits
            places = parts.count == 2 ? parts[1].utf8.count : 0
        }

        func times(_ scale: Int64) -> Int64? {
            let power = (0..<places).reduce(Int128(1)) { power, _ in power * 10 }
            return Int64(exactly: Int128(digits) * Int128(scale) / power)
        }
    }
}
