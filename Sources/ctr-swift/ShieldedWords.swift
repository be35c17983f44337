// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Client

/// A command behind whose image or container all words are the program's.
protocol PassingCommand: ParsableCommand {
    var passedWords: [String] { get set }
}

/// Words of which the parser refuses none that is not meant for it.
///
/// It takes `---` and `-=x` for options without a name wherever they stand. It is given them with a NUL before them, which no word of a command
/// line can have, and which is taken away where they are the program's.
struct ShieldedWords {
    static let shield = "\0"
    private let words: [String]
    private let shielded: [String]

    init(_ words: some Collection<String>) {
        shielded = words.filter(Self.isNameless)
        self.words = words.map { Self.isNameless($0) ? Self.shield + $0 : $0 }
    }

    private static func isNameless(_ word: String) -> Bool { ["---", "--=", "-="].contains { word.hasPrefix($0) } }

    /// - Throws: `UsageError` for such a word before the image or the container; the parser's errors.
    func parse(_ type: any ParsableCommand.Type) throws -> any ParsableCommand {
        let command = try type.parseAsRoot(words)
        guard let first = shielded.first else { return command }
        guard var command = command as? any PassingCommand, command.passedWords.count(where: Self.isShielded) == shielded.count else {
            throw UsageError("\"\(terminalSafe(first))\" is neither an option nor a value of one")
        }
        command.passedWords = command.passedWords.map { Self.isShielded($0) ? String($0.dropFirst(Self.shield.count)) : $0 }
        return command
    }

    private static func isShielded(_ word: String) -> Bool { word.hasPrefix(shield) }
}
