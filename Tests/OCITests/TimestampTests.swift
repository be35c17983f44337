// SPDX-License-Identifier: Apache-2.0

import Glibc
import OCI
import Testing

/// Source: RFC 3339, section 5.6.
@Suite struct TimestampTests {
    private static let texts: [(String, Int64, Int64)] = [
        ("1970-01-01T00:00:00Z", 0, 0),
        ("1970-01-01T00:00:00.000000001Z", 0, 1),
        ("1969-12-31T23:59:59.999999999Z", -1, 999_999_999),
        ("2026-11-21T06:25:00.5Z", 1_795_242_300, 500_000_000),
        ("2026-11-21T06:25:00.123456789Z", 1_795_242_300, 123_456_789),
        // More digits than nanoseconds: cut, not refused; Go writes nine, others twelve.
        ("2026-11-21T06:25:00.123456789999Z", 1_795_242_300, 123_456_789),
        ("2026-11-21t06:25:00z", 1_795_242_300, 0),
        ("2026-11-21T07:25:00+01:00", 1_795_242_300, 0),
        ("2026-11-20T18:55:00.25-11:30", 1_795_242_300, 250_000_000),
        ("2026-11-21T06:25:00-00:00", 1_795_242_300, 0),
        ("2026-11-22T06:24:00+23:59", 1_795_242_300, 0),
        ("2000-02-29T12:00:00Z", 951_825_600, 0),
        ("2024-02-29T00:00:00Z", 1_709_164_800, 0),
        ("2016-12-31T23:59:60Z", 1_483_228_800, 0),
        ("2038-01-19T03:14:08Z", 2_147_483_648, 0),
        // The zero time of Go, which Docker writes for "never"; the first and the last year.
        ("0001-01-01T00:00:00Z", -62_135_596_800, 0),
        ("0000-01-01T00:00:00Z", -62_167_219_200, 0),
        ("9999-12-31T23:59:59.999999999Z", 253_402_300_799, 999_999_999),
    ]

    @Test("a time is read to the nanosecond, its offset taken off", arguments: texts)
    func parses(_ text: String, _ seconds: Int64, _ nanoseconds: Int64) throws {
        let time = try #require(Timestamp.parse(text))
        #expect(time.seconds == seconds)
        #expect(time.nanoseconds == nanoseconds)
        let written = Timestamp.rfc3339(seconds: time.seconds, nanoseconds: time.nanoseconds)
        #expect(Timestamp.parse(written).map { [$0.seconds, $0.nanoseconds] } == [seconds, nanoseconds])
        #expect(written.utf8.count == 30)
    }

    @Test(
        "what is no time is refused",
        arguments: [
            "", "Z", "2026", "2026-11-21", "2026-11-21T06:25:00", "2026-11-21 06:25:00Z", "2026-11-21T06:25Z", "2026-11-21T06:25:00.Z",
            "2026-11-21T06:25:00,5Z", "2026-11-21T06:25:00.5", "2026-11-21T06:25:00ZZ", "2026-11-21T06:25:00Z ", " 2026-11-21T06:25:00Z",
            "2026-11-21T06:25:00+1:00", "2026-11-21T06:25:00+0100", "2026-11-21T06:25:00+24:00", "2026-11-21T06:25:00+00:60",
            "2026-11-21T06:25:00 01:00", "2026-11-21T06:25:00+-1:00", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
            "2026-11-00T00:00:00Z",
            "2026-11-31T00:00:00Z", "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-01-32T00:00:00Z", "2026-11-21T24:00:00Z",
            "2026-11-21T06:60:00Z", "2026-11-21T06:25:61Z", "-026-11-21T06:25:00Z", "+2026-11-21T06:25:00Z", "12026-11-21T06:25:00Z",
            "2026/11/21T06:25:00Z", "2026-1-21T06:25:00.0Z", "２026-11-21T06:25:00Z", "2026-11-21T06:25:00.١Z", "2026-11-21T06:25:00\u{0}Z",
            "2026-11-21X06:25:00Z", "2026-11-21\u{34}06:25:00Z",
        ])
    func refuses(_ text: String) {
        #expect(Timestamp.parse(text) == nil)
    }

    @Test("the calendar is the C library's, over all years of four digits") func calendar() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            let seconds = Int64.random(in: -62_167_219_200...253_402_300_799, using: &random)
            var time = time_t(seconds)
            var fields = tm()
            gmtime_r(&time, &fields)
            var text = [CChar](repeating: 0, count: 32)
            let length = strftime(&text, text.count, "%Y-%m-%dT%H:%M:%S", &fields)
            let padded = String(decoding: text.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let expected = String(repeating: "0", count: 19 - padded.utf8.count) + padded + ".000000007Z"
            #expect(Timestamp.rfc3339(seconds: seconds, nanoseconds: 7) == expected, "\(seconds)")
            #expect(Timestamp.parse(expected)?.seconds == seconds, "\(expected)")
        }
    }

    @Test("a moment that no calendar has is still written, not trapped on") func bounds() {
        #expect(Timestamp.rfc3339(seconds: .max, nanoseconds: 0).hasSuffix("-12-04T15:30:07.000000000Z"))
        #expect(Timestamp.rfc3339(seconds: .min, nanoseconds: 0).hasSuffix("-01-27T08:29:52.000000000Z"))
    }

    @Test("times sort as text") func sorts() {
        let moments: [(Int64, Int64)] = [(-1, 0), (-1, 999_999_999), (0, 0), (0, 1), (0, 10), (9, 0), (10, 0), (1_795_242_300, 5)]
        let texts = moments.map { Timestamp.rfc3339(seconds: $0.0, nanoseconds: $0.1) }
        #expect(texts == texts.sorted())
    }

    @Test("now is between two readings of the clock") func now() throws {
        let before = time(nil)
        let now = try #require(Timestamp.parse(Timestamp.now()))
        #expect(Int64(before) <= now.seconds && now.seconds <= Int64(time(nil)))
    }
}
