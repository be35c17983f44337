// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client

extension Image {
    struct Efficiency: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "efficiency", abstract: "Show what an image's layers carry that layers above write again or delete.",
            discussion: """
                The score is 1 - wasted / content. The first question reads all names and sizes of the layers; the answer is remembered. \
                The exit code is 2 where the score is under --fail-under.
                """)

        /// Of `--fail-under`; docs/cli.md has it.
        static let isUnder = ExitCode(2)

        @Option(name: .long, help: ArgumentHelp("Fail where the score is less: 0 to 1.", valueName: "score")) var failUnder: Double?
        @Option(name: .long, help: ArgumentHelp("How many paths to show: 0 to 100.", valueName: "count")) var top = 10
        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: Connection
        @Argument(help: "A reference or id.", completion: .images) var image: String

        func validate() throws {
            guard failUnder.map({ (0...1).contains($0) }) ?? true else {
                throw ValidationError(UsageError("--fail-under is not from 0 to 1", remedy: "90 percent are 0.9"))
            }
            guard (0...100).contains(top) else {
                throw ValidationError(UsageError("--top is not from 0 to 100", remedy: "--json has all that the daemon tells"))
            }
        }

        func run() throws {
            let found = try connection.client.request(
                .get, ["v1", "images", "efficiency"], query: [("reference", image)], body: nil as String?, as: ImageEfficiency.self)
            if try !output.show(one: found) { show(text(found)) }
            guard let failUnder, found.score < failUnder else { return }
            complain("\(image): the efficiency \(found.score) is under \(failUnder)", nil)
            throw Self.isUnder
        }

        private func text(_ found: ImageEfficiency) -> String {
            let waste = counted(Int(found.overwrittenFiles), "file") + " written again, \(found.deletedFiles) deleted"
            let sums = pairs([
                ("efficiency", percent(found.score)), ("content", byteCount(found.contentBytes)),
                ("wasted", "\(byteCount(found.wastedBytes)): \(waste)"),
            ])
            let paths = found.paths.prefix(top)
            if paths.isEmpty { return sums }
            let rows = paths.map { ["\($0.timesWritten)", byteCount($0.wastedBytes), $0.path + ($0.deleted ? " (deleted)" : "")] }
            let more = found.wastedPaths - Int64(paths.count)
            return sums + "\n" + table(["WRITTEN", "WASTED", "PATH"], rows) + (more > 0 ? "and \(more) more\n" : "")
        }

        /// Rounded down: only what wastes nothing is 100.0 %.
        private func percent(_ score: Double) -> String {
            let tenths = Int(score * 1000)
            return "\(tenths / 10).\(tenths % 10) %"
        }
    }

    struct Tree: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "tree", abstract: "Show an image's layers, the commands that made them, what they take and what is wasted.",
            discussion: "From the base up. UNPACKED is on disk; WASTED is what layers above write again or delete.")

        @Flag(name: .long, help: "Don't shorten ids and commands.") var noTrunc = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: Connection
        @Argument(help: "A reference or id.", completion: .images) var image: String

        func run() throws {
            let tree = try connection.client.request(
                .get, ["v1", "images", "tree"], query: [("reference", image)], body: nil as String?, as: ImageTree.self)
            if try output.show(one: tree) { return }
            var rows = tree.layers.map { layer in
                [
                    noTrunc ? layer.diffID : shortID(layer.diffID), layer.compressedSizeInBytes.map(byteCount) ?? "-",
                    byteCount(layer.sizeInBytes), layer.repeated ? "again above" : byteCount(layer.wastedBytes),
                    command(layer.createdBy, tree.history),
                ]
            }
            if let size = tree.fixupSizeInBytes { rows.append(["fix-up", "-", byteCount(size), "-", "(what the stack needs on top)"]) }
            show(table(["LAYER", "COMPRESSED", "UNPACKED", "WASTED", "COMMAND"], rows))
        }

        private func command(_ text: String?, _ history: ImageTree.History) -> String {
            switch history {
            case .missing: return "(the image has no history)"
            case .mismatched: return "(the history does not fit the layers)"
            case .known: break
            }
            guard let text, !text.isEmpty else { return "-" }
            if noTrunc { return text }
            let words = text.split { $0 == " " || $0 == "\t" || $0.isNewline }.joined(separator: " ")
            return words.count > 60 ? words.prefix(59) + "…" : words
        }
    }
}
