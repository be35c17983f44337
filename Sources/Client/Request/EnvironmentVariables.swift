// SPDX-License-Identifier: Apache-2.0

internal import Linux

/// `-e` and `--env-file`: the entries that a request carries, in the order in which they replace each other.
package struct EnvironmentVariables {
    package private(set) var entries: [String] = []
    /// The value of a variable of this process, as bytes.
    private let here: (String) -> [UInt8]?

    package init(here: @escaping (String) -> [UInt8]?) { self.here = here }

    /// What `--env-file` and `--env` say, the files first.
    package static func entries(
        flags: [String], files: [String], _ surroundings: RunFlags.Surroundings
    ) throws(UsageError) -> [String] {
        var variables = EnvironmentVariables(here: surroundings.variable)
        for path in files {
            let bytes: [UInt8]
            do throws(KernelError) { bytes = try surroundings.readFile(path).get() } catch {
                throw UsageError("--env-file", path, "\(error.call): \(error.errno)")
            }
            try variables.add(file: bytes, named: path)
        }
        for entry in flags { try variables.add(flag: entry) }
        return variables.entries
    }

    /// `NAME=value`, or `NAME` to take it from here; one that is not set here is left out, as Docker does.
    package mutating func add(flag text: String) throws(UsageError) {
        guard let first = text.first, first != "=" else {
            throw UsageError("--env", text, "no name", remedy: "use NAME=value, or NAME to take it from here")
        }
        try add(text, source: "--env")
    }

    /// Docker's format: a line is `NAME=value` or `NAME`; leading blanks, empty lines and lines that begin with `#` don't count; the value
    /// is everything behind the `=`, quotes and all. A byte order mark and the CR of a CR LF are dropped.
    package mutating func add(file bytes: [UInt8], named path: String) throws(UsageError) {
        let mark: [UInt8] = [0xef, 0xbb, 0xbf]
        let content = bytes.starts(with: mark) ? bytes[3...] : bytes[...]
        for (index, line) in content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            var line = line
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            line = line.drop { Self.isBlank($0) }
            guard let first = line.first, first != UInt8(ascii: "#") else { continue }
            let place = "\(terminalSafe(path)):\(index + 1)"
            guard let text = String(validating: line, as: UTF8.self), !line.contains(0) else {
                throw UsageError("--env-file \(place): not text in UTF-8")
            }
            let name = line.prefix { $0 != UInt8(ascii: "=") }
            guard !name.isEmpty else { throw UsageError("--env-file \(place): no name before the \"=\"") }
            guard !name.contains(where: Self.isBlank) else {
                throw UsageError(
                    "--env-file \(place): blanks in the name \"\(terminalSafe(String(decoding: name, as: UTF8.self)))\"",
                    remedy: "lines are NAME=value; `export` and blanks around the \"=\" are the shell's")
            }
            try add(text, source: "--env-file \(place)")
        }
    }

    private mutating func add(_ text: String, source: String) throws(UsageError) {
        if text.utf8.contains(UInt8(ascii: "=")) { return entries.append(text) }
        guard let bytes = here(text) else { return }
        guard let value = String(validating: bytes, as: UTF8.self) else {
            throw UsageError("\(source): the value of \(terminalSafe(text)) is not text in UTF-8")
        }
        entries.append("\(text)=\(value)")
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || (0x09...0x0d).contains(byte) }
}
