// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client
internal import Glibc

/// How the program ends: the one place where errors become messages and exit codes. docs/cli.md has the same table.
struct Ending {
    private var code: CInt
    private var message: String?
    private var remedy: String?
    /// Help, versions, completions: asked for, so it goes to stdout.
    private var text: String?

    /// The refusals of these are 125, so that they are not taken for the container's own exit code.
    private static let containersCode: Set<String> = ["run", "exec", "attach"]

    /// - Parameter command: the words that name it, from the program's own on.
    init(of error: any Error, command: [String]) {
        let refused: CInt = command.count > 1 && Self.containersCode.contains(command[1]) ? 125 : 1
        let error: any Error = if case ClientError.usage(let usage) = error { usage } else { error }
        switch error {
        case let error as ExitCode: code = error.rawValue
        case let error as ClientError:
            (code, message, remedy) = (refused, error.message, error.remedy)
            if refused == 125, case .problem(let problem) = error, let own = problem.exitCode { code = CInt(clamping: own) }
        case let error as UsageError: (code, message, remedy) = (refused == 125 ? 125 : EX_USAGE, error.message, error.remedy)
        case let error as Failure: (code, message, remedy) = (refused, error.message, error.remedy)
        default:
            // The parser's errors, and what it calls errors: the wish for help.
            code = CommandLineTool.exitCode(for: error).rawValue
            if code == 0 {
                text = CommandLineTool.fullMessage(for: error) + "\n"
            } else if code == CommandLineTool.exitCode(for: ValidationError("")).rawValue {
                (message, remedy) = Self.explain(error, command)
                code = refused == 125 ? 125 : EX_USAGE
            } else {
                (code, message) = (refused, terminalSafe("\(error)"))
            }
        }
    }

    func exit() -> Never {
        if let text { show(text) }
        if let message { complain(message, remedy) }
        Glibc.exit(code)
    }

    /// "Unknown option '--nmae'. Did you mean '--name'?", in this program's manner.
    private static func explain(_ error: any Error, _ command: [String]) -> (message: String, remedy: String?) {
        let text = CommandLineTool.message(for: error).replacing(ShieldedWords.shield, with: "")
        let own = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        if own.count == 2 { return (own[0], own[1].isEmpty ? nil : own[1]) }
        var message = terminalSafe(own.first ?? "").replacing(". Did you", with: "; did you")
        message = message.prefix(1).lowercased() + message.dropFirst()
        let marker = "unknown option '"
        if message.hasPrefix(marker), let note = DockerHabits.note(option: String(message.dropFirst(marker.count).prefix { $0 != "'" })) {
            return (message.prefix { $0 != ";" } + "", note)
        }
        return (message, "see `\(command.joined(separator: " ")) --help`")
    }
}

extension ValidationError {
    /// The parser shows a message alone: the line feed tells ours from the library's, and what follows it is the remedy.
    init(_ error: UsageError) { self.init("\(error.message)\n\(error.remedy ?? "")") }
}

/// What came to nothing although it was asked for rightly, and is not the daemon's refusal.
struct Failure: Error {
    var message: String
    var remedy: String?

    init(_ message: String, remedy: String? = nil) {
        self.message = message
        self.remedy = remedy
    }
}

/// Does one thing for each operand; a refusal is told, and the next one's turn comes.
/// - Throws: `ExitCode.failure` where one failed; at once where the daemon can't be talked to.
func forEach(_ operands: [String], _ body: (String) throws -> Void) throws {
    var failed = false
    for operand in operands {
        do {
            try body(operand)
        } catch let error as ClientError {
            guard case .problem = error else { throw error }
            complain(error.message, error.remedy)
            failed = true
        }
    }
    if failed { throw ExitCode.failure }
}

/// The same for what is shown as one document: of those that were not refused.
func forEach(_ operands: [String], _ body: (String) throws -> Void, thenShow show: () throws -> Void) throws {
    let failure = Result { try forEach(operands, body) }
    try show()
    try failure.get()
}
