// SPDX-License-Identifier: Apache-2.0

internal import CZstd

/// Zstandard frames, one after the other; skippable ones are skipped. The window is bounded: a header can ask for 2 TiB.
final class ZstdInflater: Inflater {
    /// 128 MiB, what `zstd --ultra` needs without being asked for more.
    private static let largestWindowLog: Int32 = 27

    private let stream: OpaquePointer
    private var isBetweenFrames = true
    private var hasFrame = false

    init() throws(CompressionError) {
        guard let stream = ZSTD_createDStream() else { throw .outOfMemory }
        self.stream = stream
        guard ZSTD_isError(ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, Self.largestWindowLog)) == 0 else { throw .outOfMemory }
    }

    deinit { ZSTD_freeDStream(stream) }

    var isWhole: Bool { hasFrame && isBetweenFrames }

    func step(_ input: inout UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer) throws(CompressionError) -> Int {
        var from = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var to = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        while from.pos < from.size || !isBetweenFrames, to.pos < to.size {
            let before = (from.pos, to.pos)
            let hint = ZSTD_decompressStream(stream, &to, &from)
            if ZSTD_isError(hint) != 0 {
                let name = String(cString: ZSTD_getErrorName(hint))
                throw hasFrame && isBetweenFrames ? .trailingBytes(.zstd) : .corrupt(.zstd, name)
            }
            isBetweenFrames = hint == 0
            hasFrame = true
            if (from.pos, to.pos) == before { break }
        }
        input = UnsafeRawBufferPointer(rebasing: input[from.pos...])
        return to.pos
    }
}
