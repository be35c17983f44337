// SPDX-License-Identifier: Apache-2.0

/// `bytes first-last/total` of a partial answer. Source: RFC 9110, 14.4.
package struct ContentRange: Equatable, Sendable {
    package var first: Int64
    package var last: Int64
    /// nil where the registry does not know (`*`).
    package var total: Int64?

    package init?(_ text: String) {
        guard text.hasPrefix("bytes ") else { return nil }
        let parts = text.dropFirst(6).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        let ends = parts[0].split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = Self.number(ends[0]), let last = Self.number(ends[1]), first <= last else { return nil }
        self.first = first
        self.last = last
        if parts[1] != "*" {
            guard let total = Self.number(parts[1]), last < total else { return nil }
            self.total = total
        }
    }

    private static func number(_ text: Substring) -> Int64? {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int64(text) : nil
    }
}
