// SPDX-License-Identifier: Apache-2.0

internal import Compression

/// A part that strangers' bytes reach, and what must hold whatever they are. That nothing traps, hangs or grows goes without saying.
package enum FuzzTarget: String, CaseIterable, Sendable {
    /// Up to three tar archives, one behind the other: extraction, and the stack that they make.
    case layer
    /// A tar archive as a stream of entries.
    case tar
    case gzip, zstd
    case json
    /// Manifests, indexes and configs.
    case document
    /// What is recorded of a layer.
    case facts
    case reference
    /// WWW-Authenticate, Location and Content-Range.
    case header

    /// - Throws: `BrokenPromise`.
    package func check(_ bytes: [UInt8]) throws(BrokenPromise) {
        switch self {
        case .layer: try Layer.check(bytes)
        case .tar: try Tar.check(bytes)
        case .gzip: try Compression.check(bytes, .gzip)
        case .zstd: try Compression.check(bytes, .zstd)
        case .json: try Documents.json(bytes)
        case .document: try Documents.document(bytes)
        case .facts: try Documents.facts(bytes)
        case .reference: try Texts.reference(bytes)
        case .header: try Texts.header(bytes)
        }
    }
}

/// Something that must always hold does not.
package struct BrokenPromise: Error, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}

func promise(_ holds: Bool, _ what: @autoclosure () -> String) throws(BrokenPromise) {
    if !holds { throw BrokenPromise(what()) }
}
