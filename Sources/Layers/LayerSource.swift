// SPDX-License-Identifier: Apache-2.0

package import OCI

/// Where a layer's stored bytes come from: a registry's answer, a range of a file. Read by one thread, which may wait in it.
package protocol LayerSource: Sendable {
    /// Fills a part of the buffer. - Returns: how many bytes; 0 at the end.
    /// - Throws: what the reader of the layer is told (`LayerError.source`).
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(LayerError) -> Int
    /// The layer is not wanted any more: a waiting `read` ends soon, with an error.
    func cancel()
}

/// What a layer has to be.
package struct LayerExpectation: Sendable, Hashable {
    package var digest: Digest
    /// Bytes of the blob; nil where nobody said.
    package var size: Int64?
    package var diffID: DiffID
    /// nil where nobody said (`docker save`): the bytes decide.
    package var mediaType: MediaType?

    package init(digest: Digest, size: Int64?, diffID: DiffID, mediaType: MediaType?) {
        self.digest = digest
        self.size = size
        self.diffID = diffID
        self.mediaType = mediaType
    }
}

/// What extraction leaves free on its filesystem.
package struct ExtractionLimits: Sendable, Hashable {
    package var reserveBytes: UInt64
    package var reserveInodes: UInt64

    package init(reserveBytes: UInt64 = 0, reserveInodes: UInt64 = 0) {
        self.reserveBytes = reserveBytes
        self.reserveInodes = reserveInodes
    }
}
