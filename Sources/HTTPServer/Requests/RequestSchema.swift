// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// What a request body has to look like, read from the API's description: the part of JSON Schema that is used there for requests.
/// scripts/openapi refuses a description that uses more.
///
/// Checking by the description itself keeps it true, and tells the client the place: `/mounts/0/type`.
indirect enum RequestSchema: Sendable {
    case boolean
    case integer(ClosedRange<Int64>)
    case string(length: ClosedRange<Int>, choices: [String]?)
    case array(of: RequestSchema, limit: Int)
    /// `others`: what a member of another name must be; nil refuses it.
    case object(members: [String: RequestSchema], required: [String], others: RequestSchema?, limit: Int)

    /// - Throws: where the value first differs.
    func check(_ value: JSONValue, at place: String = "") throws(APIProblem) {
        switch (self, value) {
        case (.boolean, .bool):
            return
        case (.integer(let range), .number(let number)):
            guard let integer = number.integer(Int64.self), range.contains(integer) else {
                throw Self.problem(place, "\(quoted(number.text)) is not an integer from \(range.lowerBound) to \(range.upperBound)")
            }
        case (.string(let length, let choices), .string(let text)):
            try Self.check(text, length, choices, at: place)
        case (.array(let element, let limit), .array(let values)):
            guard values.count <= limit else { throw Self.problem(place, "more than \(limit) elements") }
            for (index, value) in values.enumerated() { try element.check(value, at: "\(place)/\(index)") }
        case (.object, .object(let members)):
            try check(members, at: place)
        default:
            throw Self.problem(place, "not \(kind)")
        }
    }

    private func check(_ object: JSONObject, at place: String) throws(APIProblem) {
        guard case .object(let members, let required, let others, let limit) = self else { return }
        guard object.count <= limit else { throw Self.problem(place, "more than \(limit) members") }
        for (name, value) in object.members {
            guard let schema = members[name] ?? others else {
                let known = members.keys.sorted().joined(separator: ", ")
                throw Self.problem(place, "unknown member \(quoted(name))", remedy: "known here: \(known)")
            }
            if name.utf8.contains(0) { throw Self.problem(place, "a member's name holds a NUL") }
            try schema.check(value, at: "\(place)/\(name)")
        }
        for name in required where object[name] == nil { throw Self.problem(place, "member \"\(name)\" is missing") }
    }

    /// NUL ends a string for the kernel: what comes after it would be dropped.
    private static func check(_ text: String, _ length: ClosedRange<Int>, _ choices: [String]?, at place: String) throws(APIProblem) {
        if text.utf8.contains(0) { throw problem(place, "the string holds a NUL") }
        if text.utf8.count < length.lowerBound { throw problem(place, "the string is empty") }
        if text.utf8.count > length.upperBound, text.unicodeScalars.count > length.upperBound {
            throw problem(place, "the string is longer than \(length.upperBound) characters")
        }
        if let choices, !choices.contains(text) {
            throw problem(place, "\(quoted(text)) is none of \(choices.map { "\"\($0)\"" }.joined(separator: ", "))")
        }
    }

    private var kind: String {
        switch self {
        case .boolean: "a boolean"
        case .integer: "an integer"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    private static func problem(_ place: String, _ what: String, remedy: String? = nil) -> APIProblem {
        .invalidRequest("the body at \(place.isEmpty ? "its top" : quoted(place)): \(what)", remedy: remedy)
    }
}
