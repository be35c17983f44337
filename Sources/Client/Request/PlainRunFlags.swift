// SPDX-License-Identifier: Apache-2.0

// `run` is described to the parser library, with all of its options, their help and their completion. The library takes longer to make
// that description than the rest of the client does for a whole run; so what scripts say most is understood here, and only what leaves no doubt:
// everything else, and everything that is wrong, is the parser's.
extension RunFlags {
    /// - Parameter words: those behind `run`.
    /// - Returns: nil where the parser is needed, be it to say what is wrong.
    package init?(plain words: ArraySlice<String>) {
        self.init(image: "")
        var words = words
        var given: Set<String> = []
        while let word = words.first, word.hasPrefix("-") {
            words.removeFirst()
            if turnOn(word) { continue }
            // A value is joined to a long name by "=", and to a letter by nothing, which is left to the parser.
            let end = word.hasPrefix("--") ? word.firstIndex(of: "=") : nil
            let name = end.map { String(word[..<$0]) } ?? word
            guard let value = end.map({ String(word[word.index(after: $0)...]) }) ?? words.popFirst(), Self.isPlain(value) else {
                return nil
            }
            if !append(value, to: name) {
                // Of those with one value the parser says what a second one means.
                guard given.insert(name).inserted, set(name, value) else { return nil }
            }
        }
        guard let image = words.popFirst(), !image.isEmpty, words.first != "--" else { return nil }
        self.image = image
        arguments = Array(words)
    }

    /// What nobody could take for an option, or for a value that was left out.
    private static func isPlain(_ value: String) -> Bool { !value.isEmpty && !value.hasPrefix("-") }

    /// - Returns: false where it is none of these.
    private mutating func turnOn(_ word: String) -> Bool {
        switch word {
        case "--rm": remove = true
        case "--detach": detached = true
        case "--interactive": interactive = true
        case "--tty": tty = true
        case "--init": initProcess = true
        case "--read-only": readOnly = true
        default: return turnOn(letters: word.dropFirst())
        }
        return true
    }

    /// `-d`, `-it`.
    private mutating func turnOn(letters: Substring) -> Bool {
        guard !letters.isEmpty, letters.allSatisfy({ "dit".contains($0) }) else { return false }
        if letters.contains("d") { detached = true }
        if letters.contains("i") { interactive = true }
        if letters.contains("t") { tty = true }
        return true
    }

    /// - Returns: false where it is none that can be repeated.
    private mutating func append(_ value: String, to name: String) -> Bool {
        switch name {
        case "-e", "--env": environment.append(value)
        case "-l", "--label": labels.append(value)
        case "-v", "--volume": volumes.append(value)
        default: return false
        }
        return true
    }

    private mutating func set(_ name: String, _ value: String) -> Bool {
        switch name {
        case "--name": self.name = value
        case "--network": network = value
        case "--hostname": hostname = value
        case "--workdir": workingDirectory = value
        case "--user": user = value
        case "--entrypoint": entrypoint = value
        case "--restart": restart = value
        case "--log": log = value
        case "--memory": limits.memory = value
        case "--cpus": limits.cpus = value
        case "--pids-limit":
            guard let number = Int64(value) else { return false }
            limits.pidsLimit = number
        default: return false
        }
        return true
    }
}
