// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import Linux
import Runtime

/// The OCI runtime's command line, as engines call it (runtime-spec runtime.md; the flags are runc's).
@main struct Main {
    static func main() {
        umask(0)
        OCICommand.main()
    }
}

struct OCICommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ctr-swift-oci",
        abstract: "Run containers from OCI bundles.",
        version: "ctr-swift-oci version 0.1.0\nspec: 1.2.0",
        subcommands: [
            CreateCommand.self, StartCommand.self, StateCommand.self, KillCommand.self, DeleteCommand.self, RunCommand.self, ListCommand.self,
            SpecCommand.self, FeaturesCommand.self,
        ])

    @OptionGroup var global: GlobalOptions
}

/// Accepted before and after the verb, since engines put them before it.
struct GlobalOptions: ParsableArguments {
    @Option(help: "Where the state of containers is kept.")
    var root = "/run/ctr-swift-oci"

    @Option(help: "A file that errors are appended to, one line each.")
    var log: String?

    @Option(help: "Form of the log: text or json.")
    var logFormat = "text"

    @Flag(help: "Accepted for compatibility.")
    var debug = false
}
