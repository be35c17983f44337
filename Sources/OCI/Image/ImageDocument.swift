// SPDX-License-Identifier: Apache-2.0

public import JSON

/// Why a document of an image was refused.
public enum DocumentError: Error, Sendable, Hashable, CustomStringConvertible {
    case tooLarge(bytes: Int, limit: Int)
    case malformed(JSONError)
    /// It says two things at once, or something that can't be.
    case invalid(String)
    /// It is something else than an image that can be run.
    case unsupported(String)

    public var description: String {
        switch self {
        case .tooLarge(let bytes, let limit): "the document has \(bytes) bytes or more; \(limit) are allowed"
        case .malformed(let error): "the document can't be read: \(error)"
        case .invalid(let what), .unsupported(let what): what
        }
    }
}

/// A manifest or an index, told apart without guessing.
///
/// The same bytes must not be a manifest for one reader and an index for another (CVE-2021-41190): the document's own type, the
/// descriptor's and the Content-Type must agree, and fields of both kinds together are refused.
public enum ImageDocument: Sendable, Hashable {
    case index(ImageIndex)
    case manifest(ImageManifest)

    public static let sizeLimit = 4 << 20

    /// - Parameters:
    ///   - contentType: the header of the answer; nil where there is none (a layout on disk).
    ///   - descriptorMediaType: what the referring index says; nil for the first document.
    public static func parse(
        _ bytes: [UInt8], contentType: String? = nil, descriptorMediaType: MediaType? = nil
    ) throws(DocumentError) -> ImageDocument {
        guard bytes.count <= sizeLimit else { throw .tooLarge(bytes: bytes.count, limit: sizeLimit) }
        let value = try malformed { () throws(JSONError) in try JSON.parse(bytes) }
        guard case .object(let object) = value else { throw .invalid("the document is \(value.kind), not an object") }
        try refuseLookalikes(in: object)
        let type = try agreedType(object, contentType: contentType.map(MediaType.init(rawValue:)), descriptor: descriptorMediaType)
        guard object["schemaVersion"] == .number(JSONNumber(text: "2")) else { throw .unsupported("schemaVersion is not 2") }
        if type.isIndex {
            return .index(try malformed { () throws(JSONError) in try JSON.decode(ImageIndex.self, from: value) })
        }
        return .manifest(try malformed { () throws(JSONError) in try JSON.decode(ImageManifest.self, from: value) })
    }

    private static func refuseLookalikes(in object: JSONObject) throws(DocumentError) {
        try KnownNames.document.refuseLookalikes(in: .object(object))
        try KnownNames.descriptor.refuseLookalikes(in: object["config"])
        for entry in (object["layers"]?.arrayValue ?? []) + (object["manifests"]?.arrayValue ?? []) {
            try KnownNames.descriptor.refuseLookalikes(in: entry)
        }
    }

    private static func agreedType(_ object: JSONObject, contentType: MediaType?, descriptor: MediaType?) throws(DocumentError) -> MediaType
    {
        if let number = object["schemaVersion"], case .number(let version) = number, version.text == "1" {
            throw .unsupported("Docker manifest schema 1 is not supported: the image must be pushed again by a current tool")
        }
        let own = object["mediaType"]?.stringValue.map(MediaType.init(rawValue:))
        if object["mediaType"] != nil, own == nil { throw .invalid("mediaType is not a string") }
        let hasManifests = object["manifests"] != nil
        let hasLayers = object["layers"] != nil || object["config"] != nil || object["fsLayers"] != nil
        guard hasManifests != hasLayers else {
            throw .invalid(
                hasManifests ? "the document has fields of a manifest and of an index" : "the document is neither manifest nor index")
        }
        let shape: MediaType = hasManifests ? .ociIndex : .ociManifest
        for (source, type) in [("its mediaType", own), ("the Content-Type", contentType), ("its descriptor", descriptor)] {
            guard let type else { continue }
            if type.isSchema1 { throw .unsupported("Docker manifest schema 1 is not supported") }
            guard type.isIndex == shape.isIndex, type.isManifest == shape.isManifest else {
                throw .invalid("the document is \(shape.isIndex ? "an index" : "a manifest"), but \(source) says \(type)")
            }
        }
        if own?.rawValue.isEmpty == true { throw .invalid("mediaType is empty") }
        if let own, let contentType, own != contentType { throw .invalid("mediaType is \(own), the Content-Type \(contentType)") }
        if let own, let descriptor, own != descriptor { throw .invalid("mediaType is \(own), its descriptor says \(descriptor)") }
        return own ?? contentType ?? descriptor ?? shape
    }

    private static func malformed<Value>(_ body: () throws(JSONError) -> Value) throws(DocumentError) -> Value {
        do throws(JSONError) { return try body() } catch { throw .malformed(error) }
    }
}

extension ImageConfig {
    /// Parses a config of at most 4 MiB.
    public static func parse(_ bytes: [UInt8]) throws(DocumentError) -> ImageConfig {
        guard bytes.count <= ImageDocument.sizeLimit else { throw .tooLarge(bytes: bytes.count, limit: ImageDocument.sizeLimit) }
        let value: JSONValue
        let config: ImageConfig
        do throws(JSONError) {
            value = try JSON.parse(bytes)
            config = try JSON.decode(ImageConfig.self, from: value)
        } catch { throw .malformed(error) }
        try KnownNames.imageConfig.refuseLookalikes(in: value)
        try KnownNames.rootFS.refuseLookalikes(in: value["rootfs"])
        try KnownNames.containerConfig.refuseLookalikes(in: value["config"])
        return config
    }
}
