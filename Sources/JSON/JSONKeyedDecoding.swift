// SPDX-License-Identifier: Apache-2.0

/// The members of an object by coding key. `decodeIfPresent` is written out for each type, because the default asks three times.
struct JSONKeyedDecoding<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let object: JSONObject
    let place: JSONPlace

    var codingPath: [any CodingKey] { place.keys }
    var allKeys: [Key] { object.keys.compactMap(Key.init(stringValue:)) }
    func contains(_ key: Key) -> Bool { object[key.stringValue] != nil }
    func decodeNil(forKey key: Key) throws -> Bool { try member(key).value.isNull }

    private func member(_ key: Key) throws -> JSONValueDecoder {
        guard let value = object[key.stringValue] else { throw JSONError("no member \"\(key.stringValue)\"", at: place.text) }
        return JSONValueDecoder(value: value, place: .member(of: place, key))
    }

    /// nil where it is absent or null.
    private func present(_ key: Key) -> JSONValueDecoder? {
        guard let value = object[key.stringValue], !value.isNull else { return nil }
        return JSONValueDecoder(value: value, place: .member(of: place, key))
    }

    func decode(_: Bool.Type, forKey key: Key) throws -> Bool { try member(key).bool() }
    func decode(_: String.Type, forKey key: Key) throws -> String { try member(key).string() }
    func decode(_: Double.Type, forKey key: Key) throws -> Double { try member(key).double() }
    func decode(_: Float.Type, forKey key: Key) throws -> Float { try member(key).float() }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try member(key).integer(type) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try member(key).integer(type) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try member(key).integer(type) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try member(key).integer(type) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try member(key).integer(type) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try member(key).integer(type) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try member(key).integer(type) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try member(key).integer(type) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try member(key).integer(type) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try member(key).integer(type) }
    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        if type == JSONOtherMembers.self, let others = otherMembers(but: key) as? Value { return others }
        return try member(key).unwrap(type)
    }

    func decodeIfPresent(_: Bool.Type, forKey key: Key) throws -> Bool? { try present(key)?.bool() }
    func decodeIfPresent(_: String.Type, forKey key: Key) throws -> String? { try present(key)?.string() }
    func decodeIfPresent(_: Double.Type, forKey key: Key) throws -> Double? { try present(key)?.double() }
    func decodeIfPresent(_: Float.Type, forKey key: Key) throws -> Float? { try present(key)?.float() }
    func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { try present(key)?.integer(type) }
    func decodeIfPresent(_ type: Int8.Type, forKey key: Key) throws -> Int8? { try present(key)?.integer(type) }
    func decodeIfPresent(_ type: Int16.Type, forKey key: Key) throws -> Int16? { try present(key)?.integer(type) }
    func decodeIfPresent(_ type: Int32.Type, forKey key: Key) throws -> Int32? { try present(key)?.integer(type) }
    func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? { try present(key)?.integer(type) }
    func decodeIfPresent(_ type: UInt.Type, forKey key: Key) throws -> UInt? { try present(key)?.integer(type) }
    func decodeIfPresent(_ type: UInt8.Type, forKey key: Key) throws -> UInt8? { try present(key)?.integer(type) }
    func decodeIfPresent(_ type: UInt16.Type, forKey key: Key) throws -> UInt16? { try present(key)?.integer(type) }
    func decodeIfPresent(_ type: UInt32.Type, forKey key: Key) throws -> UInt32? { try present(key)?.integer(type) }
    func decodeIfPresent(_ type: UInt64.Type, forKey key: Key) throws -> UInt64? { try present(key)?.integer(type) }
    func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? { try present(key)?.unwrap(type) }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws -> KeyedDecodingContainer<Nested> {
        try member(key).container(keyedBy: type)
    }
    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { try member(key).unkeyedContainer() }
    func superDecoder() throws -> any Decoder {
        JSONValueDecoder(value: object["super"] ?? .null, place: .member(of: place, JSONKey.superKey))
    }
    func superDecoder(forKey key: Key) throws -> any Decoder { try member(key) }

    /// What no key but `own` names; `own` is only the name of the property that takes them.
    private func otherMembers(but own: Key) -> JSONOtherMembers {
        let others = object.members.filter { $0.key == own.stringValue || Key(stringValue: $0.key) == nil }
        // No name is there twice in a part of what has none twice.
        return JSONOtherMembers(JSONObject(unique: others) ?? JSONObject())
    }
}

struct JSONUnkeyedDecoding: UnkeyedDecodingContainer {
    let values: [JSONValue]
    let place: JSONPlace
    private(set) var currentIndex = 0

    init(values: [JSONValue], place: JSONPlace) {
        self.values = values
        self.place = place
    }

    var codingPath: [any CodingKey] { place.keys }
    var count: Int? { values.count }
    var isAtEnd: Bool { currentIndex == values.count }

    private mutating func next() throws -> JSONValueDecoder {
        guard currentIndex < values.count else { throw JSONError("the array has only \(values.count) items", at: place.text) }
        defer { currentIndex += 1 }
        return JSONValueDecoder(value: values[currentIndex], place: .item(currentIndex, of: place))
    }

    mutating func decodeNil() throws -> Bool {
        guard currentIndex < values.count, values[currentIndex].isNull else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try next().unwrap(type) }
    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) throws -> KeyedDecodingContainer<Nested> {
        try next().container(keyedBy: type)
    }
    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try next().unkeyedContainer() }
    mutating func superDecoder() throws -> any Decoder { try next() }
}
