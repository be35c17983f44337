// SPDX-License-Identifier: Apache-2.0

/// Whether a container that has ended is started again: Docker's policies.
public struct RestartPolicy: Codable, Sendable, Hashable {
    public enum Condition: String, Codable, Sendable, Hashable, CaseIterable {
        case no
        /// Where its exit code is not 0; at most `maximumRetries` times in a row.
        case onFailure = "on-failure"
        /// Until it is stopped; and again at the daemon's next start.
        case always
        /// Until it is stopped, also over the daemon's next start.
        case unlessStopped = "unless-stopped"
    }

    public var condition: Condition
    /// For `on-failure`; nil or 0 is no limit.
    public var maximumRetries: Int?

    public init(_ condition: Condition, maximumRetries: Int? = nil) {
        self.condition = condition
        self.maximumRetries = maximumRetries
    }
}

/// What a restart policy has done.
public struct RestartStatus: Codable, Sendable, Hashable {
    /// Starts by the policy since somebody last started it.
    public var count: Int
    /// When the next one is due.
    public var nextAt: String?
    public init(count: Int, nextAt: String? = nil) {
        self.count = count
        self.nextAt = nextAt
    }
}

/// `POST /v1/containers/{id}/rename`.
public struct RenameRequest: Codable, Sendable, Hashable {
    public var name: String
    public init(name: String) { self.name = name }
}
