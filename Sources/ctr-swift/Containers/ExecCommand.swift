// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client
internal import Linux
internal import ShimProtocol
internal import SystemPackage

struct Exec: PassingCommand {
    static let configuration = CommandConfiguration(
        commandName: "exec", _superCommandName: CommandLineTool.name,
        abstract: "Run a further process in a running container, and stay until it ends.",
        usage: "ctr-swift exec [<options>] <container> <command> ...",
        discussion: """
            Signals are passed on to it. When this command is killed, the process and what it has started are, too. \
            The exit code is its own; 125: refused by ctr-swift; 126: the command can't be executed; 127: it was not found; \
            128+n: ended by signal n.
            """)

    @Flag(name: [.short, .long], help: "Don't stay: print the process's id. Its output is thrown away.") var detach = false
    @OptionGroup var input: InputOptions
    @Option(
        name: [.customShort("w", allowingJoined: true), .long],
        help: ArgumentHelp("Working directory, which must be there; default: the container's.", valueName: "path"))
    var workdir: String?
    @Option(
        name: [.customShort("u", allowingJoined: true), .long],
        help: ArgumentHelp("User and group by name or number; default: the container's.", valueName: "user[:group]"))
    var user: String?
    @Flag(name: .long, help: "With every capability that the node can give.") var privileged = false
    @Flag(name: .long, help: "With --detach: print JSON in place of the id.") var json = false
    @OptionGroup var connection: Connection

    @Argument(help: "Name or id.", completion: .containers) var container: String
    @Argument(
        parsing: .captureForPassthrough, help: ArgumentHelp("The command and its words.", valueName: "command"))
    var command: [String] = []

    var passedWords: [String] {
        get { command }
        set { command = newValue }
    }

    func validate() throws {
        guard detach || !json else {
            throw ValidationError(UsageError("--json needs --detach", remedy: "without it stdout is the process's"))
        }
        guard !ExecCall.program(command).isEmpty else {
            throw ValidationError(UsageError("no command", remedy: "write it after the container"))
        }
        guard !detach || !input.interactive else {
            throw ValidationError(UsageError("--interactive and --detach", remedy: "nobody is there to write to stdin: leave one out"))
        }
    }

    func run() throws {
        try ExecCall(container: container, request: try request(.own), client: connection.client, json: json).run()
    }

    private func request(_ surroundings: RunFlags.Surroundings) throws(UsageError) -> ExecRequest {
        var request = ExecRequest(command: ExecCall.program(command))
        request.environment = try input.entries(surroundings)
        request.workingDirectory = workdir
        request.user = user
        request.tty = input.tty
        request.openStdin = input.interactive
        request.detach = detach
        request.privileged = privileged
        if input.tty, !detach { request.terminalSize = .own }
        return request
    }
}

/// An `exec` that has been understood.
struct ExecCall {
    let container: String
    let request: ExecRequest
    let client: APIClient
    /// What is told of one that is not stayed with.
    let json: Bool

    static func program(_ words: some Collection<String>) -> [String] {
        words.first == "--" ? Array(words.dropFirst()) : Array(words)
    }

    func run() throws {
        let made = try client.request(.post, ["v1", "containers", container, "exec"], body: request, as: ExecResponse.self)
        if request.detach { return json ? try show(jsonLine: made) : show(made.id + "\n") }
        guard let socket = made.attachSocket else { throw Failure("the process has no socket to attach to") }
        let session = AttachSession(
            socket: FilePath(socket), stdin: request.openStdin, tty: request.tty, exec: made.id)
        guard let exit = try session.run() else {
            throw Failure(
                "the process was lost from sight: the container's monitor is gone",
                remedy: "`ctr-swift inspect \(terminalSafe(container))` tells what is known")
        }
        throw ExitCode(exit.exitCode)
    }
}

extension ExecCall {
    /// `exec NAME COMMAND ...`, as scripts and probes say it: without an option there is nothing to parse, which takes longer than all else here.
    /// - Parameter words: those behind `exec`.
    /// - Returns: nil where the parser is needed, be it to say what is wrong.
    init?(plain words: ArraySlice<String>) {
        guard let container = words.first, !container.hasPrefix("-") else { return nil }
        let command = Self.program(words.dropFirst())
        if command.isEmpty { return nil }
        self.init(container: container, request: ExecRequest(command: command), client: Connection.client(), json: false)
    }
}
