// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Client
internal import Glibc

/// The words of the command line before they are parsed: what the parser library would read otherwise than it is meant.
struct CommandWords {
    private var words: [String]
    /// A word that is not UTF-8: it would reach the daemon as another one.
    private var unreadable: String?

    init(_ raw: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>, count: Int) {
        words = []
        for index in 1..<max(1, count) {
            guard let word = raw[index] else { continue }
            if String(validatingCString: word) == nil { unreadable = String(cString: word) }
            words.append(String(cString: word))
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

    /// What they name, for its messages and its exit code: `ctr-swift snapshot ls`.
    private(set) var path = [CommandLineTool.name]

    /// A command whose words are so plain that no parser is needed for them.
    /// - Parameter understand: what follows the command's name; nil where it is not plain.
    mutating func takePlain<Call>(_ command: String, _ understand: (ArraySlice<String>) -> Call?) -> Call? {
        guard words.first == command, unreadable == nil, let call = understand(words.dropFirst()) else { return nil }
        path.append(command)
        return call
    }

    /// Finds the command, and parses what follows it.
    /// - Throws: `UsageError` for a word in a command's place that is none, with the one that was probably meant, and for one that is not
    ///   UTF-8; the parser's errors.
    mutating func parse() throws -> any ParsableCommand {
        if let word = words.first, unreadable == nil, let command = CommandLineTool.frequent(word[...]) {
            path.append(word)
            return try ShieldedWords(words.dropFirst()).parse(command)
        }
        let root: any ParsableCommand.Type = CommandLineTool.self
        var (group, command) = (root, root)
        var rest = words[...]
        let asksForHelp = rest.first == "help"
        if asksForHelp { rest = rest.dropFirst() }
        while let word = rest.first, !word.hasPrefix("-"), !command.configuration.subcommands.isEmpty {
            guard let next = command.configuration.subcommands.first(where: { Self.names($0).contains(word) }) else {
                throw unknown(word, in: command)
            }
            (group, command) = (command, next)
            path.append(next.configuration.commandName ?? word)
            rest = rest.dropFirst()
        }
        if let unreadable { throw UsageError("\"\(terminalSafe(unreadable))\" is not text in UTF-8") }
        // Help, versions, completions and groups without a command are the whole tree's matter.
        guard !asksForHelp, command.configuration.subcommands.isEmpty else { return try root.parseAsRoot(words) }
        return try Self.parse(Array(rest), command, of: group)
    }

    private func unknown(_ word: String, in group: any ParsableCommand.Type) -> UsageError {
        let path = path.joined(separator: " ")
        if self.path.count == 1, let note = DockerHabits.note(command: word) { return UsageError("no command \"\(word)\"", remedy: note) }
        let meant = suggestion(for: word, among: group.configuration.subcommands.flatMap(Self.names))
        return UsageError(
            "no command \"\(terminalSafe(word))\"" + (meant.map { "; did you mean `\(path) \($0)`?" } ?? ""),
            remedy: "`\(path) --help` lists the commands")
    }

    private static func parse<Group: ParsableCommand, Command: ParsableCommand>(
        _ words: [String], _: Command.Type, of: Group.Type
    ) throws -> any ParsableCommand { try Direct<Group, Command>.parseAsRoot(words) }

    private static func names(_ command: any ParsableCommand.Type) -> [String] {
        (command.configuration.commandName.map { [$0] } ?? []) + command.configuration.aliases
    }
}

/// A command parsed alone, without the tree that it stands in: a good part of the time of a parse goes into the tree, which would
/// take `--generate-completion-script` wherever it stands, also among the words of a container.
private struct Direct<Group: ParsableCommand, Command: ParsableCommand>: ParsableCommand {
    static var configuration: CommandConfiguration {
        var configuration = Command.configuration
        let own = CommandLineTool.name
        configuration._superCommandName = Group.configuration.commandName.map { $0 == own ? own : "\(own) \($0)" }
        return configuration
    }

    @OptionGroup var command: Command

    mutating func run() throws { try command.run() }
}
