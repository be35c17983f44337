// SPDX-License-Identifier: Apache-2.0

/// `Encoder` into a value. Containers write into a node that they share with their parent, as `Encoder`'s contract wants it.
final class JSONValueEncoder: Encoder {
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    enum Node {
        case empty
        case value(JSONValue)
        case object(JSONObjectNode)
        case array(JSONArrayNode)
    }
    var node = Node.empty

    init(codingPath: [any CodingKey]) { self.codingPath = codingPath }

    static func encode<Value: Encodable>(_ value: Value, codingPath: [any CodingKey]) throws -> JSONValue {
        switch value {
        case let text as String: return .string(text)
        case let value as JSONValue: return value
        default: break
        }
        let encoder = JSONValueEncoder(codingPath: codingPath)
        try value.encode(to: encoder)
        return encoder.result
    }

    var result: JSONValue {
        switch node {
        case .empty: .object(JSONObject())
        case .value(let value): value
        case .object(let node): .object(node.result)
        case .array(let node): .array(node.result)
        }
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        let object: JSONObjectNode
        if case .object(let known) = node { object = known } else { object = JSONObjectNode() }
        node = .object(object)
        return KeyedEncodingContainer(JSONKeyedEncoding(object: object, codingPath: codingPath))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        let array: JSONArrayNode
        if case .array(let known) = node { array = known } else { array = JSONArrayNode() }
        node = .array(array)
        return JSONUnkeyedEncoding(array: array, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { JSONSingleEncoding(encoder: self) }
}

/// What is known of a member: its value, or a node that is still being written.
enum JSONPart {
    case value(JSONValue)
    case encoder(JSONValueEncoder)

    var result: JSONValue {
        switch self {
        case .value(let value): value
        case .encoder(let encoder): encoder.result
        }
    }
}

final class JSONObjectNode {
    private var parts: [(key: String, part: JSONPart)] = []
    private var places: [String: Int] = [:]

    func set(_ key: String, _ part: JSONPart) {
        if let place = places[key] {
            parts[place].part = part
        } else {
            places[key] = parts.count
            parts.append((key, part))
        }
    }

    var result: JSONObject { JSONObject(unique: parts.map { ($0.key, $0.part.result) }) ?? JSONObject() }
}

final class JSONArrayNode {
    var parts: [JSONPart] = []
    var result: [JSONValue] { parts.map(\.result) }
}

extension FixedWidthInteger {
    fileprivate var json: JSONValue { .number(JSONNumber(text: String(self))) }
}

private func number(_ value: Double, _ codingPath: [any CodingKey]) throws -> JSONValue {
    guard value.isFinite else { throw JSONError("\(value) has no form in JSON", at: JSONError.path(codingPath)) }
    return .number(JSONNumber(text: "\(value)"))
}

struct JSONKeyedEncoding<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let object: JSONObjectNode
    let codingPath: [any CodingKey]

    func encodeNil(forKey key: Key) { object.set(key.stringValue, .value(.null)) }
    func encode(_ value: Bool, forKey key: Key) { object.set(key.stringValue, .value(.bool(value))) }
    func encode(_ value: String, forKey key: Key) { object.set(key.stringValue, .value(.string(value))) }
    func encode(_ value: Double, forKey key: Key) throws { object.set(key.stringValue, .value(try number(value, codingPath + [key]))) }
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
        object.set(key.stringValue, .value(try JSONValueEncoder.encode(value, codingPath: codingPath + [key])))
    }

    private func child(_ key: any CodingKey) -> JSONValueEncoder {
        let encoder = JSONValueEncoder(codingPath: codingPath + [key])
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
    let codingPath: [any CodingKey]
    var count: Int { array.parts.count }

    private var here: [any CodingKey] { codingPath + [JSONKey(intValue: count)] }

    func encodeNil() { array.parts.append(.value(.null)) }
    func encode<Value: Encodable>(_ value: Value) throws {
        array.parts.append(.value(try JSONValueEncoder.encode(value, codingPath: here)))
    }

    private func child() -> JSONValueEncoder {
        let encoder = JSONValueEncoder(codingPath: here)
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
    func encode(_ value: Double) throws { encoder.node = .value(try number(value, codingPath)) }
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
    func encode<Value: Encodable>(_ value: Value) throws {
        encoder.node = .value(try JSONValueEncoder.encode(value, codingPath: codingPath))
    }
}

extension JSONValue: Encodable {
    public func encode(to encoder: any Encoder) throws {
        guard let encoder = encoder as? JSONValueEncoder else {
            throw EncodingError.invalidValue(
                self, .init(codingPath: encoder.codingPath, debugDescription: "a JSONValue is written only as JSON"))
        }
        encoder.node = .value(self)
    }
}
