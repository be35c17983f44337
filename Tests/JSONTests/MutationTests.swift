// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

/// Documents broken at random, with a seed: the parser neither traps nor reads what Python's parser, made as strict, does not.
@Suite struct MutationTests {
    private static let seeds: [String] = [
        #"{"schemaVersion":2,"config":{"digest":"sha256:00","size":7},"layers":[{"size":-0,"x":1.50e+10},{}],"a":null}"#,
        #"["\u00e9\ud83d\ude00\n\\\"",{"a":{"b":{"c":[[],[[]],{}]}}},true,false,null,"€😀é",0,-1,0.1,1E-2,123456789012345678901234567890]"#,
        #"{"":0,"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":[{"a":"","b":"/"}]}"#,
        "  [ 1 ,\t2 ,\r\n{ \"x\" : \"y\" } ]  ",
    ]

    private static let tokens: [String] = [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud800", "\\udc00", "\\u0000", "\\u0061", "null", "true", "false", "NaN",
        "Infinity", "-", "+", ".",
        "e", "E5", "0", "-0", "1e999", "\"a\":1,", ",\"a\":{}", "[]", "{}", " ", "\n", "\u{0}", "\u{feff}", "e\u{301}", "\u{e9}",
        "\u{2028}", "//", "'", "\u{7f}",
        "\u{1f}", "\"\"", "99999999999999999999",
    ]

    private static func mutated(_ random: inout SeededRandom) -> [UInt8] {
        var bytes = Array(seeds.randomElement(using: &random).map { $0.utf8 } ?? "".utf8)
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let place = Int.random(in: 0...bytes.count, using: &random)
            let end = min(bytes.count, place + Int.random(in: 0...6, using: &random))
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes.insert(contentsOf: Array((tokens.randomElement(using: &random) ?? "").utf8), at: place)
            case 1: bytes.replaceSubrange(place..<end, with: Array((tokens.randomElement(using: &random) ?? "").utf8))
            case 2: bytes.removeSubrange(place..<end)
            case 3: bytes.insert(contentsOf: bytes[place..<end], at: Int.random(in: 0...bytes.count, using: &random))
            case 4: if place < bytes.count { bytes[place] = UInt8.random(in: 0...255, using: &random) }
            default: if place < bytes.count { bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random) }
            }
        }
        return bytes
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// One line a document: what was read, and what our writer made of it, or "-" where it was refused.
    private static func batch(seed: UInt64, count: Int) throws -> (text: String, accepted: Int) {
        var random = SeededRandom(seed: seed)
        var text = ""
        var accepted = 0
        for _ in 0..<count {
            let document = mutated(&random)
            text += hex(document)
            if let value = try? JSON.parse(document) {
                accepted += 1
                let written = try JSON.encode(value, accepted.isMultiple(of: 2) ? .compact : .pretty)
                #expect(try JSON.parse(written) == value, "seed \(seed): \(hex(document))")
                text += " " + hex(written) + "\n"
            } else {
                text += " -\n"
            }
        }
        return (text, accepted)
    }

    /// Python is lenient in five places, which are closed here, so that both parsers must say the same of each document.
    private static let script = """
        import json, sys, unicodedata
        def pairs(items):
            names = [unicodedata.normalize("NFC", name) for name, _ in items]
            if len(set(names)) < len(names): raise ValueError("a name twice")
            return dict(items)
        def constant(name): raise ValueError(name)
        def check(value, depth):
            if isinstance(value, str): value.encode("utf-8")
            if isinstance(value, (list, dict)) and depth > 128: raise ValueError("depth")
            if isinstance(value, list):
                for item in value: check(item, depth + 1)
            if isinstance(value, dict):
                for name, item in value.items(): name.encode("utf-8"); check(item, depth + 1)
            return value
        def parse(text):
            text = bytes.fromhex(text).decode("utf-8")
            return check(json.loads(text, object_pairs_hook=pairs, parse_constant=constant), 1)
        wrong = 0
        for line in open(sys.argv[1]):
            document, written = line.split(" ") if not line.startswith(" ") else ("", line)
            try: value = parse(document)
            except ValueError: value = ValueError
            ours = ValueError if written.strip() == "-" else parse(written)
            if value is not ours and (value is ValueError or ours is ValueError or repr(value) != repr(ours)):
                wrong += 1
                print("differs:", bytes.fromhex(document), "python:", value, "ours:", ours, file=sys.stderr)
        sys.exit(1 if wrong else 0)
        """

    @Test(
        "Python's parser reads what ours reads, to the same value, and refuses what ours refuses",
        .enabled("needs Debian's python3") { Python.interpreter != nil }, arguments: [1, 2, 3] as [UInt64])
    func python(_ seed: UInt64) throws {
        let (text, accepted) = try Self.batch(seed: seed, count: 4_000)
        // Both sides of the border are met often.
        #expect((400...3_600).contains(accepted))
        #expect(Python.run(Self.script, input: Array(text.utf8)) == 0)
    }

    @Test("bytes at random are refused or read, never trapped on") func noise() {
        var random = SeededRandom(seed: 7)
        let alphabet = Array("{}[]\",:\\ue0-+.19tfn \n\u{e9}".utf8)
        var refused = 0
        for _ in 0..<50_000 {
            let length = Int.random(in: 0...24, using: &random)
            let bytes = (0..<length).map { _ in alphabet.randomElement(using: &random) ?? 0 }
            do throws(JSONError) { _ = try JSON.parse(bytes) } catch { refused += 1 }
        }
        #expect(refused > 40_000)
        #expect(refused < 50_000)
    }
}
