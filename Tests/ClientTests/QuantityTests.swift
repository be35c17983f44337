// SPDX-License-Identifier: Apache-2.0

import Client
import Testing

@Suite struct QuantityTests {
    @Test(
        "a size is read exactly, in powers of 1024",
        arguments: [
            ("0", 0), ("4096", 4096), ("4096b", 4096), ("64k", 65_536), ("64K", 65_536), ("64kb", 65_536), ("64KiB", 65_536),
            ("1m", 1 << 20), ("1.5g", 3 << 29), (".5g", 1 << 29), ("2t", 2 << 40), ("1p", 1 << 50), ("0.3k", 307),
            ("9007199254740993", 9_007_199_254_740_993),
        ] as [(String, Int64)])
    func size(text: String, bytes: Int64) throws {
        #expect(try Quantity.bytes(text, option: "-m") == bytes)
    }

    @Test(
        "a duration is whole seconds",
        arguments: [("0s", 0), ("90s", 90), ("2m", 120), ("72h", 259_200), ("30d", 2_592_000), ("1w", 604_800), ("1h30m", 5400)])
    func duration(text: String, seconds: Int64) throws { #expect(try Quantity.seconds(text, option: "--unused-for") == seconds) }

    @Test(
        "what is no duration is refused with the option and the text",
        arguments: ["", "5", "h", "1h30", "-1h", "1.5h", "1y", "1 h", "9223372036854775807d", "99999999999999999999s", "٣h"])
    func noDuration(text: String) throws {
        let error = try #require(throws: UsageError.self) { try Quantity.seconds(text, option: "--unused-for") }
        #expect(error.message.hasPrefix("--unused-for \"") && error.remedy != nil)
    }

    @Test(
        "what is no size is refused with the option and the text",
        arguments: [
            "", "m", "b", "ib", "5ib", "-1", "+1", "1x", "1 m", "1e3", "0x10", "1.", ".", "1..5", "1.5.5", "inf", "nan", "9999999p",
            "99999999999999999999", "1,5g", "٣m", "1m\u{301}",
        ])
    func noSize(text: String) throws {
        let error = try #require(throws: UsageError.self) { try Quantity.bytes(text, option: "--memory") }
        #expect(error.message.hasPrefix("--memory \""))
        #expect(error.remedy != nil)
    }

    @Test(
        "CPUs are read exactly, in billionths",
        arguments: [("0.5", 500_000_000), ("2", 2_000_000_000), ("1.000000001", 1_000_000_001), ("0.1", 100_000_000), ("0", 0)]
            as [(String, Int64)])
    func cpus(text: String, billionths: Int64) throws {
        #expect(try Quantity.nanoCPUs(text, option: "--cpus") == billionths)
    }

    @Test(
        "what is no number of CPUs is refused, and nothing is rounded away",
        arguments: ["", "two", "-1", "1e1", "0x1p3", "1.0000000001", "99999999999", "1,5"])
    func noCPUs(text: String) {
        #expect(throws: UsageError.self) { try Quantity.nanoCPUs(text, option: "--cpus") }
    }

    @Test(
        "sizes are shown with one decimal, and never as 1024 of a unit",
        arguments: [
            (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (1_048_575, "1.0 MiB"), (1_048_523, "1023.9 KiB"),
            (5 << 30, "5.0 GiB"), (.max, "8.0 EiB"), (-1536, "-1.5 KiB"),
        ] as [(Int64, String)])
    func shown(bytes: Int64, text: String) { #expect(byteCount(bytes) == text) }

    @Test(
        "an age is shown in the largest unit of which there are two",
        arguments: [
            ("2026-11-21T12:00:00.5Z", "now"), ("2026-11-21T11:59:59Z", "1 second ago"), ("2026-11-21T11:58:30Z", "90 seconds ago"),
            ("2026-11-21T11:58:00Z", "2 minutes ago"), ("2026-11-21T09:00:00Z", "3 hours ago"), ("2026-11-20T00:00:00Z", "36 hours ago"),
            ("2026-11-07T12:00:00Z", "2 weeks ago"), ("2024-11-21T12:00:00Z", "2 years ago"), ("2026-11-21T12:00:30Z", "now"),
            ("2030-01-01T00:00:00Z", "2030-01-01T00:00:00"), ("yesterday", "yesterday"), ("", ""),
        ])
    func ages(time: String, text: String) { #expect(age(time, now: "2026-11-21T12:00:00Z") == text) }

    @Test(
        "a reference by digest is cut to twelve digits, others stay",
        arguments: [
            ("a/b:1", "a/b:1"), ("a@sha256:0123456789ab", "a@sha256:0123456789ab"), ("a@sha256:0123456789abcdef", "a@sha256:0123456789ab…"),
        ])
    func reference(text: String, short: String) { #expect(shortReference(text) == short) }
}
