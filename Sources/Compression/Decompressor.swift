// SPDX-License-Identifier: Apache-2.0

/// How a layer's stored bytes are packed.
package enum CompressionFormat: String, Sendable, Hashable {
    case none, gzip, zstd

    /// Told by the first bytes: media types lie. Source: RFC 1952, RFC 8878 (frames and skippable frames).
    package static func detect(_ bytes: some Collection<UInt8>) -> CompressionFormat {
        let first = Array(bytes.prefix(4))
        if first.starts(with: [0x1F, 0x8B]) { return .gzip }
        if first == [0x28, 0xB5, 0x2F, 0xFD] { return .zstd }
        if first.count == 4, first[0] & 0xF0 == 0x50, first[1...] == [0x2A, 0x4D, 0x18] { return .zstd }
        return .none
    }
}

package enum CompressionError: Error, Sendable, Hashable, CustomStringConvertible {
    case corrupt(CompressionFormat, String)
    case truncated(CompressionFormat)
    case trailingBytes(CompressionFormat)
    case outOfMemory

    package var description: String {
        switch self {
        case .corrupt(let format, let what): "the \(format.rawValue) stream is corrupt: \(what)"
        case .truncated(let format): "the \(format.rawValue) stream ends early"
        case .trailingBytes(let format): "there are bytes behind the end of the \(format.rawValue) stream"
        case .outOfMemory: "no memory for the decompressor"
        }
    }
}

/// One format's unpacking. A class: both libraries keep their state in a C structure that must not move.
protocol Inflater: AnyObject {
    /// Takes from the front of `input` and fills `output`. - Returns: how many bytes came out.
    func step(_ input: inout UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer) throws(CompressionError) -> Int
    /// Nothing more has to come: the last member or frame has ended.
    var isWhole: Bool { get }
}

/// Unpacks a stream piece by piece: bytes are pushed in, and come out by a callback.
package struct Decompressor: ~Copyable {
    package let format: CompressionFormat
    private let inflater: (any Inflater)?
    private var buffer: [UInt8]

    /// - Throws: `CompressionError.outOfMemory`.
    package init(_ format: CompressionFormat) throws(CompressionError) {
        self.format = format
        buffer = [UInt8](repeating: 0, count: format == .none ? 0 : 1 << 18)
        switch format {
        case .none: inflater = nil
        case .gzip: inflater = GzipInflater()
        case .zstd: inflater = try ZstdInflater()
        }
    }

    /// - Parameters:
    ///   - wrap: makes the caller's error of this module's.
    ///   - body: called with what came out; throwing ends the work.
    package mutating func push<Failure: Error>(
        _ input: UnsafeRawBufferPointer, failing wrap: (CompressionError) -> Failure,
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        guard let inflater else { return try body(input) }
        var rest = input
        while true {
            let waiting = rest.count
            var span = buffer.mutableSpan
            let produced = try span.withUnsafeMutableBytes { output throws(Failure) in
                do throws(CompressionError) { return try inflater.step(&rest, output) } catch { throw wrap(error) }
            }
            if produced > 0 {
                try buffer.span.withUnsafeBytes { bytes throws(Failure) in try body(UnsafeRawBufferPointer(rebasing: bytes[..<produced])) }
            }
            // A full buffer may mean that more is waiting inside.
            if rest.isEmpty && produced < buffer.count { return }
            // The libraries promise that this does not happen; a stream that breaks the promise must not hold a thread for ever.
            if produced == 0 && rest.count == waiting { throw wrap(.corrupt(format, "it does not go on")) }
        }
    }

    /// The input is at its end. - Throws: `CompressionError.truncated`.
    package func finish() throws(CompressionError) {
        if let inflater, !inflater.isWhole { throw .truncated(format) }
    }
}
