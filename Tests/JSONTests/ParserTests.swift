// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

private func number(_ text: String) -> JSONValue { .number(JSONNumber(text: text)) }

private func object(_ members: (String, JSONValue)...) -> JSONValue {
    var object = JSONObject()
    for (name, value) in members { object[name] = value }
    return .object(object)
}

/// What RFC 8259 allows, and where this project is stricter. The cases are in the manner of JSONTestSuite, test_parsing.
@Suite struct ParserTests {
    private static let accepted: [(String, JSONValue)] = [
        // Literals and structure, with all four kinds of space around them.
        ("null", .null), ("true", .bool(true)), ("false", .bool(false)), (" \t\r\nnull \t\r\n", .null), ("[]", .array([])),
        ("[ \n]", .array([])),
        ("{}", object()), ("{\t}", object()), ("\"\"", .string("")),
        ("[null,1,\"1\",{}]", .array([.null, number("1"), .string("1"), object()])),
        ("[[[[]]],[]]", .array([.array([.array([.array([])])]), .array([])])),
        ("{\"a\":{\"b\":[{}]}}", object(("a", object(("b", .array([object()])))))),
        (" [ 1 , 2 ] ", .array([number("1"), number("2")])), ("{ \"a\" : 1 , \"b\" : 2 }", object(("a", number("1")), ("b", number("2")))),
        // Numbers keep their text.
        ("0", number("0")), ("-0", number("-0")), ("-1", number("-1")), ("123", number("123")), ("1.5", number("1.5")),
        ("0.0", number("0.0")),
        ("-0.0", number("-0.0")), ("1e5", number("1e5")), ("1E5", number("1E5")), ("1e+5", number("1e+5")), ("1e-5", number("1e-5")),
        ("0e1", number("0e1")),
        ("0e+1", number("0e+1")), ("1.0e-2", number("1.0e-2")), ("123.456E+78", number("123.456E+78")), ("1e00005", number("1e00005")),
        ("1e999", number("1e999")), ("9223372036854775808", number("9223372036854775808")),
        ("-0.000000000000000000000000000000000000001", number("-0.000000000000000000000000000000000000001")),
        // Escapes and surrogate pairs.
        (#""\"\\\/\b\f\n\r\t""#, .string("\"\\/\u{8}\u{c}\n\r\t")), (#""\u0041\u00e9\u20AC""#, .string("Aé€")),
        (#""\u0000""#, .string("\u{0}")),
        (#""\ud83d\ude00""#, .string("😀")), (#""\uD834\uDd1e""#, .string("𝄞")), (#""\uDBFF\uDFFF""#, .string("\u{10ffff}")),
        (#""\ud800\udc00""#, .string("\u{10000}")),
        (#""\uFFFF\uFDD0""#, .string(String(decoding: [0xef, 0xbf, 0xbf, 0xef, 0xb7, 0x90] as [UInt8], as: UTF8.self))),
        (#""\\u0041""#, .string("\\u0041")),
        (#""a\/b/c""#, .string("a/b/c")), (#""\u2028\u2029""#, .string("\u{2028}\u{2029}")), (#""\uFEFF""#, .string("\u{feff}")),
        (#"{"\u0061":1}"#, object(("a", number("1")))), (#"{"":0}"#, object(("", number("0")))),
        (#"{"\u0000":0}"#, object(("\u{0}", number("0")))),
        // Everything else stands for itself: delete, separators, non-characters, combining marks.
        ("\"\u{7f}\"", .string("\u{7f}")), ("\"\u{2028}€😀\u{10ffff}\"", .string("\u{2028}€😀\u{10ffff}")),
        ("\"e\u{301}\"", .string("e\u{301}")),
        ("\"[1,{}]\"", .string("[1,{}]")),
    ]

    @Test("what the RFC allows is read", arguments: accepted) private func accepts(_ text: String, _ value: JSONValue) throws {
        let parsed = try JSON.parse(Array(text.utf8))
        #expect(parsed == value)
        if case .string(let expected) = value { #expect(parsed.stringValue.map { Array($0.utf8) } == Array(expected.utf8)) }
    }

    private static let refused: [String] = [
        // Nothing, or more than one thing.
        "", " ", "\n", "1 2", "{}{}", "[] x", "null,", "nullnull", "[1]]", "{}}", "\"a\"\"b\"", "1\u{0}", "[]\u{c}", "\u{a0}1", "1\u{2028}",
        "#", "// x\n1",
        "/**/1", "1//", "[1]#",
        // Literals.
        "n", "nul", "nulL", "NULL", "True", "TRUE", "tru", "truE", "fals", "falsE", "undefined", "NaN", "nan", "Infinity", "-Infinity",
        "-nan", "None",
        "[nul]", "[tru", "n\u{0}ull",
        // Numbers.
        "+1", "-", "--1", "01", "-01", "00", "1.", "-1.", ".5", "-.5", "1.e5", "1e", "1e+", "1e-", "1E", "1e+-5", "1e5.0", "1.2.3", "0x1",
        "0b1", "1_000",
        "1,000", "0.1e", "1a", "1e1e1", "- 1", "1 000", "[1.]", "[-]", "[+1]", "[-01]", "[.1]", "[0e]", "[0e+]", "[1e]", "[1+2]", "[0x42]",
        "[1ea]",
        "[-Infinity]", "\u{ff11}", "[\u{661}]", "-\u{0}", "1\u{660}",
        // Arrays.
        "[", "]", "[1", "[1,", "[1,]", "[,]", "[,1]", "[1,,2]", "[1 2]", "[1:2]", "[\"a\" \"b\"]", "[1;2]", "[1}", "[[]", "[}", "(1)",
        "[*]", "[a]",
        "[\"\"],", "[1\n,", "[\u{b}]", "[\"a\"\n,4\n,1,",
        // Objects.
        "{", "}", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{,}", "{\"a\"}", "{\"a\",1}", "{\"a\" 1}", "{\"a\"::1}",
        "{a:1}", "{'a':1}",
        "{1:1}", "{null:1}", "{[]:1}", "{\"a\":1 \"b\":2}", "{\"a\":1]", "{\"a\":}", "{:1}", "{\"a\":1,,\"b\":2}", "{\"a\":1;}",
        "{\"a\"=1}", "{\"a\":1:2}",
        // Strings.
        "\"", "\"a", "'a'", "\"\\", "\"\\\"", "\"\\x41\"", "\"\\a\"", "\"\\0\"", "\"\\'\"", "\"\\U0041\"", "\"\\\u{e9}\"", "\"\\\n\"",
        "\"\n\"", "\"\t\"",
        "\"\u{0}\"", "\"\u{1f}\"", "\"a\\", "\"\\u\"", "\"\\u0\"", "\"\\u00\"", "\"\\u004\"", "\"\\u004g\"", "\"\\u 041\"", "\"\\u+041\"",
        "\"\\u-041\"",
        "\"\\u004", "\\u0041", "\"\\u{41}\"", "a", "[\"\\\"]",
        // Surrogates that are no pair.
        "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\ud800\"", "\"\\udc00\\ud800\"", "\"\\ud800a\"", "\"\\ud800\\n\"", "\"\\ud800\\u0041\"",
        "\"\\ud800\\",
        "\"\\ud800\\u\"", "\"\\ud83d\\uDE0\"", "\"\\uDFFF\"", "{\"\\ud800\":1}", "\"\\ud800\\ue000\"",
        // A byte order mark.
        "\u{feff}", "\u{feff}{}", "{\u{feff}}", "[]\u{feff}",
        // A member that is there twice: by escape, by Unicode's equality, among many, deep down.
        #"{"a":1,"a":1}"#, #"{"a":1,"b":2,"a":3}"#, #"{"a":1,"\u0061":2}"#, #"{"":1,"":2}"#, "{\"\u{e9}\":1,\"e\u{301}\":2}",
        #"[{"x":{"a":null,"a":null}}]"#,
        #"{"1":1,"2":2,"3":3,"4":4,"5":5,"6":6,"7":7,"8":8,"9":9,"1":10}"#, #"{"1":1,"2":2,"3":3,"4":4,"5":5,"6":6,"7":7,"8":8,"8":9}"#,
    ]

    @Test("what the RFC does not allow is refused, at a byte of the document", arguments: refused) func refuses(_ text: String) {
        let error = #expect(throws: JSONError.self) { try JSON.parse(Array(text.utf8)) }
        let place = error?.place ?? ""
        #expect(place.hasPrefix("byte "))
        #expect((0...text.utf8.count).contains(Int(place.dropFirst(5)) ?? -1))
    }

    private static let notUTF8: [[UInt8]] = [
        // Lone continuation, lone lead, overlong, surrogate, beyond the last scalar, cut, Latin-1, and the bytes that are never there.
        [0x80], [0xbf], [0xc3], [0xe2, 0x82], [0xf0, 0x9f, 0x98], [0xc0, 0xaf], [0xc1, 0x81], [0xe0, 0x80, 0xaf], [0xf0, 0x80, 0x80, 0xaf],
        [0xed, 0xa0, 0x80],
        [0xed, 0xbf, 0xbf], [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xe9], [0xfe], [0xff], [0xc3, 0x28], [0xe2, 0x28, 0xa1],
        [0xc3, 0xa9, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80],
    ]

    @Test("bytes that are no UTF-8 are refused in a string, a name, after an escape, and outside", arguments: notUTF8)
    func refusesBytes(_ bytes: [UInt8]) {
        for (before, after) in [
            ("\"", "\""), ("\"a", "b\""), ("{\"", "\":1}"), ("\"\\n", "\""), ("\"", "\\n\""), ("", ""), ("[1,", "]"), ("1", ""),
        ] {
            #expect(throws: JSONError.self) { try JSON.parse(Array(before.utf8) + bytes + Array(after.utf8)) }
        }
    }

    @Test("UTF-16 and UTF-32 are refused") func otherEncodings() {
        for bytes: [UInt8] in [
            [0xfe, 0xff, 0, 0x31], [0xff, 0xfe, 0x31, 0], [0x31, 0], [0, 0x31], [0x31, 0, 0, 0], [0x5b, 0, 0x5d, 0], [0],
        ] {
            #expect(throws: JSONError.self) { try JSON.parse(bytes) }
        }
    }

    @Test("128 levels are read, one more is refused, and so are 100,000", arguments: [("[", "]"), ("{\"a\":", "}")])
    func depth(_ open: String, _ close: String) throws {
        func nested(_ levels: Int) -> [UInt8] {
            Array((String(repeating: open, count: levels) + "1" + String(repeating: close, count: levels)).utf8)
        }
        _ = try JSON.parse(nested(128))
        for levels in [129, 1_000, 100_000] {
            let error = #expect(throws: JSONError.self) { try JSON.parse(nested(levels)) }
            #expect(error?.reason == "more than 128 levels")
        }
        #expect(throws: JSONError.self) { try JSON.parse(Array(String(repeating: open, count: 100_000).utf8)) }
        // Depth is not counted over siblings.
        let siblings = [UInt8](Array("[1".utf8) + (0..<500).flatMap { _ in Array(",".utf8) + nested(2) } + Array("]".utf8))
        #expect(try JSON.parse(siblings).arrayValue?.count == 501)
    }

    @Test("every document that is cut short is refused") func cut() throws {
        let document = Array(#"{"a":[1,-2.5e+3,true,false,null,"x\u00e9\ud83d\ude00€"],"b":{"c":[]}}"#.utf8)
        _ = try JSON.parse(document)
        for length in document.indices { #expect(throws: JSONError.self) { try JSON.parse(Array(document[..<length])) } }
    }

    @Test("4 MiB of one string, of many numbers, and of 100,000 members are read") func large() throws {
        let text = [UInt8](repeating: UInt8(ascii: "x"), count: 4 << 20)
        let quote = [UInt8(ascii: "\"")]
        #expect(try JSON.parse(quote + text + quote).stringValue?.utf8.count == 4 << 20)
        let numbers = "[" + String(repeating: "1,", count: 1 << 21) + "1]"
        #expect(try JSON.parse(Array(numbers.utf8)).arrayValue?.count == (1 << 21) + 1)
        let members = "{" + (0..<100_000).map { "\"\($0)\":\($0)" }.joined(separator: ",") + "}"
        let value = try JSON.parse(Array(members.utf8))
        #expect(value["99999"] == number("99999"))
        #expect(value.objectValue?.keys.first == "0")
    }
}
