// SPDX-License-Identifier: Apache-2.0

extension FixedWidthInteger {
    fileprivate var json: JSONValue { .number(JSONNumber(text: String(self))) }
}

private func number(_ value: Double, at place: JSONPlace) throws -> JSONValue {
    guard value.isFinite else { throw JSONError("\(value) has no form in JSON", at: place.text) }
    return .number(JSONNumber(text: "\(value)"))
}

struct JSONKeyedEncoding<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let object: JSONObjectNode
    let place: JSONPlace

    var codingPath: [any CodingKey] { place.keys }
    private func place(of key: any CodingKey) -> JSONPlace { .member(of: place, key) }

    func encodeNil(forKey key: Key) { object.set(key.stringValue, .value(.null)) }
    func encode(_ value: Bool, forKey key: Key) { object.set(key.stringValue, .value(.bool(value))) }
    func encode(_ value: String, forKey key: Key) { object.set(key.stringValue, .value(.string(value))) }
    func encode(_ value: Double, forKey key: Key) throws { object.set(key.stringValue, .value(try number(value, at: place(of: key)))) }
    func encode(_ value: Float, forKey key: Key) throws { try encode(Double(value), forKey: key) }
    func encode(_ value: Int, forKey key: Key) { object.set(key.stringValue, .value(value.json)) }
    func encode(_ value: Int8, forKey key: Key) { object.set(key.stringValue, .value(value.json)) }
    func encode(_ value: Int16, forKey key: Key) { object.set(key.stringValue, .value(value.json)) }
    func encode(_ value: Int32, forKey key: Key) { object.set(key.stringValue, .value(value.json)) }
    func encode(_ value: Int64, forKey key: Key) { object.set(key.stringValue, .value(value.json)) }
    func encode(_ value: UInt, forKey key: Key) { object.set(key.stringValue, .value(value.json)) }
    func encode(_ value: UInt8, forKey key: Key) { object.set(key.stringValue, .value(value.json)) }
    func encode(_ value: UInt16, forKey key: Key) { object.set(key.stringValue, .value(value.json)) }
    func encode(_ value: UInt32, forKey key: Key) { object.set(key.stringValue, .value(value.json)) }
    func encode(_ value: UInt64, forKey key: Key) { object.set(key.stringValue, .value(value.json)) }
    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
        if Value.self == JSONOtherMembers.self, let others = value as? JSONOtherMembers {
            for (name, value) in others.members.members { object.set(name, .value(value)) }
            return
        }
        object.set(key.stringValue, .value(try JSONValueEncoder.encode(value, at: place(of: key))))
    }

    private func child(_ key: any CodingKey) -> JSONValueEncoder {
        let encoder = JSONValueEncoder(place: place(of: key))
        object.set(key.stringValue, .encoder(encoder))
        return encoder
    }
    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) -> KeyedEncodingContainer<Nested> {
        child(key).container(keyedBy: type)
    }
    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { child(key).unkeyedContainer() }
    func superEncoder() -> any Encoder { child(JSONKey.superKey) }
    func superEncoder(forKey key: Key) -> any Encoder { child(key) }
}

struct JSONUnkeyedEncoding: UnkeyedEncodingContainer {
    let array: JSONArrayNode
    let place: JSONPlace

    var codingPath: [any CodingKey] { place.keys }
    var count: Int { array.parts.count }

    func encodeNil() { array.parts.append(.value(.null)) }
    func encode<Value: Encodable>(_ value: Value) throws {
        array.parts.append(.value(try JSONValueEncoder.encode(value, at: .item(count, of: place))))
    }

    private func child() -> JSONValueEncoder {
        let encoder = JSONValueEncoder(place: .item(count, of: place))
        array.parts.append(.encoder(encoder))
        return encoder
    }
    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        child().container(keyedBy: type)
    }
    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { child().unkeyedContainer() }
    func superEncoder() -> any Encoder { child() }
}

struct JSONSingleEncoding: SingleValueEncodingContainer {
    let encoder: JSONValueEncoder
    var codingPath: [any CodingKey] { encoder.codingPath }

    func encodeNil() { encoder.node = .value(.null) }
    func encode(_ value: Bool) { encoder.node = .value(.bool(value)) }
    func encode(_ value: String) { encoder.node = .value(.string(value)) }
    func encode(_ value: Double) throws { encoder.node = .value(try number(value, at: encoder.place)) }
    func encode(_ value: Float) throws { try encode(Double(value)) }
    func encode(_ value: Int) { encoder.node = .value(value.json) }
    func encode(_ value: Int8) { encoder.node = .value(value.json) }
    func encode(_ value: Int16) { encoder.node = .value(value.json) }
    func encode(_ value: Int32) { encoder.node = .value(value.json) }
    func encode(_ value: Int64) { encoder.node = .value(value.json) }
    func encode(_ value: UInt) { encoder.node = .value(value.json) }
    func encode(_ value: UInt8) { encoder.node = .value(value.json) }
    func encode(_ value: UInt16) { encoder.node = .value(value.json) }
    func encode(_ value: UInt32) { encoder.node = .value(value.json) }
    func encode(_ value: UInt64) { encoder.node = .value(value.json) }
    func encode<Value: Encodable>(_ value: Value) throws { encoder.node = .value(try JSONValueEncoder.encode(value, at: encoder.place)) }
}
