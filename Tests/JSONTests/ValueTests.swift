// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

private func write(_ text: String, _ style: JSON.Style = .compact) throws -> String {
    String(decoding: try JSON.encode(JSON.parse(Array(text.utf8)), style), as: UTF8.self)
}

@Suite struct ValueTests {
    @Test(
        "a document is written as it was read: order, number texts, escapes where they must be",
        arguments: [
            "null", "[]", "{}", "\"\"", #"{"z":1,"a":2,"m":[{"y":0,"b":[]}]}"#, "[1,1.0,1.00,1e0,1E+0,-0,-0.0,0e1,1e999]",
            "[123456789012345678901234567890.123456789012345678901234567890]", #""\"\\\n\r\t\u0000\u001f\u007f""#, "\"é€😀\u{2028}/\"",
        ])
    func roundTrip(_ text: String) throws {
        #expect(try write(text) == text)
        #expect(try write(write(text, .pretty)) == text)
    }

    @Test("escapes that need not be are written as the character") func normalises() throws {
        #expect(try write(#" [ "\/\u0041\ud83d\ude00\b" , { } ] "#) == "[\"/A😀\\u0008\",{}]")
    }

    @Test("for people there are two spaces a level, and nothing within what is empty") func pretty() throws {
        let expected = """
            {
              "a": [
                1,
                {
                  "b": null
                }
              ],
              "c": [],
              "d": {}
            }
            """
        #expect(try write(#"{"a":[1,{"b":null}],"c":[],"d":{}}"#, .pretty) == expected)
    }

    private static let numbers: [(String, Int64?, UInt8?)] = [
        ("0", 0, 0), ("-0", 0, 0), ("255", 255, 255), ("256", 256, nil), ("-1", -1, nil), ("9223372036854775807", .max, nil),
        ("-9223372036854775808", .min, nil), ("9223372036854775808", nil, nil), ("-9223372036854775809", nil, nil),
        ("18446744073709551616", nil, nil), ("1.0", nil, nil), ("1e0", nil, nil), ("1E2", nil, nil), ("0.5", nil, nil),
        ("100000000000000000000000000000000000000000", nil, nil),
    ]

    @Test("an integer comes only from an integer's text, in range", arguments: numbers)
    private func integers(_ text: String, _ wide: Int64?, _ narrow: UInt8?) {
        #expect(JSONNumber(text: text).integer(Int64.self) == wide)
        #expect(JSONNumber(text: text).integer(UInt8.self) == narrow)
    }

    @Test("a double is the nearest, and never infinite") func doubles() {
        for (text, value) in [("0.1", 0.1), ("1e5", 100_000), ("-2.5E-3", -0.0025), ("1.7976931348623157e308", .greatestFiniteMagnitude)]
            as [(String, Double)]
        {
            #expect(JSONNumber(text: text).double == value)
        }
        #expect(JSONNumber(text: "-0").double?.sign == .minus)
        for text in ["1e999", "-1e999", "1" + String(repeating: "0", count: 400)] { #expect(JSONNumber(text: text).double == nil) }
    }

    /// Few members are looked for from the front, many by a table.
    @Test("an object finds, replaces, adds and removes, few members or many", arguments: [3, 8, 9, 50]) func object(_ count: Int) throws {
        let text = "{" + (0..<count).map { "\"k\($0)\":\($0)" }.joined(separator: ",") + "}"
        var object = try #require(try JSON.parse(Array(text.utf8)).objectValue)
        #expect(object.count == count)
        #expect(object["k\(count)"] == nil)
        object["k1"] = .bool(true)
        object["new"] = .null
        object["k0"] = nil
        object["absent"] = nil
        #expect(object.keys == (1..<count).map { "k\($0)" } + ["new"])
        #expect(object["k1"] == .bool(true))
        #expect(object["k0"] == nil)
        #expect(object["new"] == .null)
        object["k0"] = .null
        object["k0"] = .bool(false)
        #expect(object["k0"] == .bool(false))
        #expect(object["k\(count - 1)"] != nil)
        #expect(object.count == count + 1)
    }

    @Test("a member is found by the bytes of its name only") func names() throws {
        let value = try JSON.parse(Array("{\"e\u{301}\":1,\"\u{212b}\":2}".utf8))
        #expect(value["e\u{301}"] != nil)
        #expect(value["\u{e9}"] == nil)
        #expect(value["\u{c5}"] == nil)
        #expect(value["\u{212b}"] != nil)
    }

    @Test("objects are equal whatever the order of their members, with equal hashes") func equality() throws {
        let values = try [#"{"a":1,"b":[2]}"#, #"{"b":[2],"a":1}"#, #"{"a":1}"#, #"{"a":1,"b":[2.0]}"#, #"{"a":1,"c":[2]}"#].map {
            try JSON.parse(Array($0.utf8))
        }
        #expect(values[0] == values[1])
        #expect(Set(values).count == 4)
    }

    @Test("accessors answer only for their own kind") func accessors() throws {
        let value = try JSON.parse(Array(#"{"s":"x","a":[1],"n":1}"#.utf8))
        #expect(value["s"]?.stringValue == "x")
        #expect(value["a"]?.arrayValue?.count == 1)
        #expect(value["n"]?.stringValue == nil)
        #expect(value["s"]?.arrayValue == nil)
        #expect(value["s"]?["x"] == nil)
        #expect(value.stringValue == nil)
        #expect(value.objectValue?.isEmpty == false)
    }
}
