// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client

struct Run: PassingCommand {
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

    var passedWords: [String] {
        get { options.arguments }
        set { options.arguments = newValue }
    }

    func validate() throws {
        guard detach || !json else {
            throw ValidationError(UsageError("--json needs --detach", remedy: "without it stdout is the container's"))
        }
    }

    func run() throws {
        try RunCall(flags: options.flags(detached: detach), creation: options.creation(connection.client), json: json).run()
    }
}

struct Create: PassingCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", _superCommandName: CommandLineTool.name, abstract: "Create a container without starting it; print its id.",
        usage: "ctr-swift create [<options>] <image> [<command> ...]")

    @Flag(name: .long, help: "Print JSON in place of the id.") var json = false
    @OptionGroup var options: RunOptions
    @OptionGroup var connection: Connection

    var passedWords: [String] {
        get { options.arguments }
        set { options.arguments = newValue }
    }

    func run() throws {
        let request = try options.flags(detached: true).request(.own)
        let made = try options.creation(connection.client).create(request, start: false)
        if json { try show(jsonLine: made) } else { show(made.id + "\n") }
    }
}
