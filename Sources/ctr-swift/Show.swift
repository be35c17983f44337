// SPDX-License-Identifier: Apache-2.0

internal import Client
internal import JSON

extension OutputOptions {
    /// JSON or a template, where one was asked for. - Returns: false: a table is wanted.
    func show<Value: Encodable>(_ values: [Value]) throws -> Bool {
        if let format {
            for value in values { ctr_swift.show(try render(format, try JSON.value(of: value)) + "\n") }
            return true
        }
        guard json else { return false }
        ctr_swift.show(String(decoding: try JSON.encode(values, .pretty), as: UTF8.self) + "\n")
        return true
    }
}

/// `{{.summary.pid}}` becomes the member's text; what is between stays.
private func render(_ format: String, _ value: JSONValue) throws -> String {
    var result = ""
    var rest = format[...]
    while let open = rest.firstRange(of: "{{") {
        result += rest[..<open.lowerBound]
        rest = rest[open.upperBound...]
        guard let close = rest.firstRange(of: "}}") else { throw Refusal(message: "--format: \"{{\" without \"}}\"", remedy: nil) }
        let path = rest[..<close.lowerBound].filter { $0 != " " }.split(separator: ".")
        var member: JSONValue? = value
        for name in path { member = member?[String(name)] }
        result += member.map(text) ?? ""
        rest = rest[close.upperBound...]
    }
    return result + rest
}

private func text(_ value: JSONValue) -> String {
    switch value {
    case .string(let text): terminalSafe(text)
    case .number(let number): number.text
    case .bool(let flag): "\(flag)"
    case .null: ""
    case .array, .object: (try? JSON.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
