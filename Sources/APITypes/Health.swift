// SPDX-License-Identifier: Apache-2.0

/// What is asked of a container's health, over what its image says: each member that is nil or 0 is the image's, else the default.
public struct HealthRequest: Codable, Sendable, Hashable {
    /// Docker's forms: `["NONE"]` for no check, `["CMD", word, …]`, `["CMD-SHELL", script]`.
    public var test: [String]?
    /// In place of a program: `http://:8080/ready` (a status from 200 to 399), `tcp://:5432` (it accepts). Without a host it is the container's loopback.
    public var probe: String?
    /// From the end of a probe to the next one; default: 30 s.
    public var intervalMilliseconds: Int64?
    /// What takes longer has failed; default: 30 s.
    public var timeoutMilliseconds: Int64?
    /// So long after the start failures don't count while it has not been healthy; default: 0.
    public var startPeriodMilliseconds: Int64?
    /// The interval during the start period; default: 5 s.
    public var startIntervalMilliseconds: Int64?
    /// So many failures in a row make it unhealthy; default: 3.
    public var retries: Int?
    /// nil is `none`.
    public var onFailure: HealthAction?

    public init(test: [String]? = nil, probe: String? = nil) {
        self.test = test
        self.probe = probe
    }
}

/// What is done when a container becomes unhealthy. `kill`: SIGKILL, as if it had died of it: a restart policy starts it again. `restart`: it is
/// stopped and started again, whatever the policy. `stop`: it is stopped and stays so.
public enum HealthAction: String, Codable, Sendable, Hashable, CaseIterable { case none, kill, restart, stop }

public enum HealthStatus: String, Codable, Sendable, Hashable, CaseIterable {
    /// It has not been healthy yet, and not failed often enough.
    case starting
    case healthy, unhealthy
}

/// The end of one probe.
public struct HealthResult: Codable, Sendable, Hashable {
    /// RFC 3339 with nanoseconds, UTC.
    public var startedAt: String
    public var finishedAt: String
    /// 0 is healthy; -1: it took too long. A program's is its own; of other probes 1.
    public var exitCode: Int
    /// At most 4096 bytes of it, and `...` where it was more.
    public var output: String
    public init(startedAt: String, finishedAt: String, exitCode: Int, output: String) {
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.exitCode = exitCode
        self.output = output
    }
}

/// Of a container with a check: since its last start.
public struct HealthDetail: Codable, Sendable, Hashable {
    public var status: HealthStatus
    /// Failures in a row.
    public var failingStreak: Int
    /// The last five, the eldest first.
    public var results: [HealthResult]
    /// What is done, nothing left open.
    public var check: HealthRequest
    public init(status: HealthStatus, failingStreak: Int, results: [HealthResult], check: HealthRequest) {
        self.status = status
        self.failingStreak = failingStreak
        self.results = results
        self.check = check
    }
}

/// `POST /v1/containers/{id}/healthcheck`: one probe, now; it counts as every other.
public struct HealthRunResponse: Codable, Sendable, Hashable {
    public var status: HealthStatus
    public var failingStreak: Int
    public var result: HealthResult
    public init(status: HealthStatus, failingStreak: Int, result: HealthResult) {
        self.status = status
        self.failingStreak = failingStreak
        self.result = result
    }
}
