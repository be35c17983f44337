// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client

struct Logs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", _superCommandName: CommandLineTool.name, abstract: "Show what a container has written.",
        discussion: "Bytes are shown as they were written, each to the stream it was written to.")

    @Flag(name: [.short, .long], help: "Go on until the container has ended.") var follow = false
    @Option(
        name: [.customShort("n", allowingJoined: true), .customLong("tail")], parsing: .unconditional,
        help: ArgumentHelp("Only so many lines from the end; default: all.", valueName: "lines"))
    var tail: String?
    @Option(
        name: .long, parsing: .unconditional,
        help: ArgumentHelp("Only from this time on: 2026-11-21T06:25:00Z, or how long ago: 10m.", valueName: "time"))
    var since: String?
    @Option(name: .long, parsing: .unconditional, help: ArgumentHelp("Only up to this time.", valueName: "time"))
    var until: String?
    @Flag(name: [.short, .long], help: "Show the time of each line.") var timestamps = false
    @Flag(name: .long, help: "Show the records as they are kept, a line of JSON each.") var json = false
    @OptionGroup var connection: Connection
    @Argument(help: "Name or id.", completion: .containers) var container: String

    func run() throws {
        var count: Int?
        if let tail, tail != "all" {
            guard let number = Int(tail), number >= 0 else {
                throw UsageError("--tail", tail, "not a number of lines", remedy: "use 100, or all")
            }
            count = number
        }
        let query: [(name: String, value: String?)] = [
            ("follow", follow ? "true" : nil), ("tail", count.map { "\($0)" }),
            ("since", try since.map { text throws(UsageError) in try LogFlag.time(text, option: "--since") }),
            ("until", try until.map { text throws(UsageError) in try LogFlag.time(text, option: "--until") }),
        ]
        try connection.client.stream(
            .get, ["v1", "containers", container, "logs"], query: query, body: nil as String?, of: LogRecord.self
        ) { record throws(ClientError) in
            do { try show(record) } catch { throw ClientError(showing: error) }
        }
    }

    private func show(_ record: LogRecord) throws {
        if json { return try ctr_swift.show(jsonLine: record) }
        guard let text = record.text.map({ Array($0.utf8) }) ?? record.base64.flatMap(Base64.decode) else {
            throw Failure("a log record without text")
        }
        let time = timestamps ? Array("\(terminalSafe(record.time)) ".utf8) : []
        write(time + text + (record.partial == true ? [] : [UInt8(ascii: "\n")]), to: record.stream == .stderr ? 2 : 1)
    }
}
