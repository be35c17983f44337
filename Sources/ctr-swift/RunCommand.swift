// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client
internal import Glibc
internal import Linux
internal import ShimProtocol
internal import SystemPackage

struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Create a container, start it, and stay with it until it ends.")

    @OptionGroup var connection: Connection
    @Flag(name: [.short, .long], help: "Do not stay: print the container's id.") var detach = false
    @Option(name: .long, help: "Write the container's id to this file.") var cidfile: String?
    @OptionGroup var options: RunOptions

    func run() throws {
        var request = try options.request()
        request.attach = !detach
        request.log = try LogMode(chosen: options.log, foreground: !detach, autoRemove: options.rm)
        if options.tty, !detach, let size = try? WindowSize(of: 0) {
            request.terminalSize = TerminalSize(rows: size.rows, columns: size.columns)
        }
        let client = connection.client
        let made = try create(client, request, start: true, pull: options.pull)
        for warning in made.warnings { complain("warning: \(terminalSafe(warning))", nil) }
        if let cidfile { try replaceFile(FilePath(cidfile), with: Array(made.id.utf8), mode: 0o644) }
        if detach { return show(made.id + "\n") }
        let exit = try AttachSession(socket: FilePath(made.attachSocket ?? ""), stdin: options.interactive, tty: options.tty).run()
        // With --rm the daemon has forgotten it when this answers, and the next command may use its name.
        let record = try? client.request(
            .post, ["v1", "containers", made.id, "wait"], query: [("condition", options.rm ? "removed" : "stopped")], body: nil as String?,
            as: WaitResponse.self)
        throw ExitCode(exit?.exitCode ?? record.map { Int32(clamping: $0.exit.exitCode) } ?? 125)
    }
}

struct Create: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Create a container without starting it.")

    @OptionGroup var connection: Connection
    @OptionGroup var options: RunOptions

    func run() throws {
        var request = try options.request()
        request.log = try LogMode(chosen: options.log, foreground: false, autoRemove: options.rm)
        show(try create(connection.client, request, start: false, pull: options.pull).id + "\n")
    }
}

struct Start: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Start containers that were created or have ended.")

    @OptionGroup var connection: Connection
    @Argument var containers: [String]

    func run() throws {
        for id in containers {
            _ = try connection.client.request(
                .post, ["v1", "containers", id, "start"], body: nil as String?, as: CreateContainerResponse.self)
            show(id + "\n")
        }
    }
}

extension LogMode {
    /// Nobody can ask for the log of a container that is gone when it has ended: in the foreground with --rm none is kept.
    init(chosen: String?, foreground: Bool, autoRemove: Bool) throws {
        guard let chosen else {
            self = foreground && autoRemove ? .none : .file
            return
        }
        guard let mode = LogMode(rawValue: chosen) else { throw Refusal(message: "--log \(chosen)", remedy: "use file or none") }
        self = mode
    }
}

/// Creates, and pulls first where the image is missing and may be pulled.
private func create(_ client: APIClient, _ request: CreateContainerRequest, start: Bool, pull: String) throws -> CreateContainerResponse {
    guard ["missing", "always", "never"].contains(pull) else {
        throw Refusal(message: "--pull \(pull)", remedy: "use missing, always or never")
    }
    if pull == "always" { _ = try pullImage(client, request.image, platform: request.platform, quiet: false) }
    do {
        return try createOnce(client, request, start: start)
    } catch {
        guard pull == "missing", case .problem(let problem)? = error as? ClientError, problem.code == "image-not-found" else { throw error }
    }
    _ = try pullImage(client, request.image, platform: request.platform, quiet: false)
    return try createOnce(client, request, start: start)
}

private func createOnce(_ client: APIClient, _ request: CreateContainerRequest, start: Bool) throws -> CreateContainerResponse {
    try client.request(
        .post, ["v1", "containers"], query: [("start", start ? "true" : "false")], body: request, as: CreateContainerResponse.self)
}
