// SPDX-License-Identifier: Apache-2.0

/// Why the engine refused, as embedders and the socket API see it: a stable code, one line, and what to do.
public struct EngineError: Error, Sendable, Hashable {
    /// A documented name. More may be added; none changes its meaning. docs/api/openapi.yaml lists them.
    public struct Code: RawRepresentable, Sendable, Hashable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        public static let imageNotFound = Code(rawValue: "image-not-found")
        public static let containerNotFound = Code(rawValue: "container-not-found")
        public static let pathNotFound = Code(rawValue: "path-not-found")
        public static let layerNotFound = Code(rawValue: "layer-not-found")
        public static let layerDamaged = Code(rawValue: "layer-damaged")
        public static let conflict = Code(rawValue: "conflict")
        public static let invalidRequest = Code(rawValue: "invalid-request")
        public static let tooManyLayers = Code(rawValue: "too-many-layers")
        public static let noSpace = Code(rawValue: "no-space")
        public static let digestMismatch = Code(rawValue: "digest-mismatch")
        public static let registryUnauthorized = Code(rawValue: "registry-unauthorized")
        public static let registryUnavailable = Code(rawValue: "registry-unavailable")
        public static let manifestUnknown = Code(rawValue: "manifest-unknown")
        public static let noMatchingPlatform = Code(rawValue: "no-matching-platform")
        public static let invalidImage = Code(rawValue: "invalid-image")
        public static let unsupported = Code(rawValue: "unsupported")
        public static let containerStartFailed = Code(rawValue: "container-start-failed")
        public static let execFailed = Code(rawValue: "exec-failed")
        public static let inUse = Code(rawValue: "in-use")
        public static let cancelled = Code(rawValue: "cancelled")
        public static let `internal` = Code(rawValue: "internal")
    }

    public var code: Code
    /// One line: what was tried, on which object, what the kernel or the registry said.
    public var message: String
    public var remedy: String?
    /// For `containerStartFailed` and `execFailed`: 125, 126 or 127.
    public var exitCode: Int?

    public init(_ code: Code, _ message: String, remedy: String? = nil, exitCode: Int? = nil) {
        self.code = code
        self.message = message
        self.remedy = remedy
        self.exitCode = exitCode
    }
}

extension EngineError: CustomStringConvertible {
    public var description: String { message }
}
