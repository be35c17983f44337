// SPDX-License-Identifier: Apache-2.0

internal import JSON
package import Layers
internal import Linux
package import Metadata
package import OCI

extension NewLayer {
    /// An extracted layer, with what its extraction found out.
    package init(ingest: Ingest, facts: LayerFacts) throws(SnapshotError) {
        let size = LayerSize(
            blobDigest: facts.digest, compressedBytes: facts.compressedSize, uncompressedBytes: facts.uncompressedSize,
            diskBytes: facts.diskBytes, inodes: facts.inodes)
        do throws(JSONError) {
            self.init(
                ingest: ingest, key: .layer(facts.diffID), size: size, facts: try JSON.encode(facts, .pretty), listing: facts.listing)
        } catch {
            throw .damagedFacts(path: ingest.directory, reason: "\(error)")
        }
    }

    /// A built fix-up: it is measured and listed here.
    package init(ingest: Ingest, fixup chainID: ChainID) throws(SnapshotError) {
        let usage = try kernelStep(.measure) { () throws(KernelError) in try treeUsage(ingest.filesystem) }
        let listing: ListingSummary
        do throws(LayerError) { listing = try LayerListing.write(of: ingest.filesystem, to: ingest.listing) } catch {
            throw .unlisted(path: ingest.filesystem, reason: error)
        }
        self.init(
            ingest: ingest, key: .fixup(chainID), size: LayerSize(diskBytes: usage.bytes, inodes: usage.inodes),
            facts: Array("{\"fixup\": \"\(chainID)\"}".utf8), listing: listing)
    }
}

extension SnapshotStore {
    /// What is known of a stored layer; not for fix-ups.
    /// - Throws: `SnapshotError.damagedFacts`, `.kernel`.
    package func facts(of layer: LayerRecord) throws(SnapshotError) -> LayerFacts {
        let bytes = try factsBytes(of: layer)
        do throws(JSONError) { return try JSON.decode(LayerFacts.self, from: bytes) } catch {
            throw .damagedFacts(path: directories.facts(layer.id), reason: "\(error)")
        }
    }
}
