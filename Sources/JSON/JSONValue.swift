// SPDX-License-Identifier: Apache-2.0

/// Any JSON document, with everything that a digest or a re-encoding may depend on: member order and the literal text of numbers.
public enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    public subscript(_ key: String) -> JSONValue? {
        if case .object(let object) = self { object[key] } else { nil }
    }

    public var stringValue: String? { if case .string(let text) = self { text } else { nil } }
    public var arrayValue: [JSONValue]? { if case .array(let values) = self { values } else { nil } }
    public var objectValue: JSONObject? { if case .object(let object) = self { object } else { nil } }

    /// For messages: "a string", "an object".
    package var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

/// A number as it was written. `1.0` and `1e0` are no integers: a size that is not one is an error, not a rounding.
public struct JSONNumber: Sendable, Hashable {
    public let text: String

    /// - Parameter text: a number by RFC 8259, section 6; the parser and the encoder make no others.
    package init(text: String) { self.text = text }

    public func integer<Integer: FixedWidthInteger>(_: Integer.Type) -> Integer? {
        let digits = text.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2d }
        return digits ? Integer(text) : nil
    }

    /// nil where it is out of range: "1e999" is not infinity.
    public var double: Double? { Double(text).flatMap { $0.isFinite ? $0 : nil } }
}

/// The members of an object, in the order in which they were written, each name once.
///
/// Two names that are the same text to Unicode (é as one scalar or two) are one name too many: a dictionary could keep only one of
/// them. But a member is found only by the very bytes of its name, as by other readers: a Kelvin sign is no K.
public struct JSONObject: Sendable, Hashable {
    public private(set) var members: [(key: String, value: JSONValue)]
    /// Only for objects so large that looking from the front would be slow.
    private var places: [String: Int]?
    private static let few = 8

    public init() { members = [] }

    /// nil where a name is there twice.
    package init?(unique members: [(key: String, value: JSONValue)]) {
        self.members = members
        if members.count > Self.few {
            var places = [String: Int](minimumCapacity: members.count)
            for (place, member) in members.enumerated() where places.updateValue(place, forKey: member.key) != nil { return nil }
            self.places = places
        } else {
            for (place, member) in members.enumerated() where members[..<place].contains(where: { $0.key == member.key }) { return nil }
        }
    }

    public subscript(_ key: String) -> JSONValue? {
        get {
            guard let place = place(of: key), members[place].key.utf8.elementsEqual(key.utf8) else { return nil }
            return members[place].value
        }
        set {
            switch (place(of: key), newValue) {
            case (let place?, let value?): members[place] = (key, value)
            case (let place?, nil):
                members.remove(at: place)
                places = nil
            case (nil, let value?):
                members.append((key, value))
                if places != nil {
                    places?[key] = members.count - 1
                } else if members.count > Self.few {
                    places = Dictionary(uniqueKeysWithValues: members.enumerated().map { ($0.element.key, $0.offset) })
                }
            case (nil, nil): break
            }
        }
    }

    private func place(of key: String) -> Int? {
        if let places { return places[key] }
        return members.firstIndex { $0.key == key }
    }

    public var keys: [String] { members.map(\.key) }
    public var isEmpty: Bool { members.isEmpty }
    public var count: Int { members.count }

    public static func == (one: JSONObject, other: JSONObject) -> Bool {
        one.members.count == other.members.count && one.members.allSatisfy { other[$0.key] == $0.value }
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(members.count) }
}
