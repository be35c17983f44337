// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client

struct PinImages: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pin", abstract: "Keep images: no prune takes them, nor does rmi without -f.")

    @OptionGroup var output: JSONLines
    @OptionGroup var connection: Connection
    @Argument(help: "References or ids.", completion: .images) var images: [String]

    func run() throws { try pin(images, "pin", output, connection) }
}

struct UnpinImages: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "unpin", abstract: "Let go of images that were pinned.")

    @OptionGroup var output: JSONLines
    @OptionGroup var connection: Connection
    @Argument(help: "References or ids.", completion: .images) var images: [String]

    func run() throws { try pin(images, "unpin", output, connection) }
}

private func pin(_ images: [String], _ verb: String, _ output: JSONLines, _ connection: Connection) throws {
    let client = connection.client
    try forEach(images) { image in
        let changed = try client.request(
            .post, ["v1", "images", verb], query: [("reference", image)], body: nil as String?, as: [ImageSummary].self)
        for summary in changed { try output.show("\(verb)ned: \(shortID(summary.id))", summary) }
    }
}

struct Prune: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune", abstract: "Remove the images that no container has, the longest unused first.",
        discussion: """
            Tagged or not, with the layers that nothing else uses. Never pinned images, nor those of containers, whether they run or not. \
            --dry-run shows what would go, and frees nothing.
            """)

    @Option(name: .long, help: ArgumentHelp("Only what was not used for so long: 72h, 30d.", valueName: "duration"))
    var unusedFor: String?
    @Flag(name: .long, help: "Only images that no name points at.") var dangling = false
    @Flag(name: .long, help: "First remove the containers that have ended (so long ago).") var containers = false
    @Flag(name: [.customShort("n"), .long], help: "Change nothing: show what would go.") var dryRun = false
    @Flag(name: .long, help: "Show JSON.") var json = false
    @OptionGroup var connection: Connection

    func run() throws {
        let seconds = try unusedFor.map { text throws(UsageError) in try Quantity.seconds(text, option: "--unused-for") }
        let answer = try connection.client.request(
            .post, ["v1", "prune"],
            body: PruneRequest(unusedForSeconds: seconds, dangling: dangling, containers: containers, dryRun: dryRun),
            as: PruneResponse.self)
        if json { return try ctr_swift.show(json: answer) }
        let rows =
            answer.containers.map { ["container", $0.name, shortID($0.id), "-", byteCount($0.freedBytes), "\($0.freedInodes)"] }
            + answer.images.map { image in
                [
                    "image", image.references.first ?? "-", shortID(image.id), age(image.lastUsedAt), byteCount(image.freedBytes),
                    "\(image.freedInodes)",
                ]
            }
        if !rows.isEmpty { show(table(["KIND", "NAME", "ID", "LAST USED", "FREED", "INODES"], rows)) }
        show("\(dryRun ? "would free" : "freed") \(byteCount(answer.freedBytes)), \(counted(Int(answer.freedInodes), "inode"))\n")
    }
}
