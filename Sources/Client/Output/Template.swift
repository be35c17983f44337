// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// `--format`: text with `{{…}}` in it, after Go's templates as Docker users know them, as far as paths, `json`, `index`, `len` and
/// `join` go. `\t` and `\n` are a tab and a line feed.
package struct Template: Sendable {
    private var pieces: [Piece] = []

    private enum Piece: Sendable {
        case text(String)
        case path([String])
        case json([String])
        case count([String])
        case index([String], key: String)
        case join([String], separator: String)
    }

    /// - Parameter text: `json` alone stands for `{{json .}}`.
    package init(_ text: String) throws(UsageError) {
        var rest = text == "json" ? "{{json .}}"[...] : text[...]
        while let open = rest.firstRange(of: "{{") {
            add(rest[..<open.lowerBound])
            guard let close = rest[open.upperBound...].firstRange(of: "}}") else {
                throw UsageError("--format", text, "\"{{\" without \"}}\"")
            }
            pieces.append(try Self.action(rest[open.upperBound..<close.lowerBound], text))
            rest = rest[close.upperBound...]
        }
        add(rest)
    }

    private mutating func add(_ text: Substring) {
        if text.isEmpty { return }
        pieces.append(.text(Self.unescaped(String(text))))
    }

    private static func unescaped(_ text: String) -> String { text.replacing("\\t", with: "\t").replacing("\\n", with: "\n") }

    /// - Throws: `UsageError` for a member that the value's type does not have. One that it has and that is not set shows nothing.
    package func render(_ value: some Encodable) throws(UsageError) -> String {
        let document: JSONValue
        do throws(JSONError) { document = try JSON.value(of: value) } catch { throw UsageError("--format: \(error)") }
        var result = ""
        for piece in pieces {
            switch piece {
            case .text(let text): result += text
            case .path(let path): result += Self.text(try Self.member(path, of: document, value))
            case .json(let path): result += try Self.json(try Self.member(path, of: document, value) ?? .null)
            case .count(let path):
                switch try Self.member(path, of: document, value) {
                case .array(let values)?: result += "\(values.count)"
                case .object(let object)?: result += "\(object.count)"
                case .string(let text)?: result += "\(text.utf8.count)"
                default: result += "0"
                }
            case .index(let path, let key):
                switch try Self.member(path, of: document, value) {
                case .array(let values)?:
                    if let place = Int(key), values.indices.contains(place) { result += Self.text(values[place]) }
                case .object(let object)?: result += Self.text(object[key])
                default: break
                }
            case .join(let path, let separator):
                let values = try Self.member(path, of: document, value)?.arrayValue ?? []
                result += values.map { Self.text($0) }.joined(separator: separator)
            }
        }
        return result
    }
}

// What stands between the braces.
extension Template {
    private static func action(_ text: Substring, _ whole: String) throws(UsageError) -> Piece {
        let words = try words(text, whole)
        let path: (Int) throws(UsageError) -> [String] = { place throws(UsageError) in
            guard place < words.count, words[place].isBare, words[place].text.hasPrefix(".") else { throw unknown(text, whole) }
            return words[place].text.split(separator: ".").map(String.init)
        }
        guard let first = words.first, first.isBare else { throw unknown(text, whole) }
        switch (first.text, words.count) {
        case ("json", 2): return .json(try path(1))
        case ("len", 2): return .count(try path(1))
        case ("index", 3): return .index(try path(1), key: words[2].text)
        case ("join", 3): return .join(try path(1), separator: words[2].text)
        case (_, 1): return .path(try path(0))
        default: throw unknown(text, whole)
        }
    }

    private static func unknown(_ text: Substring, _ whole: String) -> UsageError {
        UsageError(
            "--format", whole, "\"{{\(terminalSafe(String(text)))}}\" is not understood",
            remedy: "{{.name}}, {{json .}}, {{len .layers}}, {{index .labels \"key\"}} and {{join .command \" \"}} are")
    }

    /// Words between blanks; a quoted one may hold blanks, with Go's simplest escapes.
    private static func words(_ text: Substring, _ whole: String) throws(UsageError) -> [(text: String, isBare: Bool)] {
        var words: [(text: String, isBare: Bool)] = []
        var rest = text.drop { $0 == " " }
        while let first = rest.first {
            if first == "\"" || first == "`" {
                guard let end = rest.dropFirst().firstIndex(of: first) else { throw unknown(text, whole) }
                let inner = String(rest[rest.index(after: rest.startIndex)..<end])
                words.append((first == "`" ? inner : unescaped(inner), false))
                rest = rest[rest.index(after: end)...]
            } else {
                let word = rest.prefix { $0 != " " && $0 != "\"" && $0 != "`" }
                words.append((String(word), true))
                rest = rest[word.endIndex...]
            }
            rest = rest.drop { $0 == " " }
        }
        return words
    }
}

// Finding members, and showing them.
extension Template {
    /// - Parameter value: what the document was made of: it still knows the members that are nil, which the document leaves out.
    private static func member(_ path: [String], of document: JSONValue, _ value: Any) throws(UsageError) -> JSONValue? {
        var member: JSONValue? = document
        var known: Any? = value
        for name in path {
            var next: Any?
            var spelling = name
            if let value = known.flatMap(unwrapped) {
                let mirror = Mirror(reflecting: value)
                if mirror.displayStyle == .struct {
                    let labels = mirror.children.compactMap(\.label)
                    // Docker's members begin with a capital: `{{.ID}}`, `{{.Image}}`.
                    guard let label = labels.first(where: { $0 == name }) ?? labels.first(where: { $0.lowercased() == name.lowercased() })
                    else {
                        throw UsageError(
                            "--format: no member \"\(terminalSafe(name))\"", remedy: "there are " + labels.joined(separator: ", "))
                    }
                    spelling = label
                    next = mirror.children.first { $0.label == label }?.value
                }
            }
            known = next
            member = member?[spelling]
        }
        return member
    }

    /// What an optional holds; nil for one that is empty.
    private static func unwrapped(_ value: Any) -> Any? {
        let mirror = Mirror(reflecting: value)
        return mirror.displayStyle == .optional ? mirror.children.first?.value : value
    }

    private static func text(_ value: JSONValue?) -> String {
        switch value {
        case .string(let text)?: terminalSafe(text)
        case .number(let number)?: number.text
        case .bool(let flag)?: "\(flag)"
        case nil, .null?: ""
        case .array?, .object?: (try? json(value ?? .null)) ?? ""
        }
    }

    private static func json(_ value: JSONValue) throws(UsageError) -> String {
        do throws(JSONError) { return terminalSafe(json: try JSON.encode(value)) } catch { throw UsageError("--format: \(error)") }
    }
}
