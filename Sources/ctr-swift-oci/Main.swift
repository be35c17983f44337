// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import Linux
import Runtime

/// The OCI runtime's command line, as engines call it (runtime-spec runtime.md; the flags are runc's).
@main struct Main {
    static func main() {
        umask(0)
        let arguments = GlobalOptions.moved(Array(CommandLine.arguments.dropFirst()))
        // Before anything else is done twice: a container's process can reach the binary that it came from.
        if let verb = arguments.first, ["create", "run"].contains(verb) {
            do { try ProtectedExecutable.ensure() } catch { OCICommand.exit(withError: error) }
        }
        OCICommand.main(arguments)
    }
}

struct OCICommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ctr-swift-oci",
        abstract: "Run containers from OCI bundles.",
        version: "ctr-swift-oci version 0.1.0\nspec: 1.2.0",
        subcommands: [
            CreateCommand.self, StartCommand.self, StateCommand.self, KillCommand.self, DeleteCommand.self, RunCommand.self,
            ListCommand.self,
            SpecCommand.self, FeaturesCommand.self,
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

    @Flag(help: "Accepted for compatibility.")
    var debug = false

    /// The arguments with what stands before the verb behind it.
    static func moved(_ arguments: [String]) -> [String] {
        var rest = arguments[...]
        var options: [String] = []
        while let option = rest.first,
            ["--root", "--log", "--log-format", "--debug"].contains(where: { option == $0 || option.hasPrefix($0 + "=") })
        {
            let count = option == "--debug" || option.contains("=") ? 1 : min(2, rest.count)
            options += rest.prefix(count)
            rest = rest.dropFirst(count)
        }
        guard let verb = rest.popFirst() else { return arguments }
        return [verb] + options + rest
    }
}
