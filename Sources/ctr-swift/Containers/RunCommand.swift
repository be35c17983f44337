// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client
internal import Glibc
internal import Linux
internal import ShimProtocol
internal import SystemPackage

struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", _superCommandName: CommandLineTool.name,
        abstract: "Create a container, start it, and stay with it until it ends.",
        usage: "ctr-swift run [<options>] <image> [<command> ...]",
        discussion: """
            Signals are passed on to its first process. The exit code is that process's own; 125: refused by ctr-swift; \
            126: the command can't be executed; 127: it was not found; 128+n: ended by signal n.
            """)

    @Flag(name: [.short, .long], help: "Don't stay: print the container's id.") var detach = false
    @Flag(name: .long, help: "With --detach: print JSON in place of the id.") var json = false
    @OptionGroup var options: RunOptions
    @OptionGroup var connection: Connection

    func validate() throws {
        guard detach || !json else {
            throw ValidationError(UsageError("--json needs --detach", remedy: "without it stdout is the container's"))
        }
    }

    func run() throws {
        var request = try options.flags(detached: detach).request(.own)
        if options.process.input.tty, !detach, let size = try? WindowSize(of: isTerminal(0) ? 0 : 1) {
            request.terminalSize = TerminalSize(rows: size.rows, columns: size.columns)
        }
        let client = connection.client
        let made = try create(client, request, options, start: true)
        if detach { return json ? try show(jsonLine: made) : show(made.id + "\n") }
        guard let socket = made.attachSocket else { throw Failure("container \(shortID(made.id)) has no socket to attach to") }
        let exit = try AttachSession(socket: FilePath(socket), stdin: options.process.input.interactive, tty: options.process.input.tty)
            .run()
        // With --rm the daemon has forgotten it when this answers, and the next command may use its name.
        let record = try? client.request(
            .post, ["v1", "containers", made.id, "wait"], query: [("condition", options.identity.rm ? "removed" : "stopped")],
            body: nil as String?, as: WaitResponse.self)
        guard let code = exit.map({ Int32($0.exitCode) }) ?? (record?.exit).map({ Int32(clamping: $0.exitCode) }) else {
            throw Failure(
                "container \(shortID(made.id)) was lost from sight", remedy: "`ctr-swift inspect \(made.name)` tells what is known")
        }
        throw ExitCode(code)
    }
}

struct Create: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", _superCommandName: CommandLineTool.name, abstract: "Create a container without starting it; print its id.",
        usage: "ctr-swift create [<options>] <image> [<command> ...]")

    @Flag(name: .long, help: "Print JSON in place of the id.") var json = false
    @OptionGroup var options: RunOptions
    @OptionGroup var connection: Connection

    func run() throws {
        let request = try options.flags(detached: true).request(.own)
        let made = try create(connection.client, request, options, start: false)
        if json { try show(jsonLine: made) } else { show(made.id + "\n") }
    }
}

/// Creates, and pulls first where the image is missing and may be pulled.
private func create(
    _ client: APIClient, _ request: CreateContainerRequest, _ options: RunOptions, start: Bool
) throws -> CreateContainerResponse {
    let file = try options.identity.cidfile.map(IDFile.init)
    let made: CreateContainerResponse
    do {
        made = try pullAndCreate(client, request, when: options.identity.pull, start: start)
    } catch {
        file?.remove()
        throw error
    }
    for warning in made.warnings { warn(warning) }
    do throws(KernelError) { try file?.write(made.id) } catch {
        file?.remove()
        warn("--cidfile: \(error): the container is \(made.id)")
    }
    return made
}

private func pullAndCreate(
    _ client: APIClient, _ request: CreateContainerRequest, when pull: String, start: Bool
) throws -> CreateContainerResponse {
    if pull == "always" { try Puller(client).pullBeforeRun(request) }
    do {
        return try createOnce(client, request, start: start)
    } catch {
        guard pull == "missing", error.problemCode == "image-not-found" else { throw error }
        try Puller(client).pullBeforeRun(request)
        return try createOnce(client, request, start: start)
    }
}

/// The file of `--cidfile`: it is there before anything is asked for, so that no container is made whose id can't be written.
private final class IDFile {
    private let path: FilePath
    private let file: OwnedFD

    init(_ path: String) throws {
        self.path = FilePath(path)
        do throws(KernelError) { file = try openFile(self.path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o644) } catch {
            guard error.errno == .fileExists else { throw Failure("--cidfile: \(error)", remedy: "name a file that can be made") }
            throw UsageError("--cidfile", path, "it exists", remedy: "remove it: the container that it names may still be there")
        }
    }

    func write(_ id: String) throws(KernelError) {
        try id.utf8Span.span.withUnsafeBytes { bytes throws(KernelError) in try writeAll(file, bytes, object: path.string) }
    }

    /// No container is named in it.
    func remove() { try? unlinkFile(path) }
}

private func createOnce(_ client: APIClient, _ request: CreateContainerRequest, start: Bool) throws(ClientError) -> CreateContainerResponse
{
    try client.request(
        .post, ["v1", "containers"], query: [("start", start ? "true" : "false")], body: request, as: CreateContainerResponse.self)
}
