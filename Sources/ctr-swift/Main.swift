// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Client
internal import Glibc

/// The command line: it parses, asks the daemon, prints, and ends with the exit codes of docs/cli.md.
@main
struct CommandLineTool: ParsableCommand {
    static let name = "ctr-swift"

    static let configuration = CommandConfiguration(
        commandName: name,
        abstract: "Run containers from OCI images.",
        usage: "ctr-swift [--socket <path>] <command> [<options>] ...",
        discussion: """
            The daemon, ctr-swiftd, is reached through --socket, else CTR_SWIFT_SOCKET, else /run/ctr-swift/ctr-swift.sock. \
            Every command that lists, shows or changes something takes --json. Exit codes and JSON members: ctr-swift(1), docs/cli.md.
            """,
        version: "ctr-swift \(clientVersion)",
        groupedSubcommands: [
            CommandGroup(
                name: "Container",
                subcommands: [
                    Run.self, Exec.self, Create.self, Start.self, List.self, Inspect.self, Logs.self, Attach.self, Stop.self, Restart.self,
                    Kill.self, Wait.self, Healthcheck.self, Copy.self, Diff.self, Export.self, Rename.self, Port.self, Remove.self,
                    Pause.self, Unpause.self, Update.self, Top.self, Stats.self,
                ]),
            CommandGroup(name: "Image", subcommands: [Pull.self, Images.self, RemoveImages.self, Load.self, Prune.self, Image.self]),
            CommandGroup(name: "Registry", subcommands: [Login.self, Logout.self]),
            CommandGroup(
                name: "Node",
                subcommands: [Snapshot.self, System.self, Check.self, Repair.self, Events.self, Info.self, Version.self]),
        ])

    /// What scripts call most, each of which names this program as its super-command. They are found without the list of all: to make that takes
    /// the runtime as long as a request to the daemon does.
    static func frequent(_ word: Substring) -> (any ParsableCommand.Type)? {
        switch word {
        case "run": Run.self
        case "exec": Exec.self
        case "create": Create.self
        case "start": Start.self
        case "stop": Stop.self
        case "rm": Remove.self
        case "ps": List.self
        case "inspect": Inspect.self
        case "logs": Logs.self
        default: nil
        }
    }

    static func main() {
        keepStandardStreams()
        var line = CommandWords(CommandLine.unsafeArgv, count: Int(CommandLine.argc))
        do {
            try line.takeSocket()
            if let call = line.takePlain("exec", ExecCall.init(plain:)) { return try call.run() }
            if let call = line.takePlain("run", RunCall.init(plain:)) { return try call.run() }
            var command = try line.parse()
            try command.run()
        } catch {
            Ending(of: error, command: line.path).exit()
        }
    }

    /// A stream that the caller has closed is taken by something that can't be used: else the daemon's socket would get its number, and
    /// what is shown would be sent there.
    private static func keepStandardStreams() {
        for stream in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(stream, F_GETFD) == -1 {
            // The lowest free number is this one. Reading from stdin, and writing to the others, stays an error.
            _ = open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }
}
