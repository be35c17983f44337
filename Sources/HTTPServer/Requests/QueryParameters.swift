// SPDX-License-Identifier: Apache-2.0

internal import Hummingbird

/// A request's query, read strictly: a parameter that is unknown, given twice or not decodable is refused, never ignored.
struct QueryParameters {
    private let values: [String: String]

    /// - Parameter known: the names that the endpoint describes.
    init(_ request: Request, known: Set<String> = []) throws(APIProblem) {
        var values: [String: String] = [:]
        for pair in (request.uri.query ?? "").split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentEncoding.decode(parts[0], plusIsSpace: true) else {
                throw .invalidRequest("the query has a parameter whose name is not percent-encoded UTF-8")
            }
            guard known.contains(name) else {
                let list = known.isEmpty ? "none is" : known.sorted().map { "\"\($0)\"" }.joined(separator: ", ")
                throw .invalidRequest("unknown query parameter \(quoted(name))", remedy: "known here: \(list)")
            }
            guard let value = PercentEncoding.decode(parts.count == 2 ? parts[1] : "", plusIsSpace: true) else {
                throw .invalidRequest("query parameter \"\(name)\": not percent-encoded UTF-8, or it holds a NUL")
            }
            guard values.updateValue(value, forKey: name) == nil else {
                throw .invalidRequest("query parameter \"\(name)\" is given twice")
            }
        }
        self.values = values
    }

    func flag(_ name: String) throws(APIProblem) -> Bool {
        switch values[name] {
        case nil, "false": false
        case "true": true
        case let other?: throw .invalidRequest("query parameter \"\(name)\": \(quoted(other)) is neither true nor false")
        }
    }

    /// One of the names that `Choice` has, or nil where it is not given.
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, _: Choice.Type
    ) throws(APIProblem) -> Choice? where Choice.RawValue == String {
        guard let value = values[name] else { return nil }
        if let choice = Choice(rawValue: value) { return choice }
        let known = Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
        throw .invalidRequest("query parameter \"\(name)\": \(quoted(value)) is none of \(known)")
    }

    /// A number from 0 to 2^31-1, or nil where it is not given.
    func count(_ name: String) throws(APIProblem) -> Int? {
        guard let value = values[name] else { return nil }
        guard let number = Int32(value), number >= 0, !value.hasPrefix("+") else {
            throw .invalidRequest("query parameter \"\(name)\": \(quoted(value)) is not a number from 0 to \(Int32.max)")
        }
        return Int(number)
    }

    /// Not empty, and at most so many bytes long.
    func text(_ name: String, limit: Int) throws(APIProblem) -> String {
        guard let value = try optionalText(name, limit: limit) else { throw .invalidRequest("query parameter \"\(name)\" is missing") }
        return value
    }

    func optionalText(_ name: String, limit: Int) throws(APIProblem) -> String? {
        guard let value = values[name] else { return nil }
        guard (1...limit).contains(value.utf8.count) else {
            throw .invalidRequest("query parameter \"\(name)\" is not 1 to \(limit) bytes long")
        }
        return value
    }

    func reference(_ name: String) throws(APIProblem) -> String {
        guard let value = values[name], !value.isEmpty else { throw .invalidRequest("query parameter \"\(name)\" is missing") }
        guard value.utf8.count <= 1024 else { throw .invalidRequest("query parameter \"\(name)\" is longer than 1,024 bytes") }
        return value
    }
}

/// Text from a client, for a message: bounded, and without control characters.
func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars.prefix(128) {
        switch scalar {
        case "\"", "\\": result += "\\\(scalar)"
        case _ where scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value): result += "\\u{\(String(scalar.value, radix: 16))}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return text.unicodeScalars.count > 128 ? result + "…\"" : result + "\""
}
