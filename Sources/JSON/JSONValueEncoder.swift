// SPDX-License-Identifier: Apache-2.0

/// `Encoder` into a value. Containers write into a node that they share with their parent, as `Encoder`'s contract wants it.
final class JSONValueEncoder: Encoder {
    let place: JSONPlace
    var codingPath: [any CodingKey] { place.keys }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    enum Node {
        case empty
        case value(JSONValue)
        case object(JSONObjectNode)
        case array(JSONArrayNode)
    }
    var node = Node.empty

    init(place: JSONPlace) { self.place = place }

    static func encode<Value: Encodable>(_ value: Value, at place: @autoclosure () -> JSONPlace) throws -> JSONValue {
        let type = Value.self
        if type == String.self, let text = value as? String { return .string(text) }
        if type == [String].self, let texts = value as? [String] { return .array(texts.map(JSONValue.string)) }
        if type == JSONValue.self, let value = value as? JSONValue { return value }
        if let members = value as? [String: any Encodable], !members.isEmpty { return .object(try encode(members, at: place())) }
        let encoder = JSONValueEncoder(place: place())
        try value.encode(to: encoder)
        return encoder.result
    }

    /// A dictionary has no order of its own, and another one in each process.
    private static func encode(_ members: [String: any Encodable], at place: JSONPlace) throws -> JSONObject {
        let object = JSONObjectNode()
        for (key, value) in members.sorted(by: { $0.key < $1.key }) {
            object.set(key, .value(try encode(value, at: .member(of: place, JSONKey(stringValue: key)))))
        }
        return object.result
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
        return KeyedEncodingContainer(JSONKeyedEncoding(object: object, place: place))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        let array: JSONArrayNode
        if case .array(let known) = node { array = known } else { array = JSONArrayNode() }
        node = .array(array)
        return JSONUnkeyedEncoding(array: array, place: place)
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
    /// Only once there are so many that looking from the front would be slow.
    private var places: [String: Int] = [:]
    private static let few = 24

    func set(_ key: String, _ part: JSONPart) {
        if let place = place(of: key) { return parts[place].part = part }
        parts.append((key, part))
        if parts.count == Self.few {
            for (place, part) in parts.enumerated() { places[part.key] = place }
        } else if parts.count > Self.few {
            places[key] = parts.count - 1
        }
    }

    private func place(of key: String) -> Int? {
        parts.count < Self.few ? parts.firstIndex { $0.key == key } : places[key]
    }

    /// No name is there twice, so that there is always a result.
    var result: JSONObject { JSONObject(unique: parts.map { ($0.key, $0.part.result) }) ?? JSONObject() }
}

final class JSONArrayNode {
    var parts: [JSONPart] = []
    var result: [JSONValue] { parts.map(\.result) }
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
