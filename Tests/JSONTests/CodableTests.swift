// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

private func text(_ value: some Encodable) throws -> String { String(decoding: try JSON.encode(value), as: UTF8.self) }

private func decode<Value: Decodable>(_ type: Value.Type = Value.self, _ text: String) throws -> Value {
    try JSON.decode(type, from: Array(text.utf8))
}

private struct Everything: Codable, Equatable {
    enum Kind: String, Codable { case one, two = "zwei" }
    enum Level: Int, Codable { case low = -1, high = 7 }
    indirect enum Tree: Codable, Equatable {
        case leaf
        case value(Int, name: String?)
        case pair(left: Tree, right: Tree)
    }
    struct Inner: Codable, Equatable, Hashable {
        var x: Int?
        var list: [[Bool?]] = []
    }
    var bool = true
    var string = "a\"\\\n\u{0}€😀"
    var double = -0.1
    var float: Float = 1.5
    var integers: [Int64] = [.min, -1, 0, .max]
    var small: [Int8] = [.min, .max]
    var unsigned: [UInt64] = [0, .max]
    var bytes: [UInt8] = [0, 255]
    var i16: Int16 = .min
    var i32: Int32 = .max
    var u16: UInt16 = .max
    var u32: UInt32 = .max
    var u: UInt = .max
    var present: Int? = 3
    var absent: Int?
    var strings = ["a", ""]
    var names = ["k": "v", "": "empty"]
    var optionals: [String?] = ["a", nil, "b"]
    var inner: Inner? = Inner(x: 1, list: [[true, nil], []])
    var inners: [String: Inner] = ["b": Inner(), "a": Inner(x: -1)]
    var deep: [String: [String: [Int]]] = ["x": ["y": [1, 2]], "z": [:]]
    var numbered: [Int: String] = [1: "one"]
    var kind = Kind.two
    var level = Level.low
    var tree = Tree.pair(left: .value(1, name: "n"), right: .pair(left: .leaf, right: .value(2, name: nil)))
    var set: Set<Int> = [5]
    var value = JSONValue.array([.null, .number(JSONNumber(text: "1.50"))])
}

/// Containers made by hand, in the ways that `Encoder` allows and no synthesised code uses.
private struct ByHand: Codable, Equatable {
    var a = 1
    var b = ["x", "y"]
    var c = 2.5
    enum Key: String, CodingKey { case outer, list, later }
    enum Inner: String, CodingKey { case a, c }

    init() {}

    func encode(to encoder: any Encoder) throws {
        var outer = encoder.container(keyedBy: Key.self)
        var inner = outer.nestedContainer(keyedBy: Inner.self, forKey: .outer)
        var list = outer.nestedUnkeyedContainer(forKey: .list)
        try inner.encode(a, forKey: .a)
        for item in b {
            var pair = list.nestedUnkeyedContainer()
            try pair.encode(item)
            try pair.encodeNil()
        }
        // A container asked for twice is one object; what was begun earlier may still grow.
        var again = encoder.container(keyedBy: Key.self)
        try again.encodeNil(forKey: .later)
        try inner.encode(c, forKey: .c)
        try again.superEncoder().singleValueContainer().encodeTwice()
    }

    init(from decoder: any Decoder) throws {
        let outer = try decoder.container(keyedBy: Key.self)
        let inner = try outer.nestedContainer(keyedBy: Inner.self, forKey: .outer)
        a = try inner.decode(Int.self, forKey: .a)
        c = try inner.decode(Double.self, forKey: .c)
        b = []
        var list = try outer.nestedUnkeyedContainer(forKey: .list)
        while !list.isAtEnd {
            var pair = try list.nestedUnkeyedContainer()
            b.append(try pair.decode(String.self))
            guard try pair.decodeNil(), pair.isAtEnd else { throw JSONError("a pair expected", at: "list") }
        }
        guard try outer.decodeNil(forKey: .later) else { throw JSONError("null expected", at: "later") }
        _ = try outer.superDecoder().singleValueContainer().decode(String.self)
    }
}

