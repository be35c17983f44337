// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client
internal import Linux
internal import ShimProtocol
internal import SystemPackage

struct Exec: ParsableCommand {
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
    @OptionGroup var streams: StreamOptions
    @OptionGroup var environment: EnvironmentOptions
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

    func validate() throws {
        guard detach || !json else {
            throw ValidationError(UsageError("--json needs --detach", remedy: "without it stdout is the process's"))
        }
        guard !command.isEmpty else { throw ValidationError(UsageError("no command", remedy: "write it after the container")) }
        guard !detach || !streams.interactive else {
            throw ValidationError(UsageError("--interactive and --detach", remedy: "nobody is there to write to stdin: leave one out"))
        }
    }

    func run() throws {
        let request = try request(.own)
        let made = try connection.client.request(
            .post, ["v1", "containers", container, "exec"], body: request, as: ExecResponse.self)
        if detach { return json ? try show(jsonLine: made) : show(made.id + "\n") }
        guard let socket = made.attachSocket else { throw Failure("the process has no socket to attach to") }
        let exit = try AttachSession(socket: FilePath(socket), stdin: streams.interactive, tty: streams.tty, exec: made.id).run()
        guard let exit else {
            throw Failure(
                "the process was lost from sight: the container's monitor is gone",
                remedy: "`ctr-swift inspect \(terminalSafe(container))` tells what is known")
        }
        throw ExitCode(exit.exitCode)
    }

    private func request(_ surroundings: RunFlags.Surroundings) throws(UsageError) -> ExecRequest {
        var request = ExecRequest(command: command.first == "--" ? Array(command.dropFirst()) : command)
        request.environment = try environment.entries(surroundings)
        request.workingDirectory = workdir
        request.user = user
        request.tty = streams.tty
        request.openStdin = streams.interactive
        request.detach = detach
        request.privileged = privileged
        if streams.tty, !detach, let size = try? WindowSize(of: isTerminal(0) ? 0 : 1) {
            request.terminalSize = TerminalSize(rows: size.rows, columns: size.columns)
        }
        return request
    }
}
