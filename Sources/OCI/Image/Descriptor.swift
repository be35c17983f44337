// SPDX-License-Identifier: Apache-2.0

public import JSON

/// What refers to a blob: type, digest and size. Source: image-spec descriptor.md.
public struct Descriptor: Codable, Sendable, Hashable {
    public var mediaType: MediaType
    public var digest: Digest
    /// Bytes; never negative.
    public var size: Int64
    public var urls: [String]?
    public var annotations: [String: String]?
    public var platform: Platform?
    public var artifactType: String?
    /// `data`, and what is not known here.
    public var others = JSONOtherMembers()

    public init(mediaType: MediaType, digest: Digest, size: Int64, annotations: [String: String]? = nil, platform: Platform? = nil) {
        precondition(size >= 0, "a size is not negative")
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        self.annotations = annotations
        self.platform = platform
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        mediaType = try values.decode(MediaType.self, forKey: .mediaType)
        digest = try values.decode(Digest.self, forKey: .digest)
        size = try values.decode(Int64.self, forKey: .size)
        urls = try values.decodeIfPresent([String].self, forKey: .urls)
        annotations = try values.decodeIfPresent([String: String].self, forKey: .annotations)
        platform = try values.decodeIfPresent(Platform.self, forKey: .platform)
        artifactType = try values.decodeIfPresent(String.self, forKey: .artifactType)
        others = try values.decode(JSONOtherMembers.self, forKey: .others)
        guard size >= 0 else {
            throw DecodingError.dataCorruptedError(forKey: .size, in: values, debugDescription: "a size of \(size) bytes")
        }
    }

    private enum CodingKeys: String, CodingKey { case mediaType, digest, size, urls, annotations, platform, artifactType, others }
}