extension SingleValueEncodingContainer {
    /// The last value counts.
    fileprivate func encodeTwice() throws {
        var container = self
        try container.encode(1)
        try container.encode("last")
    }
}

@Suite struct CodableTests {
    @Test("a value of every kind comes back as it was, in both styles", arguments: [JSON.Style.compact, .pretty])
    func everything(_ style: JSON.Style) throws {
        let value = Everything()
        let written = try JSON.encode(value, style)
        #expect(try JSON.decode(Everything.self, from: written) == value)
        #expect(try JSON.decode(Everything.self, from: JSON.value(of: value)) == value)
    }

    @Test("members come in their types' order, those of dictionaries by name; nil is left out")
    func order() throws {
        #expect(try text(Everything.Inner(x: 1, list: [[nil, true], []])) == #"{"x":1,"list":[[null,true],[]]}"#)
        #expect(try text(Everything.Inner()) == #"{"list":[]}"#)
        #expect(try text(["b": 2, "a": 1, "ä": 3, "B": 0]) == #"{"B":0,"a":1,"b":2,"ä":3}"#)
        #expect(try text(["b": "2", "a": "1"]) == #"{"a":"1","b":"2"}"#)
        #expect(try text(["x": ["b": [2], "a": []]]) == #"{"x":{"a":[],"b":[2]}}"#)
        let many = Dictionary(uniqueKeysWithValues: (0..<100).map { ("k\($0)", $0) })
        #expect(try text(many) == text(many.filter { _ in true }))
        #expect(try JSON.parse(JSON.encode(many)).objectValue?.keys == many.keys.sorted())
    }

    @Test("a value at the top may be of any kind") func topLevel() throws {
        #expect(try text(7) == "7")
        #expect(try text("x") == "\"x\"")
        #expect(try text(Int?.none) == "null")
        #expect(try text([String]()) == "[]")
        #expect(try text([String: Int]()) == "{}")
        #expect(try decode(Int.self, "7") == 7)
        #expect(try decode(Int?.self, "null") == nil)
        #expect(try decode([String: [Int]].self, #"{"a":[1]}"#) == ["a": [1]])
        #expect(try decode(Everything.Kind.self, "\"zwei\"") == .two)
    }

    @Test("containers made by hand, twice, out of order and beneath super are one document") func byHand() throws {
        let written = try text(ByHand())
        #expect(written == #"{"outer":{"a":1,"c":2.5},"list":[["x",null],["y",null]],"later":null,"super":"last"}"#)
        #expect(try decode(ByHand.self, written) == ByHand())
    }

    @Test("null and absent are both nil, and neither stands for a value that must be there") func optionals() throws {
        #expect(try decode(Everything.Inner.self, #"{"x":null,"list":[]}"#).x == nil)
        #expect(try decode(Everything.Inner.self, #"{"list":[]}"#).x == nil)
        #expect(throws: JSONError.self) { try decode(Everything.Inner.self, #"{"list":null}"#) }
        #expect(throws: JSONError.self) { try decode([Int].self, "[null]") }
    }

    private static let finite: [Double] = [
        0, -0.0, 0.1, 1e-7, 1e16, 123_456_789.125, 1e300, .leastNonzeroMagnitude, .greatestFiniteMagnitude, .pi, -1e-300, 1e22,
    ]

    @Test("a double is written so that it comes back, as a number of the RFC", arguments: finite) func doubles(_ value: Double) throws {
        let written = try text(value)
        #expect(try decode(Double.self, written).bitPattern == value.bitPattern)
        #expect(try decode(Float.self, text(Float(1.1))) == Float(1.1))
    }

    @Test("what has no form in JSON is refused with its place") func notFinite() {
        for value in [Double.nan, .infinity, -.infinity] {
            let error = #expect(throws: JSONError.self) { try JSON.encode(["a": [1, value]]) }
            #expect(error?.place == "a[1]")
        }
        #expect(throws: JSONError.self) { try JSON.encode(Float.infinity) }
    }
}
