// SPDX-License-Identifier: Apache-2.0

import APITypes
import Client
import Testing

@Suite struct LogFlagTests {
    @Test("limits of a log, apart or together")
    func options() throws {
        #expect(try LogFlag.options([]) == nil)
        let expected = LogOptions(maxSizeInBytes: 10 << 20, maxFiles: 5, mode: .nonBlocking, bufferSizeInBytes: 4 << 20)
        #expect(try LogFlag.options(["max-size=10m,max-file=5", "mode=non-blocking", "max-buffer-size=4m"]) == expected)
        #expect(try LogFlag.options(["mode=blocking"]) == LogOptions(mode: .blocking))
    }

    @Test(
        "what is no limit is refused",
        arguments: [
            "", "max-size", "max-size=", "max-size=x", "max-file=0", "max-file=1.5", "mode=fast", "compress=true", "max-size=1m,", "=1",
        ])
    func noOption(text: String) { #expect(throws: UsageError.self) { try LogFlag.options([text]) } }

    @Test(
        "a time is RFC 3339, seconds since 1970, or how long ago",
        arguments: [
            ("2026-11-21T06:25:00Z", "2026-11-21T06:25:00.000000000Z"), ("2026-11-21T07:25:00.5+01:00", "2026-11-21T06:25:00.500000000Z"),
            ("1136073600", "2006-01-01T00:00:00.000000000Z"), ("1136073600.000000001", "2006-01-01T00:00:00.000000001Z"),
            ("0", "1970-01-01T00:00:00.000000000Z"), ("10m", "2026-11-21T05:50:00.250000000Z"), ("1h30m", "2026-11-21T04:30:00.250000000Z"),
            ("0s", "2026-11-21T06:00:00.250000000Z"),
        ])
    func time(text: String, expected: String) throws {
        #expect(try LogFlag.time(text, option: "--since", now: "2026-11-21T06:00:00.25Z") == expected)
    }

    @Test("what is no time is refused", arguments: ["", "yesterday", "2026-11-21", "-10m", "1.", "1.2.3", "99999999999999", "m"])
    func noTime(text: String) {
        #expect(throws: UsageError.self) { try LogFlag.time(text, option: "--since", now: "2026-11-21T06:00:00Z") }
    }

    @Test(
        "restart policies as Docker writes them",
        arguments: [
            ("no", RestartPolicy(.no)), ("always", RestartPolicy(.always)), ("unless-stopped", RestartPolicy(.unlessStopped)),
            ("on-failure", RestartPolicy(.onFailure)), ("on-failure:5", RestartPolicy(.onFailure, maximumRetries: 5)),
        ])
    func restart(text: String, policy: RestartPolicy) throws {
        var flags = RunFlags(image: "img")
        flags.restart = text
        #expect(try flags.request(.own).restart == policy)
    }

    @Test(
        "what is no policy is refused, and --rm with one",
        arguments: ["", "Always", "on-failure:", "on-failure:-1", "always:3", "no:1", "5"])
    func noPolicy(text: String) {
        var flags = RunFlags(image: "img")
        flags.restart = text
        #expect(throws: UsageError.self) { try flags.request(.own) }
        flags.restart = "always"
        flags.remove = true
        #expect(throws: UsageError.self) { try flags.request(.own) }
    }
}
