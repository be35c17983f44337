// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import JSON
import Linux
import SystemPackage

struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the containers under --root.")

    @OptionGroup var global: GlobalOptions
    @Option(name: [.short, .long], help: "table or json.") var format = "table"
    @Flag(name: [.short, .long], help: "Only ids.") var quiet = false

    func run() throws {
        try reporting(global) {
            let states = try ids().compactMap { id -> ContainerState? in
                let directory = try StateDirectory(root: global.root, id: id)
                // One that is being made or removed just now has no record.
                return (try? directory.read())?.state(directory)
            }
            if quiet { return states.forEach { print($0.id) } }
            if format == "json" { return print(String(decoding: try JSON.encode(states), as: UTF8.self)) }
            guard format == "table" else { throw CommandError("unknown format \"\(format)\"") }
            let rows =
                [["ID", "PID", "STATUS", "BUNDLE", "CREATED"]] + states.map { [$0.id, "\($0.pid ?? 0)", $0.status, $0.bundle, $0.created] }
            printTable(rows)
        }
    }

    private func ids() throws -> [String] {
        guard let stream = opendir(global.root) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}
