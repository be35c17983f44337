// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client

extension Snapshot {
    struct Tree: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "tree", abstract: "Show which images stand on which layers.",
            discussion: "Layers stand on those above them in the tree. One that stands in several places is stored once all the same.")
        @Flag(name: .long, help: "Don't shorten keys.") var noTrunc = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: Connection

        func run() throws {
            let tree = try connection.client.request(.get, ["v1", "snapshots", "tree"], body: nil as String?, as: SnapshotTree.self)
            if try output.show(one: tree) { return }
            show(snapshotTreeText(tree, noTrunc: noTrunc))
        }
    }

    struct Owner: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "owner", abstract: "Tell to which layer, container or image a path belongs.",
            discussion: """
                A path of the host is looked up below the daemon's root. CONTAINER:/PATH is one in a container, whether it runs or not: \
                from which of its layers it comes.
                """)
        @Argument(help: ArgumentHelp("A path of the host, or one in a container.", valueName: "path|container:/path"), completion: .file())
        var path: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: Connection

        func run() throws {
            let owner = try connection.client.request(
                .get, ["v1", "snapshots", "owner"], query: query, body: nil as String?, as: SnapshotOwner.self)
            if try output.show(one: owner) { return }
            show(ownerText(owner))
        }

        private var query: [(name: String, value: String?)] {
            if let marker = path.firstRange(of: ":/"), !path.hasPrefix("/"), !path.hasPrefix(".") {
                return [("container", String(path[..<marker.lowerBound])), ("path", "/" + path[marker.upperBound...])]
            }
            return [("path", path.hasPrefix("/") ? path : RunFlags.Surroundings.own.workingDirectory + "/" + path)]
        }
    }

    struct Orphans: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "orphans", abstract: "List what lies below the root without a record, and what will happen to it.",
            discussion: """
                Normally nothing. deleted: in the trash, deleted when there is time; swept: moved there by the next sweep, at the latest \
                when the daemon starts; under way: being made now; kept: not the daemon's, and left alone.
                """)
        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: Connection

        func run() throws {
            let orphans = try connection.client.request(
                .get, ["v1", "snapshots", "orphans"], body: nil as String?, as: [SnapshotOrphan].self)
            if try output.show(orphans) { return }
            show(
                table(
                    ["KIND", "SIZE", "INODES", "FATE", "PATH"],
                    orphans.map { orphan in
                        [
                            orphan.kind.rawValue, byteCount(orphan.sizeInBytes), "\(orphan.inodes)",
                            orphan.fate == .underWay ? "under way" : orphan.fate.rawValue, orphan.path,
                        ]
                    }))
        }
    }
}

private func ownerText(_ owner: SnapshotOwner) -> String {
    let kind = owner.kind == .underWay ? "under way" : owner.kind.rawValue
    var facts: [(String, String)] = [("belongs to", [kind, owner.key ?? ""].filter { !$0.isEmpty }.joined(separator: " "))]
    if let inside = owner.inside { facts.append(("there", inside)) }
    if let path = owner.path { facts.append(("on the host", path)) }
    if let type = owner.type { facts.append(("is", type + (owner.sizeInBytes.map { ", \(byteCount($0))" } ?? ""))) }
    if let merged = owner.merged { facts.append(("merged of", merged.map(shortID).joined(separator: ", "))) }
    if !owner.images.isEmpty {
        let names = owner.references.isEmpty ? owner.images.map(shortID) : owner.references.map(shortReference)
        facts.append((owner.images.count == 1 ? "image" : "images", names.joined(separator: ", ")))
    }
    if !owner.containers.isEmpty { facts.append(("containers", owner.containers.map(shortID).joined(separator: ", "))) }
    if let note = owner.note { facts.append(("note", note)) }
    return pairs(facts)
}
