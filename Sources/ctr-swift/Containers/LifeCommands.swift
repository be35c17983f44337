// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client

// start, stop, restart, kill, wait, rm: each takes several containers, and prints a line for each that it was done to.

/// The line of JSON for a container to which something was done.
struct Done: Encodable {
    var container: String
    var exit: ExitRecord?
    var unheard: UnheardSignal?
    var health: HealthStatus?
}

/// Of `stop` and `restart`.
struct StopOptions: ParsableArguments {
    @Option(
        name: [.customShort("t", allowingJoined: true), .customLong("time"), .customLong("timeout")], parsing: .unconditional,
        help: ArgumentHelp("How long to wait; 0: kill at once; -1: for ever; default: the container's, else 10.", valueName: "seconds"))
    var time: Int?
    @Flag(name: .long, help: "Wait the whole time also where the first process can't hear the signal; without, it is killed at once.")
    var waitFull = false

    var request: StopRequest { StopRequest(timeoutSeconds: time, waitFull: waitFull ? true : nil) }
}

/// By a verb after which they run.
private func start(
    _ containers: [String], by verb: String, _ request: StopRequest?, _ connection: Connection, _ output: JSONLines
) throws {
    let client = connection.client
    try forEach(containers) { name in
        let made = try client.request(.post, ["v1", "containers", name, verb], body: request, as: CreateContainerResponse.self)
        for warning in made.warnings { warn("\(terminalSafe(name)): \(warning)") }
        try output.show(terminalSafe(name), made)
    }
}

struct Start: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", _superCommandName: CommandLineTool.name, abstract: "Start containers that were created or have ended.")

    @OptionGroup var output: JSONLines
    @OptionGroup var connection: Connection
    @Argument(help: "Names or ids.", completion: .containers) var containers: [String]

    func run() throws {
        try start(containers, by: "start", nil as StopRequest?, connection, output)
    }
}

struct Stop: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", _superCommandName: CommandLineTool.name, abstract: "Send the stop signal, wait, then send SIGKILL.")

    @OptionGroup var options: StopOptions
    @OptionGroup var output: JSONLines
    @OptionGroup var connection: Connection
    @Argument(help: "Names or ids.", completion: .containers) var containers: [String]

    func run() throws {
        let client = connection.client
        try forEach(containers) { name in
            let answer = try client.request(
                .post, ["v1", "containers", name, "stop"], body: options.request, as: StopResponse.self)
            if let warning = answer.warning { warn("\(terminalSafe(name)): \(warning)") }
            try output.show(terminalSafe(name), Done(container: name, exit: answer.exit, unheard: answer.unheard))
        }
    }
}

struct Restart: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart", abstract: "Stop containers, and start them again.",
        discussion: "One that does not run is started.")

    @OptionGroup var options: StopOptions
    @OptionGroup var output: JSONLines
    @OptionGroup var connection: Connection
    @Argument(help: "Names or ids.", completion: .containers) var containers: [String]

    func run() throws {
        try start(containers, by: "restart", options.request, connection, output)
    }
}

struct Kill: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "kill", abstract: "Send a signal to containers' first processes.")

    @Option(
        name: [.customShort("s", allowingJoined: true), .long],
        help: ArgumentHelp("TERM, SIGTERM or 15; default: KILL.", valueName: "signal"))
    var signal: String?
    @OptionGroup var output: JSONLines
    @OptionGroup var connection: Connection
    @Argument(help: "Names or ids.", completion: .containers) var containers: [String]

    func run() throws {
        let client = connection.client
        try forEach(containers) { name in
            try client.request(.post, ["v1", "containers", name, "kill"], body: KillRequest(signal: signal))
            try output.show(terminalSafe(name), Done(container: name))
        }
    }
}

struct Wait: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Wait for containers to end; print their exit codes.",
        discussion: "With --condition healthy: until they are healthy; one that ends before has failed.")

    @Option(
        name: .long, help: ArgumentHelp("stopped, removed or healthy.", valueName: "condition"),
        completion: .list(["stopped", "removed", "healthy"]))
    var condition = "stopped"
    @OptionGroup var output: JSONLines
    @OptionGroup var connection: Connection
    @Argument(help: "Names or ids.", completion: .containers) var containers: [String]

    func validate() throws {
        guard ["stopped", "removed", "healthy"].contains(condition) else {
            throw ValidationError(UsageError("--condition", condition, "no such choice", remedy: "use stopped, removed or healthy"))
        }
    }

    func run() throws {
        let client = connection.client
        try forEach(containers) { name in
            let answer = try client.request(
                .post, ["v1", "containers", name, "wait"], query: [("condition", condition)], body: nil as String?, as: WaitResponse.self)
            let words = answer.exit.map { "\($0.exitCode)" } ?? answer.health?.rawValue ?? ""
            try output.show(words, Done(container: name, exit: answer.exit, health: answer.health))
        }
    }
}

struct Remove: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", _superCommandName: CommandLineTool.name, abstract: "Remove containers that don't run.")

    @Flag(name: [.short, .long], help: "Also remove those that run: they are killed.") var force = false
    @OptionGroup var output: JSONLines
    @OptionGroup var connection: Connection
    @Argument(help: "Names or ids.", completion: .containers) var containers: [String]

    func run() throws {
        let client = connection.client
        try forEach(containers) { name in
            try client.request(.delete, ["v1", "containers", name], query: [("force", force ? "true" : nil)], body: nil as String?)
            try output.show(terminalSafe(name), Done(container: name))
        }
    }
}
