// SPDX-License-Identifier: Apache-2.0

/// `POST /v1/containers`: what to run, in the terms of the command line.
public struct CreateContainerRequest: Codable, Sendable, Hashable {
    /// An image reference, or an image ID (`sha256:` and 64 digits, or an unambiguous prefix of 12 or more).
    public var image: String
    /// `os/architecture[/variant]`; nil is the node's own.
    public var platform: String?
    public var name: String?
    /// Replaces the image's Entrypoint *and* clears its Cmd; an empty array clears both. nil keeps both.
    public var entrypoint: [String]?
    /// Replaces the image's Cmd where not empty.
    public var arguments: [String]
    /// `NAME=value` replaces or adds; the image's variables come first.
    public var environment: [String]
    public var workingDirectory: String?
    /// `user`, `uid`, `user:group`, `uid:gid`; nil is the image's.
    public var user: String?
    public var hostname: String?
    public var labels: [String: String]
    public var tty: Bool
    /// The first size of the terminal, before the process starts.
    public var terminalSize: TerminalSize?
    /// Keep stdin open; otherwise it is /dev/null.
    public var openStdin: Bool
    /// A client will attach at once: output waits for it (at most ten seconds) instead of being drained.
    public var attach: Bool
    public var autoRemove: Bool
    /// nil is `no`; refused with `autoRemove`.
    public var restart: RestartPolicy?
    public var readOnlyRoot: Bool
    public var network: NetworkMode
    /// Run the runtime's own init as PID 1, which reaps and forwards signals.
    public var initProcess: Bool
    public var mounts: [MountRequest]
    public var resources: ResourceRequest
    /// nil: the default.
    public var isolation: IsolationRequest?
    /// setrlimit(2)'s, in place of the defaults of the same name.
    public var ulimits: [UlimitRequest]
    /// -1000 to 1000: how soon a process is killed when the machine is out of memory; nil is as the daemon's.
    public var outOfMemoryScore: Int?
    /// The size of /dev/shm; nil and 0 are 64 MiB.
    public var sharedMemoryInBytes: Int64?
    public var stopSignal: String?
    public var stopTimeoutSeconds: Int?
    /// nil: as the image says.
    public var health: HealthRequest?
    public var log: LogMode
    /// nil: all as the node has it.
    public var logOptions: LogOptions?
    public var upper: UpperMode?
    /// What the writable layer may take; nil or 0 is no limit. Refused where the root's filesystem has no project quota and `upper` is not `tmpfs`.
    public var upperSizeInBytes: Int64?
    public var upperInodes: Int64?

    public init(image: String) {
        self.image = image
        arguments = []
        environment = []
        labels = [:]
        tty = false
        openStdin = false
        attach = false
        autoRemove = false
        readOnlyRoot = false
        network = .none
        initProcess = false
        mounts = []
        resources = ResourceRequest()
        ulimits = []
        log = .file
    }

