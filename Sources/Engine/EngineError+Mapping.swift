// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import Containers
internal import Images
internal import Layers
internal import Linux
internal import Metadata
internal import OCI
internal import Registry
internal import ShimProtocol
internal import Snapshots
internal import SystemPackage

// The modules' errors as the engine's: the one place where a case becomes a code.

extension EngineError {
    init(_ error: ContainerError) {
        let code: Code =
            switch error {
            case .notFound: .containerNotFound
            case .ambiguous, .invalidRequest: .invalidRequest
            case .nameInUse, .wrongState, .limitRefused, .execRefused, .stuckPath, .filesInUse: .conflict
            case .files(let failure): Self.code(failure.code)
            case .invalidImage: .invalidImage
            case .identities: .unsupported
            case .startFailed: .containerStartFailed
            case .execFailed: .execFailed
            case .snapshots(let error) where error.isOutOfSpace: .noSpace
            case .metadata(let error) where error.isOutOfSpace: .noSpace
            case .snapshots(.noSuchImage), .metadata(.containerLayersGone): .imageNotFound
            case .snapshots(.damagedLayer): .layerDamaged
            case .snapshots(.noProjectQuota): .unsupported
            case .metadata(.containerNameInUse): .conflict
            case .kernel(_, let error) where error.isOutOfSpace: .noSpace
            case .shim, .encoding, .snapshots, .metadata, .kernel: .internal
            }
        var exitCode: Int?
        if case .startFailed(_, _, _, let status, _) = error { exitCode = status }
        if case .execFailed(_, _, _, let status) = error { exitCode = status }
        self.init(code, error.description, remedy: error.remedy, exitCode: exitCode)
    }

    private static func code(_ code: FilesFailure.Code) -> Code {
        switch code {
        case .notFound: .pathNotFound
        case .notPossible, .readOnly: .conflict
        case .badArchive: .invalidRequest
        case .noSpace: .noSpace
        case .other: .internal
        }
    }

    /// Of what is asked of the store itself.
    init(_ error: SnapshotError) {
        let code: Code =
            switch error {
            case _ where error.isOutOfSpace: .noSpace
            case .noSuchImage: .imageNotFound
            default: .internal
            }
        self.init(code, error.description, remedy: error.remedy)
    }

    init(_ error: ImageError) {
        let code: Code =
            switch error {
            case .notFound: .imageNotFound
            case .noSuchLayer: .layerNotFound
            case .snapshots(.damagedLayer): .layerDamaged
            case .noSource: .unsupported
            case .ambiguous, .invalidReference: .invalidRequest
            case .tooManyLayers: .tooManyLayers
            case .document(_, .unsupported): .unsupported
            case .document, .archive: .invalidImage
            case .noMatchingPlatform: .noMatchingPlatform
            case .registry(let error): Self.code(error)
            case .layer(_, let error): Self.code(error)
            case _ where error.isOutOfSpace: .noSpace
            case .inUse, .pinned: .inUse
            case .cancelled: .cancelled
            case .snapshots, .content, .metadata, .kernel: .internal
            }
        self.init(code, error.description, remedy: error.remedy)
    }

    private static func code(_ error: RegistryError) -> Code {
        switch error {
        case .unauthorized: .registryUnauthorized
        case .notFound: .manifestUnknown
        case .wrongDigest: .digestMismatch
        case .tooLarge: .invalidImage
        case .refused, .unavailable, .badAnswer, .badRedirect: .registryUnavailable
        }
    }

    private static func code(_ error: LayerError) -> Code {
        switch error {
        case .source: .registryUnavailable
        case .wrongSize, .wrongDigest, .wrongDiffID: .digestMismatch
        case .wrongFormat, .compression, .tar, .entry: .invalidImage
        case .notEnoughBytes, .notEnoughInodes, .noSpace: .noSpace
        case .kernel(_, let kernel): kernel.isOutOfSpace ? .noSpace : .internal
        case .cancelled: .cancelled
        }
    }

    /// A root that can't be opened.
    init(opening error: any Error) {
        switch error {
        case let error as MetadataError: self.init(.internal, "\(error)", remedy: error.remedy)
        case let error as SnapshotError: self.init(.internal, "\(error)", remedy: error.remedy)
        default: self.init(.internal, "\(error)")
        }
    }
}
