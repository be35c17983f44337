// SPDX-License-Identifier: Apache-2.0

public import APITypes
internal import Containers
internal import Images
internal import Layers
internal import Metadata
internal import OCI

extension NodeRuntime {
    /// What an image's layers carry that its tree does not show. The first question reads all names and sizes of the layers, later ones the
    /// answer to it.
    public func imageEfficiency(_ reference: String) async throws(EngineError) -> ImageEfficiency {
        let (image, waste) = try await waste(reference)
        return ImageEfficiency(
            manifestDigest: image.manifestDigest.description, score: waste.score, contentBytes: waste.bytes, wastedBytes: waste.wastedBytes,
            overwrittenFiles: waste.overwrittenFiles, deletedFiles: waste.deletedFiles, wastedPaths: waste.wastedPaths,
            paths: waste.worst.map {
                ImageEfficiency.Path(
                    path: Self.text($0.path), timesWritten: $0.timesWritten, wastedBytes: $0.wastedBytes, deleted: $0.isDeleted)
            })
    }

    /// An image's layers with the commands that made them.
    public func imageTree(_ reference: String) async throws(EngineError) -> ImageTree {
        let (image, waste) = try await waste(reference)
        return try await imageWork { service throws(ImageError) in
            var (history, steps) = (ImageTree.History.known, [ImageConfig.History]())
            switch try service.config(of: image).layerSteps {
            case .known(let known): steps = known
            case .missing: history = .missing
            case .mismatched: history = .mismatched
            }
            let layers = try image.layers.enumerated().map { place, layer throws(ImageError) in
                try Self.row(
                    layer, steps.count == image.layers.count ? steps[place] : nil,
                    waste.layers.count == image.layers.count ? waste.layers[place] : nil, service)
            }
            return ImageTree(
                manifestDigest: image.manifestDigest.description, history: history, layers: layers,
                fixupSizeInBytes: try service.fixupSize(of: image)?.diskBytes)
        }
    }

    private static func row(
        _ layer: ImageRecord.Layer, _ step: ImageConfig.History?, _ counted: StackWaste.Layer?, _ service: ImageService
    ) throws(ImageError) -> ImageTree.Layer {
        let size = try service.layerSize(layer.diffID)
        return ImageTree.Layer(
            diffID: layer.diffID.description, digest: layer.blobDigest?.description, createdBy: step?.createdBy, comment: step?.comment,
            createdAt: step?.created, compressedSizeInBytes: layer.compressedBytes, sizeInBytes: size?.diskBytes ?? 0,
            inodes: size?.inodes ?? 0, contentBytes: counted?.bytes ?? 0, wastedBytes: counted?.wastedBytes ?? 0, repeated: counted == nil)
    }

    private func waste(_ reference: String) async throws(EngineError) -> (image: ImageRecord, waste: StackWaste) {
        let image = try await imageWork { service throws(ImageError) in try service.find(reference, platform: nil).image }
        do throws(ImageError) { return (image, try await imageService.waste(of: image)) } catch { throw EngineError(error) }
    }

    /// UTF-8 as it is; of other names each byte that is not ASCII as digits.
    private static func text(_ path: LayerPath) -> String {
        let bytes = path.bytes
        if let text = String(validating: bytes, as: UTF8.self) { return "/" + text }
        return "/" + bytes.map { $0 < 0x80 ? String(UnicodeScalar($0)) : "\\x" + String($0, radix: 16) }.joined()
    }
}
