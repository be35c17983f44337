// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A list of manifests, one a platform: an OCI index or a Docker manifest list. Source: image-spec image-index.md.
public struct ImageIndex: Codable, Sendable, Hashable {
    public var schemaVersion: Int
    public var mediaType: MediaType?
    public var manifests: [Descriptor]
    public var annotations: [String: String]?
    public var others = JSONOtherMembers()

    public init(manifests: [Descriptor], annotations: [String: String]? = nil) {
        schemaVersion = 2
        mediaType = .ociIndex
        self.manifests = manifests
        self.annotations = annotations
    }

    /// No entry can run here.
    public struct NoMatchingPlatform: Error, Sendable, Hashable, CustomStringConvertible {
        public let wanted: Platform
        public let offered: [Platform]
        private static let shown = 32
        public var description: String {
            let list = offered.prefix(Self.shown).map(\.description).joined(separator: ", ")
            let more = offered.count > Self.shown ? " and \(offered.count - Self.shown) more" : ""
            return "no image for \(wanted); there is \(list.isEmpty ? "none for any platform" : list + more)"
        }
    }

    /// The entry that suits the platform best: its own variant, else the nearest older one, the first among equals.
    /// Attestations and other artifacts are never chosen. An entry without a platform is chosen only where it is alone.
    public func choose(_ platform: Platform) throws(NoMatchingPlatform) -> Descriptor {
        let candidates = manifests.filter(Self.isImage)
        let ranked = candidates.compactMap { entry in entry.platform.flatMap { platform.distance(to: $0) }.map { (entry, $0) } }
        if let best = ranked.min(by: { $0.1 < $1.1 }) { return best.0 }
        if candidates.count == 1, let only = candidates.first, only.platform == nil { return only }
        var seen: Set<Platform> = []
        throw NoMatchingPlatform(wanted: platform, offered: candidates.compactMap(\.platform).filter { seen.insert($0).inserted })
    }

    private static func isImage(_ entry: Descriptor) -> Bool {
        guard entry.mediaType.isManifest || entry.mediaType.isIndex, entry.artifactType == nil else { return false }
        if entry.annotations?["vnd.docker.reference.type"] != nil { return false }
        return entry.platform?.os != "unknown" && entry.platform?.architecture != "unknown"
    }
}
