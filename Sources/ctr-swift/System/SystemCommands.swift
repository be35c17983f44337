// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client

struct System: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "system", abstract: "See what everything takes.", subcommands: [DiskUse.self])

    struct DiskUse: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "df", abstract: "Show what images, containers and the rest take on disk, and what could be had back.",
            discussion: """
                Layers were measured when they were stored. Writable layers are counted by the filesystem where it has project quota; else \
                they are walked, but not waited for: those that there was no time for are shown as they were measured before.
                """)
        @Flag(name: [.short, .long], help: "Also list images, layers and writable layers.") var verbose = false
        @Flag(name: .long, help: "Measure everything now, however long it takes.") var fresh = false
        @Flag(name: .long, help: "Don't shorten keys.") var noTrunc = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: Connection

        func run() throws {
            let usage = try connection.client.request(
                .get, ["v1", "system", "df"], query: [("verbose", verbose ? "true" : nil), ("fresh", fresh ? "true" : nil)],
                body: nil as String?, as: DiskUsage.self)
            if try output.show(one: usage) { return }
            show(diskUsageText(usage))
            if let images = usage.imageRows { show("\n" + imageShareTable(images, noTrunc: noTrunc)) }
            if let rows = usage.snapshotRows { show("\n" + snapshotTable(rows, noTrunc: noTrunc)) }
        }
    }
}

private func diskUsageText(_ usage: DiskUsage) -> String {
    var rows = [
        [
            "images", "\(usage.images.count)", "\(usage.images.active)", byteCount(usage.images.sizeInBytes), "\(usage.images.inodes)",
            byteCount(usage.images.reclaimableBytes),
        ]
    ]
    if usage.layers.detached.count > 0 { rows.append(row("layers without image", usage.layers.detached)) }
    rows.append(
        row("writable layers", usage.uppers.part, inUse: usage.uppers.running, reclaimable: usage.uppers.reclaimableBytes))
    rows.append(row("container files", usage.containerFiles))
    rows.append(row("blobs", usage.blobs))
    rows.append(row("trash", usage.trash))
    rows.append(row("under way", usage.underWay, counted: false))
    rows.append(row("records", usage.records, counted: false))
    rows.append(["total", "", "", byteCount(usage.totalBytes), "\(usage.totalInodes)"])
    let layers = usage.layers
    let facts = [
        (
            "layers",
            "\(layers.count): \(byteCount(layers.sharedBytes)) of several images, \(byteCount(layers.uniqueBytes)) of one image alone"
        ),
        ("writable layers", measured(usage.uppers)),
        ("free", "\(space(usage.freeBytes, usage.freeInodes)) on the \(usage.filesystem) of \(usage.root)"),
        ("kept free", space(usage.reserveBytes, usage.reserveInodes)),
    ]
    let parts = [usage.uppers.part, usage.containerFiles, usage.blobs, usage.trash, usage.underWay, usage.records]
    let note = parts.contains { $0.stale == true } ? [("*", "not measured for this answer, but before; --fresh measures it now")] : []
    return table(["KIND", "COUNT", "IN USE", "SIZE", "INODES", "RECLAIMABLE"], rows) + "\n" + pairs(facts + note)
}

private func row(
    _ kind: String, _ part: DiskUsage.Part, counted: Bool = true, inUse: Int? = nil, reclaimable: Int64? = nil
) -> [String] {
    [
        kind, counted ? "\(part.count)" : "", inUse.map(String.init) ?? "",
        byteCount(part.sizeInBytes) + (part.stale == true ? "*" : ""), "\(part.inodes)",
        reclaimable.map(byteCount) ?? "",
    ]
}

private func measured(_ uppers: DiskUsage.Uppers) -> String {
    switch uppers.method {
    case .quota: return "counted by the filesystem"
    case .walk where uppers.staleCount == 0: return "measured now"
    case .walk:
        let oldest = uppers.part.measuredAt.map { "measured \(age($0)) or later" } ?? "not measured yet"
        return "\(uppers.staleCount) of \(uppers.part.count) \(oldest)"
    }
}

/// A row for each image: what it has for itself, and whom it shares the rest with.
func imageShareTable(_ images: [ImageShare], noTrunc: Bool) -> String {
    let names = Dictionary(images.map { ($0.manifestDigest, name($0, noTrunc)) }) { first, _ in first }
    return table(
        ["IMAGE", "COMPRESSED", "SIZE", "EXCLUSIVE", "SHARED", "CONTAINERS", "SHARED WITH"],
        images.map { image in
            [
                name(image, noTrunc), byteCount(image.compressedBytes), byteCount(image.sizeInBytes), byteCount(image.exclusiveBytes),
                byteCount(image.sharedBytes), "\(image.containers.count)",
                image.sharedWith.map { names[$0] ?? (noTrunc ? $0 : shortID($0)) }.joined(separator: ", "),
            ]
        })
}

private func name(_ image: ImageShare, _ noTrunc: Bool) -> String {
    image.references.first.map { noTrunc ? $0 : shortReference($0) }
        ?? (noTrunc ? image.manifestDigest : shortID(image.manifestDigest))
}
