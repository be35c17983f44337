// SPDX-License-Identifier: Apache-2.0

/// Who ended PID 1, as the shim knows it. The engine reads it as APITypes' `ExitCause`: the members are the same.
package struct ShimExitCause: Codable, Sendable, Hashable {
    package enum Kind: String, Codable, Sendable, Hashable {
        case itself, request, unhealthy
        case outOfMemory = "out-of-memory"
        case unknown
    }
    package var kind: Kind
    package var request: String?
    package var signal: Int32?
    package var sentAt: String?
    package init(kind: Kind, request: String? = nil, signal: Int32? = nil, sentAt: String? = nil) {
        self.kind = kind
        self.request = request
        self.signal = signal
        self.sentAt = sentAt
    }
}

/// What the kernel told of its kills for want of memory: APITypes' `OutOfMemoryRecord`.
package struct ShimMemoryEnd: Codable, Sendable, Hashable {
    package struct Victim: Codable, Sendable, Hashable {
        package var pid: Int32
        package var name: String
        package init(pid: Int32, name: String) {
            self.pid = pid
            self.name = name
        }
    }
    package var level: String?
    package var cgroup: String?
    package var victim: Victim?
    package var kills: Int
    package var limitInBytes: Int64?
    package var peakInBytes: Int64?
    package init(kills: Int) { self.kills = kills }
}
