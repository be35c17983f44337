// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import JSON
import Linux
import SystemPackage

struct ProcessesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "ps", abstract: "List the processes of a container.")

    @OptionGroup var global: GlobalOptions
    @Option(name: [.short, .long], help: "table, or json: the process ids alone.") var format = "table"
    @Argument(help: "The container's id.") var id: String
    @Argument(parsing: .postTerminator, help: "Of ps(1): -ef, or -o COLUMN,... for the table.") var options: [String] = []

    /// The arguments with a terminator behind the container's id: what follows it is meant for ps(1), whatever it looks like.
    static func terminated(_ arguments: [String]) -> [String] {
        guard arguments.first == "ps", !arguments.contains("--") else { return arguments }
        var place = 1
        while place < arguments.count, arguments[place].hasPrefix("-") {
            let takesNext = ["--format", "-f"] + GlobalOptions.withValue
            place += takesNext.contains(arguments[place]) ? 2 : 1
        }
        guard place + 1 < arguments.count else { return arguments }
        return arguments[...place] + ["--"] + arguments[(place + 1)...]
    }

    func run() throws {
        try reporting(global) {
            let record = try StateDirectory(root: global.root, id: id).read()
            let processes = try record.liveProcesses()
            if format == "json" { return print(String(decoding: try JSON.encode(processes), as: UTF8.self)) }
            guard format == "table" else { throw CommandError("unknown format \"\(format)\": use table or json") }
            let columns = try ProcessColumn.columns(options)
            var rows = [columns.map(\.header)]
            for pid in processes {
                guard let process = try ProcessDetails.of(pid) else { continue }
                rows.append(columns.map { display(Array($0.text(process).utf8)) })
            }
            printTable(rows)
        }
    }
}

extension ContainerRecord {
    /// Of a container that has ended, and whose cgroup may be gone, there are none.
    func liveProcesses() throws(KernelError) -> [Int32] {
        do throws(KernelError) { return try cgroup.processes() } catch  where error.errno == .noSuchFileOrDirectory { return [] }
    }
}

/// Columns two blanks apart.
func printTable(_ rows: [[String]]) {
    let count = rows.map(\.count).max() ?? 0
    let widths = (0..<count).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
    for row in rows {
        let cells = row.enumerated().map { $1 + String(repeating: " ", count: $0 + 1 < row.count ? widths[$0] - $1.count + 2 : 0) }
        print(cells.joined())
    }
}
