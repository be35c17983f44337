// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client
internal import Linux

/// What a process is given, be it a container's first or a further one: `run`, `create` and `exec` have these in common.
struct InputOptions: ParsableArguments {
    @Flag(name: [.short, .long], help: "Keep stdin open; without it stdin is /dev/null.") var interactive = false
    @Flag(name: [.short, .long], help: "Give it a terminal.") var tty = false
    @Option(
        name: [.customShort("e", allowingJoined: true), .long], parsing: .unconditionalSingleValue,
        help: ArgumentHelp("A variable; NAME alone takes its value from here; repeatable.", valueName: "NAME[=value]"))
    var env: [String] = []
    @Option(
        name: .long, help: ArgumentHelp("A file of NAME=value lines, before all --env; repeatable.", valueName: "file"), completion: .file()
    )
    var envFile: [String] = []

    func entries(_ surroundings: RunFlags.Surroundings) throws(UsageError) -> [String] {
        try EnvironmentVariables.entries(flags: env, files: envFile, surroundings)
    }
}

extension TerminalSize {
    /// Of the terminal that the process is typed into; nil where there is none.
    static var own: TerminalSize? {
        guard let size = try? WindowSize(of: isTerminal(0) ? 0 : 1) else { return nil }
        return TerminalSize(rows: size.rows, columns: size.columns)
    }
}
