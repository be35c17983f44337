// SPDX-License-Identifier: Apache-2.0

/// Reading and writing JSON without Foundation: strict, bounded in depth, quick to start.
public enum JSON {
    public enum Style: Sendable {
        /// One line, no spaces.
        case compact
        /// Two spaces a level, for people.
        case pretty
    }

    /// - Parameter bytes: one document; the caller bounds its size.
    public static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSONValue {
        var parser = JSONParser(bytes)
        return try parser.document()
    }

    public static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws(JSONError) -> Value {
        try decode(type, from: parse(bytes))
    }

    public static func decode<Value: Decodable>(_ type: Value.Type, from value: JSONValue) throws(JSONError) -> Value {
        do {
            return try JSONValueDecoder(value: value, place: .root).unwrap(type)
        } catch {
            throw JSONError(decoding: error)
        }
    }

    /// Members come in the order in which they are encoded, those of a dictionary in the order of their names: the same value always
    /// gives the same bytes. An optional that is nil is left out.
    public static func encode<Value: Encodable>(_ value: Value, _ style: Style = .compact) throws(JSONError) -> [UInt8] {
        var writer = JSONWriter(style: style)
        writer.write(try self.value(of: value))
        return writer.bytes
    }

    public static func value<Value: Encodable>(of value: Value) throws(JSONError) -> JSONValue {
        do { return try JSONValueEncoder.encode(value, at: .root) } catch {
            throw error as? JSONError ?? JSONError("\(error)", at: "")
        }
    }
}

extension JSONError {
    init(decoding error: any Error) {
        switch error {
        case let error as JSONError: self = error
        case DecodingError.keyNotFound(let key, let context):
            self.init("no member \"\(key.stringValue)\"", at: Self.path(context.codingPath))
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
            DecodingError.dataCorrupted(let context):
            self.init(context.debugDescription, at: Self.path(context.codingPath))
        default: self.init("\(error)", at: "")
        }
    }
}