    /// Members left out of a request have the defaults of `init(image:)`; a member that is not known is refused by the server.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(image: try values.decode(String.self, forKey: .image))
        platform = try values.decodeIfPresent(String.self, forKey: .platform)
        name = try values.decodeIfPresent(String.self, forKey: .name)
        entrypoint = try values.decodeIfPresent([String].self, forKey: .entrypoint)
        arguments = try values.decodeIfPresent([String].self, forKey: .arguments) ?? arguments
        environment = try values.decodeIfPresent([String].self, forKey: .environment) ?? environment
        workingDirectory = try values.decodeIfPresent(String.self, forKey: .workingDirectory)
        user = try values.decodeIfPresent(String.self, forKey: .user)
        hostname = try values.decodeIfPresent(String.self, forKey: .hostname)
        labels = try values.decodeIfPresent([String: String].self, forKey: .labels) ?? labels
        tty = try values.decodeIfPresent(Bool.self, forKey: .tty) ?? tty
        terminalSize = try values.decodeIfPresent(TerminalSize.self, forKey: .terminalSize)
        openStdin = try values.decodeIfPresent(Bool.self, forKey: .openStdin) ?? openStdin
        attach = try values.decodeIfPresent(Bool.self, forKey: .attach) ?? attach
        autoRemove = try values.decodeIfPresent(Bool.self, forKey: .autoRemove) ?? autoRemove
        restart = try values.decodeIfPresent(RestartPolicy.self, forKey: .restart)
        readOnlyRoot = try values.decodeIfPresent(Bool.self, forKey: .readOnlyRoot) ?? readOnlyRoot
        network = try values.decodeIfPresent(NetworkMode.self, forKey: .network) ?? network
        initProcess = try values.decodeIfPresent(Bool.self, forKey: .initProcess) ?? initProcess
        mounts = try values.decodeIfPresent([MountRequest].self, forKey: .mounts) ?? mounts
        resources = try values.decodeIfPresent(ResourceRequest.self, forKey: .resources) ?? resources
        isolation = try values.decodeIfPresent(IsolationRequest.self, forKey: .isolation)
        ulimits = try values.decodeIfPresent([UlimitRequest].self, forKey: .ulimits) ?? ulimits
        outOfMemoryScore = try values.decodeIfPresent(Int.self, forKey: .outOfMemoryScore)
        sharedMemoryInBytes = try values.decodeIfPresent(Int64.self, forKey: .sharedMemoryInBytes)
        stopSignal = try values.decodeIfPresent(String.self, forKey: .stopSignal)
        stopTimeoutSeconds = try values.decodeIfPresent(Int.self, forKey: .stopTimeoutSeconds)
        health = try values.decodeIfPresent(HealthRequest.self, forKey: .health)
        log = try values.decodeIfPresent(LogMode.self, forKey: .log) ?? log
        logOptions = try values.decodeIfPresent(LogOptions.self, forKey: .logOptions)
        upper = try values.decodeIfPresent(UpperMode.self, forKey: .upper)
        upperSizeInBytes = try values.decodeIfPresent(Int64.self, forKey: .upperSizeInBytes)
        upperInodes = try values.decodeIfPresent(Int64.self, forKey: .upperInodes)
    }

    /// Every member's name, for the server's refusal of others.
    public static let memberNames: Set<String> = Set(CodingKeys.allCases.map(\.stringValue))

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case image, platform, name, entrypoint, arguments, environment, workingDirectory, user, hostname, labels, tty, terminalSize
        case openStdin, attach, autoRemove, restart, readOnlyRoot, network, initProcess, mounts, resources, isolation, stopSignal,
            stopTimeoutSeconds, health, log, logOptions, upper, upperSizeInBytes, upperInodes, ulimits, outOfMemoryScore,
            sharedMemoryInBytes
    }
}

/// `none` is a network namespace of its own with loopback up; `host` is the host's; `container:NAME` another container's, which has to run whenever
/// this one starts.
public enum NetworkMode: RawRepresentable, Codable, Sendable, Hashable {
    case none, host
    /// By name or id, looked up at each start.
    case container(String)

    public init?(rawValue: String) {
        switch NamespaceChoice(rawValue: rawValue) {
        case .host: self = .host
        case .container(let name): self = .container(name)
        default:
            guard rawValue == "none" else { return nil }
            self = .none
        }
    }

    public var rawValue: String {
        switch self {
        case .none: "none"
        case .host: "host"
        case .container(let name): "container:\(name)"
        }
    }

    public init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        let text = try value.decode(String.self)
        guard let known = Self(rawValue: text) else {
            throw DecodingError.dataCorruptedError(in: value, debugDescription: "\"\(text)\" is none of none, host and container:NAME")
        }
        self = known
    }

    /// Whose it is, where it is another container's.
    public var container: String? { if case .container(let name) = self { name } else { nil } }
}

/// `file`: JSON lines on disk, for `logs`. `none`: output goes to the attached client only.
public enum LogMode: String, Codable, Sendable, Hashable, CaseIterable { case file, none }

/// How the writable layer meets a crash of the machine. `volatile`: never synced (the default with `autoRemove`);
/// `synced`: as the kernel does by itself; `tmpfs`: in memory.
public enum UpperMode: String, Codable, Sendable, Hashable, CaseIterable { case synced, volatile, tmpfs }

public struct TerminalSize: Codable, Sendable, Hashable {
    public var rows: UInt16
    public var columns: UInt16
    public init(rows: UInt16, columns: UInt16) {
        self.rows = rows
        self.columns = columns
    }
}

