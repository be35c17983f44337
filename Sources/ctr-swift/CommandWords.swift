// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Client
internal import Glibc

/// The words of the command line before they are parsed: what the parser library would read otherwise than it is meant.
struct CommandWords {
    private var words: [String]

    init(_ words: [String]) { self.words = words }

    /// The first command, for how it ends.
    var command: String? { words.first { !$0.hasPrefix("-") } }

    /// - Throws: `UsageError` for a word that is not UTF-8: it would reach the daemon as another one.
    func check(_ raw: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>, count: Int) throws(UsageError) {
        for index in 0..<count {
            guard let word = raw[index] else { continue }
            if String(validatingCString: word) == nil {
                throw UsageError("\"\(terminalSafe(String(cString: word)))\" is not text in UTF-8")
            }
        }
    }

    /// `ctr-swift --socket PATH command`: handed on by the environment, since an option before the command is not the command's.
    mutating func takeSocket() throws(UsageError) {
        while let first = words.first, first == "--socket" || first.hasPrefix("--socket=") {
            words.removeFirst()
            if first == "--socket", words.isEmpty { throw UsageError("--socket needs a path") }
            setenv("CTR_SWIFT_SOCKET", first == "--socket" ? words.removeFirst() : String(first.dropFirst("--socket=".count)), 1)
        }
    }

    /// - Throws: `UsageError` for a word in a command's place that is none, with the one that was probably meant.
    func checkNames(of root: any ParsableCommand.Type) throws(UsageError) {
        var (group, path) = (root, root.configuration.commandName ?? "")
        var rest = words[...]
        if rest.first == "help" { rest = rest.dropFirst() }
        while let word = rest.first, !word.hasPrefix("-"), !group.configuration.subcommands.isEmpty {
            let known = group.configuration.subcommands
            guard let next = known.first(where: { Self.names($0).contains(word) }) else {
                let isFirst = path == root.configuration.commandName
                if isFirst, word == "help" { return }
                if isFirst, let note = DockerHabits.note(command: word) { throw UsageError("no command \"\(word)\"", remedy: note) }
                let meant = suggestion(for: word, among: known.flatMap(Self.names)).map { "; did you mean `\(path) \($0)`?" } ?? ""
                throw UsageError("no command \"\(terminalSafe(word))\"\(meant)", remedy: "`\(path) --help` lists the commands")
            }
            (group, path) = (next, "\(path) \(word)")
            rest = rest.dropFirst()
        }
    }

    private static func names(_ command: any ParsableCommand.Type) -> [String] {
        (command.configuration.commandName.map { [$0] } ?? []) + command.configuration.aliases
    }

    /// The parser takes this one option wherever it stands, also behind an image: `run IMAGE tool --generate-completion-script`.
    private static let completionOption = "--generate-completion-script"
    private static let hidden = "\u{0}" + completionOption

    var forParser: [String] {
        words.enumerated().map { $0 > 0 && $1.hasPrefix(Self.completionOption) ? "\u{0}" + $1 : $1 }
    }

    /// A word of the container's as it was typed.
    static func restored(_ word: String) -> String { word.hasPrefix(hidden) ? String(word.dropFirst()) : word }
}
