// SPDX-License-Identifier: Apache-2.0

/// An error as it crosses the socket: RFC 9457 problem details with this project's members.
public struct Problem: Codable, Sendable, Hashable {
    /// A stable, documented name: `image-not-found`. `type` is `urn:ctr-swift:problem:` and this code.
    public var type: String
    /// The HTTP status, repeated.
    public var status: Int
    /// The code in words, the same for every occurrence.
    public var title: String
    /// One line: what was tried, on which object, what the kernel or the registry said.
    public var detail: String
    /// What the reader can do about it.
    public var remedy: String?
    public var code: String
    /// For `container-start-failed` and `exec-failed`: the exit code that `run` and `exec` give back (125, 126, 127).
    public var exitCode: Int?

    public init(status: Int, code: String, title: String, detail: String, remedy: String? = nil, exitCode: Int? = nil) {
        self.type = "urn:ctr-swift:problem:\(code)"
        self.status = status
        self.title = title
        self.detail = detail
        self.remedy = remedy
        self.code = code
        self.exitCode = exitCode
    }
}

/// The media types of the socket API.
public enum APIMediaType {
    public static let json = "application/json"
    public static let problem = "application/problem+json"
    public static let ndjson = "application/x-ndjson"
}
