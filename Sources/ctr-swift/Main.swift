// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client
internal import Glibc
internal import SystemPackage

/// The command line: it parses, asks the daemon, prints, and ends with the exit codes of docs/cli.md.
@main
struct CommandLineTool: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ctr-swift", abstract: "Run containers from OCI images.", version: clientVersion,
        subcommands: [
            Run.self, Create.self, Start.self, List.self, Inspect.self, Logs.self, Stop.self, Kill.self, Wait.self, Remove.self,
            Attach.self,
            Images.self, Pull.self, RemoveImage.self, Image.self, Load.self, Snapshot.self, Login.self, Events.self, Info.self,
            Version.self,
        ])

    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            end(error)
        }
    }

    /// `run`'s own refusals are 125, so that they are not taken for the container's.
    private static func end(_ error: any Error) -> Never {
        let isRun = ["run", "create", "start"].contains(CommandLine.arguments.dropFirst().first { !$0.hasPrefix("-") } ?? "")
        switch error {
        case let code as ExitCode: Glibc.exit(code.rawValue)
        case let error as ClientError:
            complain(error.message, error.remedy)
            if case .problem(let problem) = error, let code = problem.exitCode { Glibc.exit(CInt(clamping: code)) }
            Glibc.exit(isRun ? 125 : 1)
        case let error as Refusal:
            complain(error.message, error.remedy)
            Glibc.exit(isRun ? 125 : 1)
        default:
            let code = exitCode(for: error).rawValue
            let text = fullMessage(for: error)
            if !text.isEmpty { if code == 0 { print(text) } else { complain(text, nil) } }
            Glibc.exit(code == 0 || !isRun ? code : 125)
        }
    }
}

/// What the command line itself refuses.
struct Refusal: Error {
    var message: String
    var remedy: String?
}

func complain(_ message: String, _ remedy: String?) {
    var text = "ctr-swift: \(message)\n"
    if let remedy { text += "  \(remedy)\n" }
    let bytes = Array(text.utf8)
    _ = write(2, bytes, bytes.count)
}

func show(_ text: String) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
        if count > 0 { rest = rest.dropFirst(count) } else if errno != EINTR { Glibc.exit(1) }
    }
}

/// Where the daemon is.
struct Connection: ParsableArguments {
    @Option(name: .long, help: "The daemon's socket (also CTR_SWIFT_SOCKET).")
    var socket: String?

    var client: APIClient {
        let fromEnvironment = getenv("CTR_SWIFT_SOCKET").map { String(cString: $0) }
        return APIClient(socketPath: FilePath(socket ?? fromEnvironment ?? "/run/ctr-swift/ctr-swift.sock"))
    }
}

/// How a list is shown.
struct OutputOptions: ParsableArguments {
    @Flag(name: .long, help: "JSON instead of a table.")
    var json = false
    @Option(name: .long, help: "A template of members, such as '{{.id}} {{.name}}', a line each.")
    var format: String?
}