public struct MountRequest: Codable, Sendable, Hashable {
    public enum Kind: String, Codable, Sendable, Hashable { case bind, tmpfs, image }
    public var type: Kind
    /// An absolute host path for `bind`; nil for `tmpfs`; for `image` one that is on the node, by a reference or an id: it is mounted read-only.
    public var source: String?
    /// An absolute path in the container; made where it is missing.
    public var target: String
    public var readOnly: Bool
    /// `bind`: `rprivate` (default), `rslave`, `rshared`, `nosuid`, `nodev`, `noexec`; with a user namespace `idmap`, `noidmap`. `tmpfs`: `size=64m`, `mode=1777`, `uid=`, `gid=`, `exec`, …
    public var options: [String]
    /// For `image`: what of it is mounted, a path below its root; nil is all.
    public var subpath: String?
    public init(type: Kind, source: String? = nil, target: String, readOnly: Bool = false, options: [String] = []) {
        self.type = type
        self.source = source
        self.target = target
        self.readOnly = readOnly
        self.options = options
    }
}

public enum ContainerState: String, Codable, Sendable, Hashable, CaseIterable {
    case created, running, paused, stopping, stopped
    /// It has ended, and its restart policy starts it again in a moment.
    case restarting
    case removing

    /// Whether there are processes of it.
    public var isLive: Bool { self == .running || self == .paused || self == .stopping }
}

/// How PID 1 ended.
public struct ExitRecord: Codable, Sendable, Hashable {
    /// What `run` gives back: the process's own code, or 128+n for signal n.
    public var exitCode: Int
    public var signal: Int?
    public var outOfMemory: Bool
    /// RFC 3339 with nanoseconds, UTC.
    public var startedAt: String
    public var finishedAt: String
    /// Set where the end was not seen: "the shim was killed".
    public var note: String?
    public var cause: ExitCause?
    /// Where the kernel killed a process of the container for want of memory.
    public var memory: OutOfMemoryRecord?
    /// Of the run's start; left out in lists.
    public var timings: [StepTiming]?
    /// With a non-blocking log: how many records it could not take.
    public var droppedLogRecords: Int?
    public init(exitCode: Int, signal: Int? = nil, outOfMemory: Bool = false, startedAt: String, finishedAt: String, note: String? = nil) {
        self.exitCode = exitCode
        self.signal = signal
        self.outOfMemory = outOfMemory
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.note = note
    }

    /// As lists tell it.
    public var withoutTimings: ExitRecord {
        var record = self
        record.timings = nil
        return record
    }
}

/// One named step of a start and how long it took.
public struct StepTiming: Codable, Sendable, Hashable {
    public var step: String
    public var microseconds: Int64
    public init(step: String, microseconds: Int64) {
        self.step = step
        self.microseconds = microseconds
    }
}

/// `POST /v1/containers`.
public struct CreateContainerResponse: Codable, Sendable, Hashable {
    public var id: String
    public var name: String
    /// Set with `?start=true`.
    public var pid: Int32?
    /// Where to attach (docs/api/attach.md). Set with `?start=true`.
    public var attachSocket: String?
    public var warnings: [String]
    public init(id: String, name: String, pid: Int32? = nil, attachSocket: String? = nil, warnings: [String] = []) {
        self.id = id
        self.name = name
        self.pid = pid
        self.attachSocket = attachSocket
        self.warnings = warnings
    }
}

/// `GET /v1/containers`: one row of `ps`.
public struct ContainerSummary: Codable, Sendable, Hashable {
    public var id: String
    public var name: String
    /// As the user wrote it.
    public var image: String
    public var imageDigest: String
    public var command: [String]
    public var state: ContainerState
    public var pid: Int32?
    public var createdAt: String
    public var exit: ExitRecord?
    public var labels: [String: String]
    /// Where it has a restart policy, or is restarted when it is unhealthy.
    public var restarts: RestartStatus?
    /// Of one that runs, and has a health check.
    public var health: HealthStatus?
    public init(
        id: String, name: String, image: String, imageDigest: String, command: [String], state: ContainerState, pid: Int32?,
        createdAt: String, exit: ExitRecord?, labels: [String: String], restarts: RestartStatus? = nil, health: HealthStatus? = nil
    ) {
        self.id = id
        self.name = name
        self.image = image
        self.imageDigest = imageDigest
        self.command = command
        self.state = state
        self.pid = pid
        self.createdAt = createdAt
        self.exit = exit
        self.labels = labels
        self.restarts = restarts
        self.health = health
    }
}

