// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client

/// Of `run` and `create`; Docker's names, and `--health-probe`, `--health-on-failure`.
struct HealthOptions: ParsableArguments {
    @Option(
        name: .long, parsing: .unconditional,
        help: ArgumentHelp("A command for the container's shell; 0 is healthy; default: the image's.", valueName: "command"))
    var healthCmd: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "In its place: http://:8080/ready, tcp://:5432, or a program without a shell: exec:/bin/check.", valueName: "probe"))
    var healthProbe: String?
    @Option(name: .long, help: ArgumentHelp("From a probe to the next; default: 30s.", valueName: "duration"))
    var healthInterval: String?
    @Option(name: .long, help: ArgumentHelp("What takes longer has failed; default: 30s.", valueName: "duration"))
    var healthTimeout: String?
    @Option(name: .long, help: ArgumentHelp("So long after the start failures don't count; default: 0.", valueName: "duration"))
    var healthStartPeriod: String?
    @Option(name: .long, help: ArgumentHelp("The interval during the start period; default: 5s.", valueName: "duration"))
    var healthStartInterval: String?
    @Option(
        name: .long, parsing: .unconditional,
        help: ArgumentHelp("So many failures in a row are unhealthy; default: 3.", valueName: "number"))
    var healthRetries: Int?
    @Option(
        name: .long, help: ArgumentHelp("When it becomes unhealthy: none, kill, restart or stop.", valueName: "action"),
        completion: .list(["none", "kill", "restart", "stop"]))
    var healthOnFailure: String?
    @Flag(name: .long, help: "Leave the image's health check out.")
    var noHealthcheck = false

    var flags: HealthFlags {
        var flags = HealthFlags()
        flags.command = healthCmd
        flags.probe = healthProbe
        flags.interval = healthInterval
        flags.timeout = healthTimeout
        flags.startPeriod = healthStartPeriod
        flags.startInterval = healthStartInterval
        flags.retries = healthRetries
        flags.onFailure = healthOnFailure
        flags.none = noHealthcheck
        return flags
    }
}

struct Healthcheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "healthcheck", abstract: "Ask for containers' health.", subcommands: [RunHealthcheck.self])
}

struct RunHealthcheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run a container's health check now; exit 0: it succeeded, 1: it failed.",
        discussion: "It counts as the ones that are run by themselves.")

    @OptionGroup var output: JSONLines
    @OptionGroup var connection: Connection
    @Argument(help: "Name or id.", completion: .containers) var container: String

    func run() throws {
        let answer = try connection.client.request(
            .post, ["v1", "containers", container, "healthcheck"], body: nil as String?, as: HealthRunResponse.self)
        let lines = answer.result.output.split(separator: "\n").map { terminalSafe(String($0)) }
        if output.json { try show(jsonLine: answer) } else { show(lines.map { $0 + "\n" }.joined()) }
        if answer.result.exitCode != 0 { throw ExitCode.failure }
    }
}
