// SPDX-License-Identifier: Apache-2.0

import APITypes
import Client
import Testing

/// `--health-…`
@Suite struct HealthFlagTests {
    private static func flags(_ change: (inout HealthFlags) -> Void) -> HealthFlags {
        var flags = HealthFlags()
        change(&flags)
        return flags
    }

    @Test("what is not said is not asked for; NONE is")
    func none() throws {
        #expect(try HealthFlags().request() == nil)
        #expect(try Self.flags { $0.none = true }.request() == HealthRequest(test: ["NONE"]))
    }

    @Test("a command is for a shell, exec: is words, other probes are the daemon's to read")
    func probes() throws {
        #expect(try Self.flags { $0.command = "curl -f x || exit 1" }.request()?.test == ["CMD-SHELL", "curl -f x || exit 1"])
        #expect(try Self.flags { $0.probe = "exec:/bin/check  -q x" }.request()?.test == ["CMD", "/bin/check", "-q", "x"])
        #expect(try Self.flags { $0.probe = "tcp://:1" }.request() == HealthRequest(probe: "tcp://:1"))
    }

    @Test(
        "times are read to the millisecond",
        arguments: [
            ("500ms", 500), ("1.5s", 1500), ("1m30s", 90_000), ("0", 0), ("0s", 0), ("1h", 3_600_000), ("1500us", 1), ("2m0.25s", 120_250),
        ])
    func times(text: String, milliseconds: Int64) throws {
        let request = try Self.flags {
            $0.interval = text
            $0.retries = 2
            $0.onFailure = "restart"
        }.request()
        #expect(request?.intervalMilliseconds == milliseconds && request?.retries == 2 && request?.onFailure == .restart)
    }

    @Test(
        "what can't be honoured is refused, and the option is named",
        arguments: [
            ("--health-interval", flags { $0.interval = "-1s" }), ("--health-interval", flags { $0.interval = "999us" }),
            ("--health-interval", flags { $0.interval = "1" }),
            ("--health-timeout", flags { $0.timeout = "s" }), ("--health-timeout", flags { $0.timeout = "" }),
            ("--health-start-period", flags { $0.startPeriod = "1d" }),
            ("--health-start-interval", flags { $0.startInterval = "99999999999h" }), ("--health-retries", flags { $0.retries = -1 }),
            ("--health-on-failure", flags { $0.onFailure = "explode" }), ("--health-cmd", flags { $0.command = "" }),
            ("--health-probe", flags { $0.probe = "exec: " }),
            ("--health-cmd", flags { ($0.command, $0.probe) = ("true", "tcp://:1") }),
            ("--no-healthcheck", flags { ($0.none, $0.retries) = (true, 1) }),
        ] as [(String, HealthFlags)])
    func refused(option: String, flags: HealthFlags) {
        let error = #expect(throws: UsageError.self) { try flags.request() }
        #expect(error?.message.contains(option) == true)
    }
}
