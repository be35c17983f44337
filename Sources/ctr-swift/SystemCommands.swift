// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client
internal import JSON

struct Snapshot: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "See what layers and writable layers take.", subcommands: [ListSnapshots.self, Usage.self])

    struct ListSnapshots: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ls", abstract: "List layers, fix-ups and uppers.")
        @OptionGroup var connection: Connection
        @OptionGroup var output: OutputOptions

        func run() throws {
            let rows = try connection.client.request(.get, ["v1", "snapshots"], body: nil as String?, as: [SnapshotSummary].self)
            if try output.show(rows) { return }
            show(snapshotTable(rows))
        }
    }

    struct Usage: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The same with sums: what is shared, and what is free.")
        @OptionGroup var connection: Connection
        @Flag(name: .long) var json = false

        func run() throws {
            let usage = try connection.client.request(.get, ["v1", "snapshots", "usage"], body: nil as String?, as: SnapshotUsage.self)
            if json { return show(String(decoding: try JSON.encode(usage, .pretty), as: UTF8.self) + "\n") }
            show(snapshotTable(usage.snapshots))
            show(
                """

                layers    \(byteCount(usage.lowerBytes)), \(usage.lowerInodes) inodes; a copy for each container would be \(byteCount(usage.unsharedBytes))
                uppers    \(byteCount(usage.upperBytes)), \(usage.upperInodes) inodes
                free      \(byteCount(usage.freeBytes)), \(usage.freeInodes) inodes

                """)
        }
    }
}

private func snapshotTable(_ rows: [SnapshotSummary]) -> String {
    table(
        ["KIND", "KEY", "SIZE", "INODES", "COMPRESSED", "IMAGES", "CONTAINERS"],
        rows.map { row in
            let key = row.key.hasPrefix("sha256:") ? String(row.key.dropFirst(7)) : row.key
            return [
                row.kind.rawValue, String(key.prefix(12)), byteCount(row.sizeInBytes), "\(row.inodes)",
                row.compressedSizeInBytes.map(byteCount) ?? "-",
                "\(row.images.count)", "\(row.containers.count)",
            ]
        })
}

struct Events: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show what happens, from now on.")
    @OptionGroup var connection: Connection
    @Flag(name: .long) var json = false

    func run() throws {
        try connection.client.stream(.get, ["v1", "events"], body: nil as String?, of: Event.self) { event throws(ClientError) in
            if json { return show(((try? JSON.encode(event)).map { String(decoding: $0, as: UTF8.self) } ?? "") + "\n") }
            let attributes = event.attributes.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
            show(terminalSafe("\(event.time) \(event.type) \(event.action) \(event.id) \(attributes)") + "\n")
        }
    }
}

struct Info: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show where things are, and the limits in force.")
    @OptionGroup var connection: Connection
    @Flag(name: .long) var json = false

    func run() throws {
        let info = try connection.client.request(.get, ["v1", "info"], body: nil as String?, as: InfoResponse.self)
        if json { return show(String(decoding: try JSON.encode(info, .pretty), as: UTF8.self) + "\n") }
        show(
            table(
                ["WHAT", "IS"],
                [
                    ["version", info.version.version], ["kernel", info.version.kernel], ["root", "\(info.root) (\(info.filesystem))"],
                    ["state", info.state], ["socket", info.socket], ["cgroups", "\(info.cgroups), below /\(info.cgroupParent)"],
                    ["overlay mounts by", info.overlayMount], ["layer ceiling", "\(info.maxLayers)"],
                    ["free", "\(byteCount(info.freeBytes)), \(info.freeInodes) inodes"],
                    ["reserve", "\(byteCount(info.reserveBytes)), \(info.reserveInodes) inodes"], ["images", "\(info.images)"],
                    ["containers", "\(info.containers), \(info.running) running"],
                ]))
    }
}

struct Version: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show the versions of client and daemon.")
    @OptionGroup var connection: Connection
    @Flag(name: .long) var json = false

    func run() throws {
        let version = try connection.client.request(.get, ["v1", "version"], body: nil as String?, as: VersionResponse.self)
        if json { return show(String(decoding: try JSON.encode(version, .pretty), as: UTF8.self) + "\n") }
        show(
            "ctr-swift \(clientVersion), daemon \(version.version), API \(version.api), kernel \(version.kernel), \(version.architecture)\n"
        )
    }
}
