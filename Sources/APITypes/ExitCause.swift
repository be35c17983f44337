// SPDX-License-Identifier: Apache-2.0

/// Who ended a container, as far as it is known.
public struct ExitCause: Codable, Sendable, Hashable {
    public enum Kind: String, Codable, Sendable, Hashable, CaseIterable {
        /// PID 1 came to its end.
        case itself
        /// Somebody asked the daemon, or is attached: `request` says by what.
        case request
        /// The kernel's OOM killer took PID 1: see `memory`.
        case outOfMemory = "out-of-memory"
        /// It was unhealthy, and `--health-on-failure` says what is done then: `request` says which.
        case unhealthy
        /// A signal that nobody asked the daemon for, or an end that was not seen.
        case unknown
    }

    public var kind: Kind
    /// `stop`, `kill`, `restart`, `rm`, `attach`; of `unhealthy`: `kill`, `restart`, `stop`.
    public var request: String?
    /// The signal that was sent for it; what PID 1 made of it is the exit code's to tell.
    public var signal: Int?
    public var sentAt: String?

    public init(kind: Kind, request: String? = nil, signal: Int? = nil, sentAt: String? = nil) {
        self.kind = kind
        self.request = request
        self.signal = signal
        self.sentAt = sentAt
    }
}

/// What is known where the kernel killed for want of memory in a container.
public struct OutOfMemoryRecord: Codable, Sendable, Hashable {
    /// Whose limit was met: the `container`'s, that of a group `below` it or `above` it, or none: the `machine` had no more.
    /// nil where the kernel log does not tell.
    public enum Level: String, Codable, Sendable, Hashable, CaseIterable { case container, below, above, machine }

    public struct Victim: Codable, Sendable, Hashable {
        /// On the host.
        public var pid: Int32
        public var name: String
        public init(pid: Int32, name: String) {
            self.pid = pid
            self.name = name
        }
    }

    public var level: Level?
    /// Whose limit it was, as the kernel names it.
    public var cgroup: String?
    /// The last one.
    public var victim: Victim?
    public var kills: Int
    /// Of the container.
    public var limitInBytes: Int64?
    public var peakInBytes: Int64?

    public init(
        level: Level? = nil, cgroup: String? = nil, victim: Victim? = nil, kills: Int, limitInBytes: Int64? = nil, peakInBytes: Int64? = nil
    ) {
        self.level = level
        self.cgroup = cgroup
        self.victim = victim
        self.kills = kills
        self.limitInBytes = limitInBytes
        self.peakInBytes = peakInBytes
    }
}

/// `POST /v1/containers/{id}/stop`: how it ended, and whether it could hear the signal.
public struct StopResponse: Codable, Sendable, Hashable {
    public var exit: ExitRecord
    public var unheard: UnheardSignal?
    public init(exit: ExitRecord, unheard: UnheardSignal? = nil) {
        self.exit = exit
        self.unheard = unheard
    }

    /// For people, where the signal was not heard. With `waitFull` it may end by itself all the same.
    package var warning: String? {
        unheard.map { "\($0.message): it \(exit.signal == 9 ? "was killed" : "has ended by itself")" }
    }
}

/// The stop signal would have done nothing: PID 1 was killed at once (or, with `waitFull`, when the time was up).
public struct UnheardSignal: Codable, Sendable, Hashable {
    public enum Reason: String, Codable, Sendable, Hashable, CaseIterable {
        case ignored
        /// It is not caught, and the default action is not taken on a PID 1.
        case defaultOfInit = "default-of-pid-1"
    }
    public var signal: Int
    public var reason: Reason
    /// For people.
    public var message: String
    public init(signal: Int, reason: Reason, message: String) {
        self.signal = signal
        self.reason = reason
        self.message = message
    }
}
