// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import Linux
import Runtime

/// The OCI runtime's command line, as engines call it (runtime-spec runtime.md; the flags are runc's).
@main struct Main {
    static func main() {
        umask(0)
        let arguments = ProcessesCommand.terminated(GlobalOptions.moved(Array(CommandLine.arguments.dropFirst())))
        // Before anything else is done twice: a container's process can reach the binary that it came from.
        if let verb = arguments.first, ["create", "run", "exec"].contains(verb) {
            do { try ProtectedExecutable.ensure() } catch { OCICommand.exit(withError: error) }
        }
        do {
            // By itself: the parser does not find the options of a subcommand that takes every word behind its first operand.
            var command =
                arguments.first == "exec"
                ? try ExecCommand.parseAsRoot(Array(arguments.dropFirst())) : try OCICommand.parseAsRoot(arguments)
            try command.run()
        } catch {
            // What a verb refused is told already; what the parser did not understand, engines look for in the log, too.
            if !(error is ExitCode), OCICommand.exitCode(for: error) != .success {
                GlobalOptions.log(OCICommand.message(for: error), arguments)
            }
            if arguments.first == "exec" { ExecCommand.exit(withError: error) }
            OCICommand.exit(withError: error)
        }
    }
}

struct OCICommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ctr-swift-oci",
        abstract: "Run containers from OCI bundles.",
        version: "ctr-swift-oci version 0.1.0\nspec: 1.2.0",
        subcommands: [
            CreateCommand.self, StartCommand.self, StateCommand.self, KillCommand.self, DeleteCommand.self, RunCommand.self,
            ExecCommand.self, PauseCommand.self, ResumeCommand.self, ProcessesCommand.self, UpdateCommand.self, EventsCommand.self,
            ListCommand.self, SpecCommand.self, FeaturesCommand.self,
        ])

    @OptionGroup var global: GlobalOptions
}

/// Options of every verb. Engines put them before it, where a parser of subcommands does not look for them.
struct GlobalOptions: ParsableArguments {
    @Option(help: "Where the state of containers is kept.")
    var root = "/run/ctr-swift-oci"

    @Option(help: "A file that errors are appended to, one line each.")
    var log: String?

    @Option(help: "Form of the log: text or json.")
    var logFormat = "text"

    @Flag(help: "Also what is done, not only what fails.")
    var debug = false

    @Flag(help: "Refused by create and run: cgroups made by systemd are not there yet.")
    var systemdCgroup = false

    @Option(help: "Accepted for compatibility.")
    var rootless: String?

    /// The arguments with what stands before the verb behind it.
    static func moved(_ arguments: [String]) -> [String] {
        var rest = arguments[...]
        var options: [String] = []
        while let option = rest.first, let name = (withValue + flags).first(where: { option == $0 || option.hasPrefix($0 + "=") }) {
            let count = flags.contains(name) || option.contains("=") ? 1 : min(2, rest.count)
            options += rest.prefix(count)
            rest = rest.dropFirst(count)
        }
        guard let verb = rest.popFirst() else { return arguments }
        return [verb] + options + rest
    }

    static let withValue = ["--root", "--log-format", "--log", "--rootless"]
    private static let flags = ["--debug", "--systemd-cgroup"]

    /// Of arguments that could not be parsed: into the log that they name.
    static func log(_ message: String, _ arguments: [String]) {
        func value(_ name: String) -> String? {
            if let joined = arguments.first(where: { $0.hasPrefix(name + "=") }) { return String(joined.dropFirst(name.utf8.count + 1)) }
            guard let at = arguments.firstIndex(of: name), at + 1 < arguments.count else { return nil }
            return arguments[at + 1]
        }
        guard let path = value("--log") else { return }
        append(message, level: "error", to: path, json: value("--log-format") == "json")
    }
}
