// SPDX-License-Identifier: Apache-2.0

/// `POST /v1/containers/{id}/exec`: a further process in a running container. What is left out is the container's own.
public struct ExecRequest: Codable, Sendable, Hashable {
    public var command: [String]
    /// `NAME=value`, over the container's own.
    public var environment: [String]
    public var workingDirectory: String?
    /// `user`, `uid`, `user:group`, `uid:gid`, by the container's own /etc/passwd and /etc/group.
    public var user: String?
    public var tty: Bool
    /// The first size of the terminal.
    public var terminalSize: TerminalSize?
    /// Keep stdin open; otherwise it is /dev/null.
    public var openStdin: Bool
    /// No client attaches, and it goes on without one; its output is thrown away.
    public var detach: Bool
    /// All capabilities that the node can give. The seccomp filter and no_new_privs stay the container's.
    public var privileged: Bool

    public init(command: [String]) {
        self.command = command
        environment = []
        tty = false
        openStdin = false
        detach = false
        privileged = false
    }

    /// Members left out have the defaults of `init(command:)`.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(command: try values.decode([String].self, forKey: .command))
        environment = try values.decodeIfPresent([String].self, forKey: .environment) ?? environment
        workingDirectory = try values.decodeIfPresent(String.self, forKey: .workingDirectory)
        user = try values.decodeIfPresent(String.self, forKey: .user)
        tty = try values.decodeIfPresent(Bool.self, forKey: .tty) ?? tty
        terminalSize = try values.decodeIfPresent(TerminalSize.self, forKey: .terminalSize)
        openStdin = try values.decodeIfPresent(Bool.self, forKey: .openStdin) ?? openStdin
        detach = try values.decodeIfPresent(Bool.self, forKey: .detach) ?? detach
        privileged = try values.decodeIfPresent(Bool.self, forKey: .privileged) ?? privileged
    }

    private enum CodingKeys: String, CodingKey {
        case command, environment, workingDirectory, user, tty, terminalSize, openStdin, detach, privileged
    }
}

/// The program runs.
public struct ExecResponse: Codable, Sendable, Hashable {
    /// Of this process, among those of the container.
    public var id: String
    /// On the host.
    public var pid: Int32
    /// Where to attach within a minute, by the id (docs/api/attach.md); nil for one that is detached.
    public var attachSocket: String?
    public init(id: String, pid: Int32, attachSocket: String?) {
        self.id = id
        self.pid = pid
        self.attachSocket = attachSocket
    }
}

/// One further process of a container: those that run, and the last 32 that have ended since the container was started.
public struct ExecSummary: Codable, Sendable, Hashable {
    public var id: String
    public var command: [String]
    public var running: Bool
    /// While it runs.
    public var pid: Int32?
    public var startedAt: String
    /// Its end.
    public var exit: ExitRecord?
    public init(id: String, command: [String], running: Bool, pid: Int32?, startedAt: String, exit: ExitRecord?) {
        self.id = id
        self.command = command
        self.running = running
        self.pid = pid
        self.startedAt = startedAt
        self.exit = exit
    }
}
