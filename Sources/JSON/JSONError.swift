// SPDX-License-Identifier: Apache-2.0

/// Why a document was refused: what was wrong, and where.
public struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    public let reason: String
    /// A coding path ("layers[2].size") or a byte offset ("byte 17").
    public let place: String

    package init(_ reason: String, at place: String) {
        self.reason = reason
        self.place = place
    }

    public var description: String { place.isEmpty ? reason : "\(reason) at \(place)" }

    static func path(_ path: [any CodingKey]) -> String {
        var text = ""
        for key in path {
            if let index = key.intValue {
                text += "[\(index)]"
            } else {
                text += text.isEmpty ? key.stringValue : ".\(key.stringValue)"
            }
        }
        return text
    }
}
