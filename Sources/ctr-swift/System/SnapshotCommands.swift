// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client

struct Snapshot: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot", abstract: "See what layers and writable layers take, and whose they are.",
        subcommands: [Listed.self, Usage.self, Tree.self, Owner.self, Orphans.self])

    struct Listed: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ls", abstract: "List layers, fix-ups and uppers.",
            discussion: """
                A layer's size is fixed when it is committed; an upper, a container's writable layer, is measured now, unless that takes \
                more than half a second: then as it was measured before, with a * behind the size.
                """,
            aliases: ["list"])
        @Flag(name: .long, help: "Measure every upper now, however long it takes.") var fresh = false
        @Flag(name: .long, help: "Don't shorten keys.") var noTrunc = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: Connection

        func run() throws {
            let rows = try connection.client.request(
                .get, ["v1", "snapshots"], query: fresh ? [("fresh", "true")] : [], body: nil as String?, as: [SnapshotSummary].self)
            if try output.show(rows) { return }
            show(snapshotTable(rows, noTrunc: noTrunc))
        }
    }

    struct Usage: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "usage", abstract: "List them with their sums, or show what one container has written.",
            discussion: """
                Of a container: bytes and inodes, what was added since this was last asked, the largest files and fullest directories, \
                the files that stand in the place of an image's, and what it has deleted. Measured now, also while it runs.
                """)
        @Argument(help: ArgumentHelp("Details of this one's writable layer.", valueName: "container"), completion: .containers)
        var container: String?
        @Option(name: .long, help: ArgumentHelp("Of a container: so many paths of each kind, 0 to 1000; default: 10.", valueName: "number"))
        var top: Int?
        @Flag(name: .long, help: "Measure every upper now, however long it takes.") var fresh = false
        @Flag(name: .long, help: "Don't shorten keys.") var noTrunc = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: Connection

        func validate() throws {
            guard top == nil || container != nil else { throw ValidationError(UsageError("--top needs a container")) }
        }

        func run() throws {
            if let container { return try showUpper(of: container) }
            let usage = try connection.client.request(
                .get, ["v1", "snapshots", "usage"], query: fresh ? [("fresh", "true")] : [], body: nil as String?, as: SnapshotUsage.self)
            if try output.show(one: usage) { return }
            show(snapshotTable(usage.snapshots, noTrunc: noTrunc) + "\n")
            if !usage.images.isEmpty { show(imageShareTable(usage.images, noTrunc: noTrunc) + "\n") }
            let shared = usage.unsharedBytes > 0 ? "; a copy for each container would be \(byteCount(usage.unsharedBytes))" : ""
            show(
                pairs([
                    ("layers", space(usage.lowerBytes, usage.lowerInodes) + shared),
                    ("of one image", byteCount(usage.exclusiveBytes)),
                    ("of several", byteCount(usage.sharedBytes)),
                    ("uppers", space(usage.upperBytes, usage.upperInodes)),
                    ("free", space(usage.freeBytes, usage.freeInodes)),
                ]))
        }

        private func showUpper(of container: String) throws {
            let report = try connection.client.request(
                .get, ["v1", "snapshots", "uppers", container], query: [("top", top.map(String.init))], body: nil as String?,
                as: UpperReport.self)
            if try output.show(one: report) { return }
            show(upperText(report, noTrunc: noTrunc))
        }
    }
}

func space(_ bytes: Int64, _ inodes: Int64) -> String { "\(byteCount(bytes)), \(counted(Int(inodes), "inode"))" }

func snapshotTable(_ rows: [SnapshotSummary], noTrunc: Bool) -> String {
    table(
        ["KIND", "KEY", "SIZE", "INODES", "COMPRESSED", "UNPACKED", "IMAGES", "CONTAINERS"],
        rows.map { row in
            [
                row.kind.rawValue, noTrunc ? row.key : shortID(row.key), byteCount(row.sizeInBytes) + (row.stale == true ? "*" : ""),
                "\(row.inodes)", row.compressedSizeInBytes.map(byteCount) ?? "-", row.uncompressedSizeInBytes.map(byteCount) ?? "-",
                "\(row.images.count)", "\(row.containers.count)",
            ]
        })
}
