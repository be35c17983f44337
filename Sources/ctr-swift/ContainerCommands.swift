// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client
internal import JSON
internal import OCI
internal import ShimProtocol
internal import SystemPackage

struct List: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "ps", abstract: "List containers.")

    @OptionGroup var connection: Connection
    @OptionGroup var output: OutputOptions
    @Flag(name: [.short, .long], help: "Also those that do not run.") var all = false
    @Flag(name: [.short, .long], help: "Ids alone.") var quiet = false

    func run() throws {
        let rows = try connection.client.request(
            .get, ["v1", "containers"], query: [("all", all ? "true" : "false")], body: nil as String?, as: [ContainerSummary].self)
        if quiet { return show(rows.map { $0.id + "\n" }.joined()) }
        if try output.show(rows) { return }
        show(
            table(
                ["ID", "NAME", "IMAGE", "COMMAND", "STATE", "PID", "CREATED"],
                rows.map { row in
                    let state =
                        row.exit.map { row.state == .stopped ? "stopped (\($0.exitCode))" : row.state.rawValue } ?? row.state.rawValue
                    return [
                        String(row.id.prefix(12)), row.name, row.image, String(row.command.joined(separator: " ").prefix(40)), state,
                        row.pid.map { "\($0)" } ?? "-", String(row.createdAt.prefix(19)),
                    ]
                }))
    }
}

struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show everything known of containers, as JSON.")

    @OptionGroup var connection: Connection
    @OptionGroup var output: OutputOptions
    @Argument var containers: [String]

    func run() throws {
        let client = connection.client
        let details = try containers.map {
            try client.request(.get, ["v1", "containers", $0], body: nil as String?, as: ContainerDetail.self)
        }
        var output = output
        output.json = true
        _ = try output.show(details)
    }
}

struct Logs: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show what a container has written.")

    @OptionGroup var connection: Connection
    @Flag(name: [.short, .long], help: "Go on until the container has ended.") var follow = false
    @Option(name: .long, help: "Only so many records from the end.") var tail: Int?
    @Flag(name: [.short, .long], help: "With the time of each line.") var timestamps = false
    @Flag(name: .long, help: "The records as they are kept.") var json = false
    @Argument var container: String

    func run() throws {
        try connection.client.stream(
            .get, ["v1", "containers", container, "logs"], query: [("follow", follow ? "true" : "false"), ("tail", tail.map { "\($0)" })],
            body: nil as String?, of: LogRecord.self
        ) { record throws(ClientError) in write(record) }
    }

    private func write(_ record: LogRecord) {
        if json { return show(((try? JSON.encode(record)).map { String(decoding: $0, as: UTF8.self) } ?? "") + "\n") }
        let text = record.text.map { Array($0.utf8) } ?? record.base64.flatMap(base64Decoded) ?? []
        let line = (timestamps ? Array("\(record.time) ".utf8) : []) + text + (record.partial == true ? [] : [UInt8(ascii: "\n")])
        writeBytes(line, to: record.stream == .stderr ? 2 : 1)
    }
}

struct Stop: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Send the stop signal, wait, then SIGKILL.")

    @OptionGroup var connection: Connection
    @Option(name: [.customShort("t"), .customLong("time")], help: "Seconds to wait; 0 kills at once, -1 waits without end.") var time: Int?
    @Argument var containers: [String]

    func run() throws {
        for id in containers {
            _ = try connection.client.request(
                .post, ["v1", "containers", id, "stop"], body: StopRequest(timeoutSeconds: time), as: WaitResponse.self)
            show(id + "\n")
        }
    }
}

struct Kill: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Send a signal to PID 1.")

    @OptionGroup var connection: Connection
    @Option(name: [.short, .long], help: "TERM, SIGTERM or 15; KILL where none is named.") var signal: String?
    @Argument var containers: [String]

    func run() throws {
        for id in containers {
            try connection.client.request(.post, ["v1", "containers", id, "kill"], body: KillRequest(signal: signal))
            show(id + "\n")
        }
    }
}

struct Wait: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Wait for containers to end; print their exit codes.")

    @OptionGroup var connection: Connection
    @Flag(name: .long, help: "The whole records, as JSON.") var json = false
    @Argument var containers: [String]

    func run() throws {
        for id in containers {
            let answer = try connection.client.request(
                .post, ["v1", "containers", id, "wait"], body: nil as String?, as: WaitResponse.self)
            show(json ? String(decoding: try JSON.encode(answer.exit), as: UTF8.self) + "\n" : "\(answer.exit.exitCode)\n")
        }
    }
}

struct Remove: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "rm", abstract: "Remove containers.")

    @OptionGroup var connection: Connection
    @Flag(name: [.short, .long], help: "Also running ones; they are killed.") var force = false
    @Argument var containers: [String]

    func run() throws {
        for id in containers {
            try connection.client.request(
                .delete, ["v1", "containers", id], query: [("force", force ? "true" : nil)], body: nil as String?)
            show(id + "\n")
        }
    }
}

struct Attach: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Stay with a running container's streams until it ends.")

    @OptionGroup var connection: Connection
    @Argument var container: String

    func run() throws {
        let detail = try connection.client.request(.get, ["v1", "containers", container], body: nil as String?, as: ContainerDetail.self)
        guard let socket = detail.attachSocket else { throw Refusal(message: "container \(container) does not run", remedy: nil) }
        let exit = try AttachSession(socket: FilePath(socket), stdin: detail.request.openStdin, tty: detail.request.tty).run()
        throw ExitCode(exit?.exitCode ?? 1)
    }
}
