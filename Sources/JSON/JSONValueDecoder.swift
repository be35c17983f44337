// SPDX-License-Identifier: Apache-2.0

/// `Decoder` over a parsed value. Integers come only from integer literals in range.
struct JSONValueDecoder: Decoder {
    let value: JSONValue
    let place: JSONPlace
    var codingPath: [any CodingKey] { place.keys }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .object(let object) = value else { throw mismatch("an object") }
        return KeyedDecodingContainer(JSONKeyedDecoding(object: object, place: place))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .array(let values) = value else { throw mismatch("an array") }
        return JSONUnkeyedDecoding(values: values, place: place)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    /// The types that are most of every document are taken without going through their `init(from:)`.
    func unwrap<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if type == String.self, let text = try string() as? Value { return text }
        if type == JSONValue.self, let value = value as? Value { return value }
        if type == [String].self, let texts = try strings() as? Value { return texts }
        if type == [String: String].self, let texts = try namedStrings() as? Value { return texts }
        return try type.init(from: self)
    }

    func string() throws -> String {
        guard case .string(let text) = value else { throw mismatch("a string") }
        return text
    }

    private func strings() throws -> [String] {
        guard case .array(let values) = value else { throw mismatch("an array") }
        var texts: [String] = []
        texts.reserveCapacity(values.count)
        for value in values {
            guard case .string(let text) = value else {
                throw JSONValueDecoder(value: value, place: .item(texts.count, of: place)).mismatch("a string")
            }
            texts.append(text)
        }
        return texts
    }

    private func namedStrings() throws -> [String: String] {
        guard case .object(let object) = value else { throw mismatch("an object") }
        var texts = [String: String](minimumCapacity: object.count)
        for (key, value) in object.members {
            guard case .string(let text) = value else {
                throw JSONValueDecoder(value: value, place: .member(of: place, JSONKey(stringValue: key))).mismatch("a string")
            }
            texts[key] = text
        }
        return texts
    }

    func bool() throws -> Bool {
        guard case .bool(let flag) = value else { throw mismatch("a boolean") }
        return flag
    }

    func double() throws -> Double {
        guard case .number(let number) = value else { throw mismatch("a number") }
        guard let double = number.double else { throw outOfRange(number) }
        return double
    }

    func float() throws -> Float {
        guard case .number(let number) = value else { throw mismatch("a number") }
        guard let double = number.double, Float(double).isFinite else { throw outOfRange(number) }
        return Float(double)
    }

    func integer<Integer: FixedWidthInteger>(_ type: Integer.Type) throws -> Integer {
        guard case .number(let number) = value else { throw mismatch("an integer") }
        guard let integer = number.integer(type) else {
            throw JSONError("\(number.text.prefix(40)) is not an integer from \(Integer.min) to \(Integer.max)", at: place.text)
        }
        return integer
    }

    func mismatch(_ expected: String) -> JSONError { JSONError("\(expected) expected, \(value.kind) found", at: place.text) }

    private func outOfRange(_ number: JSONNumber) -> JSONError { JSONError("\(number.text.prefix(40)) is out of range", at: place.text) }
}

extension JSONValueDecoder: SingleValueDecodingContainer {
    func decodeNil() -> Bool { value.isNull }
    func decode(_: Bool.Type) throws -> Bool { try bool() }
    func decode(_: String.Type) throws -> String { try string() }
    func decode(_: Double.Type) throws -> Double { try double() }
    func decode(_: Float.Type) throws -> Float { try float() }
    func decode(_ type: Int.Type) throws -> Int { try integer(type) }
    func decode(_ type: Int8.Type) throws -> Int8 { try integer(type) }
    func decode(_ type: Int16.Type) throws -> Int16 { try integer(type) }
    func decode(_ type: Int32.Type) throws -> Int32 { try integer(type) }
    func decode(_ type: Int64.Type) throws -> Int64 { try integer(type) }
    func decode(_ type: UInt.Type) throws -> UInt { try integer(type) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try integer(type) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try integer(type) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try integer(type) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try integer(type) }
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try unwrap(type) }
}

extension JSONValue: Decodable {
    /// From this project's decoder the value itself, which keeps member order and number texts.
    public init(from decoder: any Decoder) throws {
        guard let decoder = decoder as? JSONValueDecoder else {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "a JSONValue is read only from JSON"))
        }
        self = decoder.value
    }

    var isNull: Bool { if case .null = self { true } else { false } }
}
