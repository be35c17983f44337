// SPDX-License-Identifier: Apache-2.0

import Containers
import Testing

/// What runs: the image's Entrypoint and Cmd in their forms, and what a request puts in their place. Source: image-spec config.md.
@Suite struct ArgumentTests {
    /// ENTRYPOINT or CMD as a Dockerfile has it. The shell form is stored as the shell's command line.
    enum Form: String, CaseIterable, Sendable, CustomTestStringConvertible {
        case exec, shell, absent

        func words(_ name: String) -> [String]? {
            switch self {
            case .exec: ["/bin/\(name)", "a b"]
            case .shell: ["/bin/sh", "-c", "\(name) $HOME"]
            case .absent: nil
            }
        }
        var testDescription: String { rawValue }
    }

    /// Docker's table, written out: "What gets executed" for each pair.
    static let table: [(entrypoint: Form, command: Form, words: [String]?)] = [
        (.exec, .exec, ["/bin/entry", "a b", "/bin/cmd", "a b"]),
        (.exec, .shell, ["/bin/entry", "a b", "/bin/sh", "-c", "cmd $HOME"]),
        (.exec, .absent, ["/bin/entry", "a b"]),
        (.shell, .exec, ["/bin/sh", "-c", "entry $HOME", "/bin/cmd", "a b"]),
        (.shell, .shell, ["/bin/sh", "-c", "entry $HOME", "/bin/sh", "-c", "cmd $HOME"]),
        (.shell, .absent, ["/bin/sh", "-c", "entry $HOME"]),
        (.absent, .exec, ["/bin/cmd", "a b"]),
        (.absent, .shell, ["/bin/sh", "-c", "cmd $HOME"]),
        (.absent, .absent, nil),
    ]

    @Test("each of the nine combinations of Entrypoint and Cmd gives the words of Docker's table", arguments: table.indices)
    func combinations(index: Int) throws {
        let row = Self.table[index]
        let resolve = {
            try ProcessArguments.resolve(
                imageEntrypoint: row.entrypoint.words("entry"), imageCommand: row.command.words("cmd"), entrypoint: nil, arguments: [])
        }
        guard let words = row.words else {
            expectInvalid("no command") { try resolve() }
            return
        }
        #expect(try resolve() == words)
    }

    @Test("arguments take the place of Cmd, whatever its form, and leave Entrypoint", arguments: Form.allCases, Form.allCases)
    func argumentsReplaceCommand(entrypoint: Form, command: Form) throws {
        let words = try ProcessArguments.resolve(
            imageEntrypoint: entrypoint.words("entry"), imageCommand: command.words("cmd"), entrypoint: nil, arguments: ["x", "-y", ""])
        #expect(words == (entrypoint.words("entry") ?? []) + ["x", "-y", ""])
    }

    @Test("an entrypoint in the request takes the place of the image's and clears Cmd", arguments: Form.allCases, Form.allCases)
    func entrypointClearsCommand(entrypoint: Form, command: Form) throws {
        let resolve = { (arguments: [String]) in
            try ProcessArguments.resolve(
                imageEntrypoint: entrypoint.words("entry"), imageCommand: command.words("cmd"), entrypoint: ["/own", "-o"],
                arguments: arguments)
        }
        #expect(try resolve([]) == ["/own", "-o"])
        #expect(try resolve(["x"]) == ["/own", "-o", "x"])
    }

    @Test("an empty entrypoint in the request clears both: only the arguments are left", arguments: Form.allCases, Form.allCases)
    func emptyEntrypoint(entrypoint: Form, command: Form) throws {
        let resolve = { (arguments: [String]) in
            try ProcessArguments.resolve(
                imageEntrypoint: entrypoint.words("entry"), imageCommand: command.words("cmd"), entrypoint: [], arguments: arguments)
        }
        #expect(try resolve(["/bin/x"]) == ["/bin/x"])
        expectInvalid("no command") { try resolve([]) }
    }

    @Test("empty lists in the image are as good as absent ones")
    func emptyLists() throws {
        #expect(try ProcessArguments.resolve(imageEntrypoint: [], imageCommand: ["x"], entrypoint: nil, arguments: []) == ["x"])
        #expect(try ProcessArguments.resolve(imageEntrypoint: ["x"], imageCommand: [], entrypoint: nil, arguments: []) == ["x"])
        expectInvalid("no command") {
            try ProcessArguments.resolve(imageEntrypoint: [], imageCommand: [], entrypoint: nil, arguments: [])
        }
    }

    @Test("a first word that is empty, and a NUL in any word, are refused")
    func unusable() throws {
        expectInvalid("first word is empty") {
            try ProcessArguments.resolve(imageEntrypoint: [""], imageCommand: ["x"], entrypoint: nil, arguments: [])
        }
        expectInvalid("NUL") {
            try ProcessArguments.resolve(imageEntrypoint: ["x"], imageCommand: ["a\0b"], entrypoint: nil, arguments: [])
        }
        expectInvalid("NUL") {
            try ProcessArguments.resolve(imageEntrypoint: nil, imageCommand: nil, entrypoint: nil, arguments: ["sh", "a\0"])
        }
    }
}
