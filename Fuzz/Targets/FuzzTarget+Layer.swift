// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Layers
internal import Linux
internal import OCI
internal import SystemPackage

internal import struct Crypto.SHA256

extension FuzzTarget {
    enum Layer {
        private static let mostLayers = 3

        /// Whether it is taken or refused, nothing outside a layer's directory changes; of what is taken, overlayfs is told exactly what
        /// the facts say. The stack is assembled, too.
        static func check(_ bytes: [UInt8]) throws(BrokenPromise) {
            let archives = TarBytes.split(bytes, most: mostLayers).map(TarBytes.withRightChecksums)
            let ground = try Ground()
            do throws(BrokenPromise) {
                try extract(archives, on: ground)
            } catch {
                try ground.remove()
                throw error
            }
            try ground.remove()
        }

        private static func extract(_ archives: [[UInt8]], on ground: Ground) throws(BrokenPromise) {
            var stack: [StackedLayer] = []
            for archive in archives {
                let directory = try ground.makeDirectory("layer\(stack.count)")
                let facts = try extract(archive, into: directory)
                try ground.expectUntouched()
                guard let facts else { return }
                try Marks(of: directory).expect(facts)
                stack.append(StackedLayer(facts: facts, directory: directory))
            }
            let fixup = try ground.makeDirectory("layer\(stack.count)")
            let isNeeded: Bool?
            do throws(LayerError) { isNeeded = try FixupBuilder.build(stack: stack, into: fixup) } catch {
                if case .kernel(let entry, let error) = error { throw BrokenPromise("fix-up: \(entry): \(error)") }
                isNeeded = nil
            }
            if isNeeded == false { try promise(try Marks(of: fixup).isEmpty, "a fix-up that isn't needed, and yet is something") }
            try ground.expectUntouched()
        }

        /// nil where it is refused.
        private static func extract(_ archive: [UInt8], into directory: FilePath) throws(BrokenPromise) -> LayerFacts? {
            let digest = Digest(sha256: SHA256.hash(data: archive))
            do throws(LayerError) {
                return try LayerExtractor.extract(
                    from: ArchiveSource(archive),
                    expecting: LayerExpectation(digest: digest, size: Int64(archive.count), diffID: DiffID(digest), mediaType: nil),
                    into: directory)
            } catch {
                switch error {
                case .wrongSize, .wrongDigest, .wrongDiffID: throw BrokenPromise("\(error)")
                default: return nil
                }
            }
        }
    }
}
