// SPDX-License-Identifier: Apache-2.0

public import JSON

/// Docker's extension of the execution parameters: `Healthcheck`. Times are nanoseconds; 0 is as if it were not there.
/// Source: moby, `image/spec/specs-go/v1/image.go`.
public struct ImageHealthcheck: Codable, Sendable, Hashable {
    /// `["NONE"]`, `["CMD", word, …]` or `["CMD-SHELL", script]`; empty says nothing.
    public var test: [String]?
    public var interval: Int64?
    public var timeout: Int64?
    public var startPeriod: Int64?
    public var startInterval: Int64?
    public var retries: Int?

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case test = "Test"
        case interval = "Interval"
        case timeout = "Timeout"
        case startPeriod = "StartPeriod"
        case startInterval = "StartInterval"
        case retries = "Retries"
    }
}

extension ImageConfig.ContainerConfig {
    /// - Throws: `JSONError` where it is there and has another form.
    public func healthcheck() throws(JSONError) -> ImageHealthcheck? {
        guard let value = others.members["Healthcheck"], value != .null else { return nil }
        return try JSON.decode(ImageHealthcheck.self, from: value)
    }

    /// Docker's `Shell`, which the shell forms of its instructions are for: `["/bin/bash", "-c"]`.
    public func shell() throws(JSONError) -> [String]? {
        guard let value = others.members["Shell"], value != .null else { return nil }
        return try JSON.decode([String].self, from: value)
    }
}
