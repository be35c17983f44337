// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client

struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ps", _superCommandName: CommandLineTool.name, abstract: "List running containers.", aliases: ["ls"])

    @Flag(name: [.short, .long], help: "List all, not only those that run.") var all = false
    @Flag(name: [.short, .long], help: "Show only ids.") var quiet = false
    @Flag(name: .long, help: "Don't shorten ids, references and commands.") var noTrunc = false
    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: Connection

    func validate() throws { try output.validate(quiet: quiet) }

    func run() throws {
        let rows = try connection.client.request(
            .get, ["v1", "containers"], query: [("all", all ? "true" : "false")], body: nil as String?, as: [ContainerSummary].self)
        if quiet { return show(rows.map { $0.id + "\n" }.joined()) }
        if try output.show(rows) { return }
        show(table(["ID", "NAME", "IMAGE", "COMMAND", "CREATED", "STATE", "PID"], rows.map(cells)))
    }

    private func cells(_ row: ContainerSummary) -> [String] {
        let command = terminalSafe(row.command.joined(separator: " "))
        return [
            noTrunc ? row.id : shortID(row.id), row.name, noTrunc ? row.image : shortReference(row.image),
            noTrunc ? command : shortened(command, columns: 32), age(row.createdAt), state(row), row.pid.map { "\($0)" } ?? "-",
        ]
    }

    private func state(_ row: ContainerSummary) -> String {
        var text = row.state.rawValue
        if let exit = row.exit, row.state == .stopped || row.state == .restarting {
            text += " (\(exit.exitCode)\(exit.outOfMemory ? ", out of memory" : ""))"
        }
        if let health = row.health { text += " (\(health.rawValue))" }
        if let count = row.restarts?.count, count > 0 { text += ", \(count) restart\(count == 1 ? "" : "s")" }
        return text
    }
}
