// SPDX-License-Identifier: Apache-2.0

internal import Compression

extension FuzzTarget {
    enum Compression {
        private enum Stop: Error, Equatable {
            case corrupt(CompressionError)
            /// Enough came out: a bomb is another test's matter.
            case enough
        }

        private struct Outcome: Equatable {
            var bytes: [UInt8] = []
            var stop: Stop?
        }

        private static let limit = 1 << 20

        /// The pieces in which a stream comes make no difference to what comes out, or to whether it is taken.
        static func check(_ bytes: [UInt8], _ format: CompressionFormat) throws(BrokenPromise) {
            let whole = unpack(bytes, format, piece: .max)
            let inPieces = unpack(bytes, format, piece: 3)
            // ISA-L 2.30 computes a header's own checksum (FHCRC, which hardly anyone writes) over the last piece of the header only.
            let hasHeaderChecksum = format == .gzip && bytes.count > 3 && bytes[3] & 2 != 0
            if hasHeaderChecksum && whole.stop != inPieces.stop { return }
            // libzstd 1.5 checks the promised size of a frame that ends in an empty block only where it sees the frame at once.
            if format == .zstd && whole.stop != nil { return }
            try promise(
                (whole.stop == nil) == (inPieces.stop == nil),
                "whole: \(String(describing: whole.stop)), in pieces: \(String(describing: inPieces.stop))")
            if whole.stop == nil { try promise(whole.bytes == inPieces.bytes, "other bytes in pieces") }
        }

        private static func unpack(_ bytes: [UInt8], _ format: CompressionFormat, piece: Int) -> Outcome {
            var outcome = Outcome()
            do throws(Stop) {
                var decompressor: Decompressor
                do throws(CompressionError) { decompressor = try Decompressor(format) } catch { throw .corrupt(error) }
                var place = 0
                while place < bytes.count {
                    let part = Array(bytes[place..<(place + min(piece, bytes.count - place))])
                    place += part.count
                    try part.span.withUnsafeBytes { input throws(Stop) in
                        try decompressor.push(input, failing: Stop.corrupt) { output throws(Stop) in
                            outcome.bytes += output
                            if outcome.bytes.count > limit { throw .enough }
                        }
                    }
                }
                do throws(CompressionError) { try decompressor.finish() } catch { throw .corrupt(error) }
            } catch {
                outcome.stop = error
            }
            return outcome
        }
    }
}
