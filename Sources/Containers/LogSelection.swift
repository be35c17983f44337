// SPDX-License-Identifier: Apache-2.0

internal import OCI

/// Which records of a log are wanted.
package struct LogSelection: Sendable, Hashable {
    /// The last so many of those that the times select; nil for all.
    package var tail: Int?
    /// From this time on, and up to it: as `Timestamp` writes them, so that they compare as text.
    package var since: String?
    package var until: String?

    package init(tail: Int? = nil, since: String? = nil, until: String? = nil) {
        self.tail = tail
        self.since = since
        self.until = until
    }

    func includes(_ time: String) -> Bool {
        if let since, time < since { return false }
        if let until, time > until { return false }
        return true
    }

    /// Nothing that is written from now on is wanted.
    var isOver: Bool { until.map { $0 < Timestamp.now() } ?? false }
}