/// `GET /v1/containers/{id}`: everything known of one container.
public struct ContainerDetail: Codable, Sendable, Hashable {
    public struct Mount: Codable, Sendable, Hashable {
        public var type: String
        public var source: String
        public var target: String
        public var options: [String]
        public init(type: String, source: String, target: String, options: [String]) {
            self.type = type
            self.source = source
            self.target = target
            self.options = options
        }
    }
    public var summary: ContainerSummary
    /// Index or manifest digest that the reference was resolved to, then the chosen manifest.
    public var resolvedDigest: String
    public var manifestDigest: String
    public var request: CreateContainerRequest
    public var mounts: [Mount]
    public var bundle: String
    public var upperDirectory: String?
    /// From the uppermost down: the diff IDs that are mounted, each once.
    public var lowerDiffIDs: [String]
    public var cgroup: String
    /// Of one with a user namespace of its own.
    public var identityMaps: IdentityMaps?
    public var logPath: String?
    public var attachSocket: String?
    public var startedAt: String?
    public var timings: [StepTiming]
    public var execs: [ExecSummary]
    /// What should be known of the last start.
    public var warnings: [String]
    /// Where it has a check.
    public var health: HealthDetail?
    public init(
        summary: ContainerSummary, resolvedDigest: String, manifestDigest: String, request: CreateContainerRequest, mounts: [Mount],
        bundle: String, upperDirectory: String?, lowerDiffIDs: [String], cgroup: String, logPath: String?, attachSocket: String?,
        startedAt: String?, timings: [StepTiming], execs: [ExecSummary] = [], warnings: [String] = [], health: HealthDetail? = nil
    ) {
        self.summary = summary
        self.resolvedDigest = resolvedDigest
        self.manifestDigest = manifestDigest
        self.request = request
        self.mounts = mounts
        self.bundle = bundle
        self.upperDirectory = upperDirectory
        self.lowerDiffIDs = lowerDiffIDs
        self.cgroup = cgroup
        self.logPath = logPath
        self.attachSocket = attachSocket
        self.startedAt = startedAt
        self.timings = timings
        self.execs = execs
        self.warnings = warnings
        self.health = health
    }
}

/// `POST /v1/containers/{id}/stop`, and `/restart`.
public struct StopRequest: Codable, Sendable, Hashable {
    /// nil: the container's own, else 10. 0 is SIGKILL at once; -1 waits without end.
    public var timeoutSeconds: Int?
    /// Wait the whole time also where PID 1 can't hear the signal.
    public var waitFull: Bool?
    public init(timeoutSeconds: Int? = nil, waitFull: Bool? = nil) {
        self.timeoutSeconds = timeoutSeconds
        self.waitFull = waitFull
    }
}

/// `POST /v1/containers/{id}/kill`.
public struct KillRequest: Codable, Sendable, Hashable {
    /// `SIGTERM`, `TERM` or `15`; nil is KILL.
    public var signal: String?
    public init(signal: String? = nil) { self.signal = signal }
}

/// `POST /v1/containers/{id}/wait?condition=stopped|removed|healthy`.
public struct WaitResponse: Codable, Sendable, Hashable {
    /// For `stopped` and `removed`.
    public var exit: ExitRecord?
    /// For `healthy`.
    public var health: HealthStatus?
    public init(exit: ExitRecord) { self.exit = exit }
    public init(health: HealthStatus) { self.health = health }
}

/// One line of a container's log, as it is kept on disk and streamed by `GET /v1/containers/{id}/logs`.
/// A line longer than 16 KiB is several records, all but the last with `partial`.
public struct LogRecord: Codable, Sendable, Hashable {
    public enum Stream: String, Codable, Sendable, Hashable { case stdout, stderr }
    /// RFC 3339 with nanoseconds, UTC.
    public var time: String
    public var stream: Stream
    /// The bytes without the line feed, as UTF-8 where they are; else `base64` holds them.
    public var text: String?
    public var base64: String?
    public var partial: Bool?
    public init(time: String, stream: Stream, text: String?, base64: String? = nil, partial: Bool? = nil) {
        self.time = time
        self.stream = stream
        self.text = text
        self.base64 = base64
        self.partial = partial
    }
}
