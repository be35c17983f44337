// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

private struct Layer: Codable {
    var digest: String
    var size: UInt32
    var tags: [String: [Bool]]?
    var ratio: Double?
    var kind: Kind?
    enum Kind: String, Codable { case plain }
}

private struct Manifest: Codable {
    var layers: [Layer]
    var config: Layer?
    var labels: [String: String]?
    var names: [String]?
}

/// A message says where and what; it can be shown on a terminal, whatever the document holds.
@Suite struct ErrorTests {
    @Test(
        "a wrong value is named by its place, what was expected and what was found",
        arguments: [
            (#"{"layers":{}}"#, "an array expected, an object found at layers"),
            (#"{"layers":[7]}"#, "an object expected, a number found at layers[0]"),
            (#"{}"#, "no member \"layers\""), (#"{"layers":[{"digest":"a","size":1},{"digest":"b"}]}"#, "no member \"size\" at layers[1]"),
            (#"{"layers":[{"digest":null,"size":1}]}"#, "a string expected, null found at layers[0].digest"),
            (#"{"layers":[],"config":{"digest":true,"size":1}}"#, "a string expected, a boolean found at config.digest"),
            (#"{"layers":[],"config":{"digest":"a","size":"1"}}"#, "an integer expected, a string found at config.size"),
            (#"{"layers":[],"config":{"digest":"a","size":-1}}"#, "-1 is not an integer from 0 to 4294967295 at config.size"),
            (
                #"{"layers":[],"config":{"digest":"a","size":4294967296}}"#,
                "4294967296 is not an integer from 0 to 4294967295 at config.size"
            ),
            (#"{"layers":[],"config":{"digest":"a","size":1.0}}"#, "1.0 is not an integer from 0 to 4294967295 at config.size"),
            (
                #"{"layers":[],"config":{"digest":"a","size":1,"tags":{"x":[true,0]}}}"#,
                "a boolean expected, a number found at config.tags.x[1]"
            ),
            (#"{"layers":[],"config":{"digest":"a","size":1,"ratio":1e999}}"#, "1e999 is out of range at config.ratio"),
            (#"{"layers":[],"config":{"digest":"a","size":1,"ratio":[]}}"#, "a number expected, an array found at config.ratio"),
            (#"{"layers":[],"labels":{"a":"b","c":1}}"#, "a string expected, a number found at labels.c"),
            (#"{"layers":[],"labels":["a"]}"#, "an object expected, an array found at labels"),
            (#"{"layers":[],"names":["a",null]}"#, "a string expected, null found at names[1]"),
            ("[]", "an object expected, an array found"), ("null", "an object expected, null found"),
        ])
    func decoding(_ text: String, _ message: String) {
        let error = #expect(throws: JSONError.self) { try JSON.decode(Manifest.self, from: Array(text.utf8)) }
        #expect(error?.description == message)
    }

    @Test("a name that an enum does not have is at its place") func unknownCase() {
        let text = #"{"layers":[{"digest":"a","size":1,"kind":"x"}]}"#
        let error = #expect(throws: JSONError.self) { try JSON.decode(Manifest.self, from: Array(text.utf8)) }
        #expect(error?.place == "layers[0].kind")
        #expect(error?.reason.contains("x") == true)
    }

    @Test(
        "broken text is named by what was wrong and the byte",
        arguments: [
            ("", "the document ends early at byte 0"), ("[1,", "the document ends early at byte 3"),
            ("[1 2]", "',' or ']' expected at byte 4"),
            ("{\"a\" 1}", "':' expected at byte 6"), ("{a:1}", "a member's name expected at byte 1"),
            ("[tru]", "'true' expected at byte 1"),
            ("{} x", "bytes after the document at byte 3"), ("\"abc", "the document ends in a string at byte 4"),
            ("\"a\n\"", "a control byte in a string at byte 2"), (#"{"a":1,"a":2}"#, "a member is there twice in an object at byte 1"),
        ])
    func parsing(_ text: String, _ message: String) {
        let error = #expect(throws: JSONError.self) { try JSON.parse(Array(text.utf8)) }
        #expect(error?.description == message)
    }

    @Test(
        "names and numbers of a hostile document are cut and escaped in a message",
        arguments: [
            #"{"\u001b]52;c;eA==\u0007":1}"#, #"{"a\u202eb\u0085\u200b":1}"#, "{\"\(String(repeating: "x", count: 100_000))\":1}",
            "{\"a\":1\(String(repeating: "0", count: 100_000))}", #"{"\r\nINFO ok":1}"#, #"{"\u2028\ue000\udb40\udc01":1}"#,
            "{\"\(String(repeating: "\u{301}", count: 50_000))\":1}",
        ])
    func hostile(_ text: String) throws {
        try hostile([String: String].self, text)
        try hostile([String: Int8].self, text.replacing(":1}", with: ":[]}"))
        try hostile([String: [Layer]].self, text)
    }

    private func hostile<Value: Decodable>(_ type: Value.Type, _ text: String) throws {
        let value = try JSON.parse(Array(text.utf8))
        let error = #expect(throws: JSONError.self) { try JSON.decode(type, from: value) }
        let message = error?.description ?? ""
        #expect(!message.isEmpty)
        #expect(message.unicodeScalars.count < 8_000)
        for scalar in message.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse: Issue.record("U+\(scalar.value) in a message")
            default: break
            }
        }
    }

    @Test("an array read past its end says how long it is") func pastTheEnd() {
        struct Pair: Decodable {
            init(from decoder: any Decoder) throws {
                var items = try decoder.unkeyedContainer()
                _ = try items.decode(Int.self)
                _ = try items.decode(Int.self)
            }
        }
        let error = #expect(throws: JSONError.self) { try JSON.decode([Pair].self, from: Array("[[1]]".utf8)) }
        #expect(error?.description == "the array has only 1 items at [0]")
    }
}
