// SPDX-License-Identifier: Apache-2.0

internal import ContentStore
internal import Layers
internal import Linux
internal import OCI

/// Hands a layer's stored bytes on, and writes them into the content store on the way.
struct KeepingSource: LayerSource {
    let base: any LayerSource
    let writer: BlobWriter

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(LayerError) -> Int {
        let count = try base.read(into: buffer)
        do throws(ContentError) {
            if count > 0 { try writer.write(UnsafeRawBufferPointer(rebasing: buffer[..<count])) }
        } catch {
            switch error {
            case .sizeMismatch(_, let expected, let found): throw .wrongSize(expected: expected, got: found)
            case .kernel(let error): throw .kernel(entry: "the kept blob", error)
            default: throw .source("\(error)")
            }
        }
        return count
    }

    func cancel() { base.cancel() }
}
