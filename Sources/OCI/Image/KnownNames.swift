// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// Names that a type of the image-spec gives a meaning to, and the refusal of names that only look like them.
///
/// Go's decoder, and so most other tools, take "Layers" for "layers", and even "layerſ"; this project does not. A document with one
/// of these would be two documents under one digest, so it is refused.
struct KnownNames: Sendable {
    private let exact: Set<String>
    private let folded: [String: String]

    init(_ names: [String]) {
        exact = Set(names)
        folded = Dictionary(names.map { (Self.fold($0), $0) }, uniquingKeysWith: { first, _ in first })
    }

    static let document = KnownNames([
        "schemaVersion", "mediaType", "artifactType", "config", "layers", "manifests", "blobs", "subject", "annotations", "fsLayers",
    ])
    static let descriptor = KnownNames(["mediaType", "digest", "size", "urls", "annotations", "data", "artifactType", "platform"])
    static let imageConfig = KnownNames(["os", "architecture", "variant", "config", "rootfs", "history"])
    static let rootFS = KnownNames(["type", "diff_ids"])
    static let containerConfig = KnownNames([
        "User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels", "StopSignal",
    ])

    /// - Parameter value: checked where it is an object; its type is for the decoder to judge.
    func refuseLookalikes(in value: JSONValue?) throws(DocumentError) {
        for name in value?.objectValue?.keys ?? [] where !exact.contains(name) {
            guard let meant = folded[Self.fold(name)] else { continue }
            throw .invalid("the member \"\(printable(name))\" is not \"\(meant)\", but some readers take it for that")
        }
    }

    /// Go's folding: case, and the two letters outside ASCII whose cases are inside.
    private static func fold(_ name: String) -> String {
        var folded = ""
        for scalar in name.unicodeScalars {
            switch scalar {
            case "A"..."Z": folded.unicodeScalars.append(Unicode.Scalar(UInt8(scalar.value) | 0x20))
            case "\u{17f}": folded.unicodeScalars.append("s")
            case "\u{212a}": folded.unicodeScalars.append("k")
            default: folded.unicodeScalars.append(scalar)
            }
        }
        return folded
    }
}
