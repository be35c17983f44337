// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import JSON
import OCI
import ShimProtocol
import Testing

/// What request, image and defaults make of a health check.
@Suite struct HealthPlanTests {
    private static func plan(_ request: HealthRequest?, image: String? = nil, shell: String? = nil, remove: Bool = false) throws
        -> ShimHealth?
    {
        let others = JSONOtherMembers(
            try JSON.parse(Array(#"{"Healthcheck":\#(image ?? "null"),"Shell":\#(shell ?? "null")}"#.utf8)).objectValue ?? JSONObject())
        return try TestPlan(image: { $0.others = others }) {
            $0.health = request
            $0.autoRemove = remove
            $0.stopTimeoutSeconds = 7
        }.plan.memo.health
    }

    @Test("without a check there is none; NONE turns the image's off")
    func none() throws {
        #expect(try Self.plan(nil) == nil)
        #expect(try Self.plan(nil, image: "{}") == nil)
        #expect(try Self.plan(nil, image: #"{"Test":["NONE"],"Interval":5}"#) == nil)
        #expect(try Self.plan(HealthRequest(test: ["NONE"]), image: #"{"Test":["CMD","x"]}"#) == nil)
        #expect(try Self.plan(HealthRequest(test: ["NONE"]), image: #"{"Test":7}"#) == nil, "what is not asked for is not read")
    }

    @Test("Docker's defaults; a shell form is for /bin/sh, or the image's Shell")
    func defaults() throws {
        let health = try #require(try Self.plan(nil, image: #"{"Test":["CMD-SHELL","a b"]}"#))
        #expect(health.command == ["/bin/sh", "-c", "a b"] && health.target == nil && health.action == nil)
        #expect(health.intervalMilliseconds == 30_000 && health.timeoutMilliseconds == 30_000 && health.startPeriodMilliseconds == 0)
        #expect(health.startIntervalMilliseconds == 5_000 && health.retries == 3)
        #expect(health.stopSignal == 15 && health.stopTimeoutSeconds == 7)
        #expect(
            try Self.plan(nil, image: #"{"Test":["CMD-SHELL","a"]}"#, shell: #"["/bin/ash","-ec"]"#)?.command == ["/bin/ash", "-ec", "a"])
        #expect(try Self.plan(nil, image: #"{"Test":["CMD","a","b"]}"#)?.command == ["a", "b"])
    }

    @Test("each member that the request has takes the place of the image's")
    func merged() throws {
        let image =
            #"{"Test":["CMD","a"],"Interval":1500000000,"Timeout":2000000000,"StartPeriod":3000000000,"StartInterval":4000000,"Retries":9}"#
        var request = HealthRequest()
        request.timeoutMilliseconds = 77
        request.intervalMilliseconds = 0
        request.onFailure = HealthAction.kill
        let health = try #require(try Self.plan(request, image: image))
        #expect(health.command == ["a"] && health.intervalMilliseconds == 1500 && health.timeoutMilliseconds == 77)
        #expect(health.startPeriodMilliseconds == 3000 && health.startIntervalMilliseconds == 4 && health.retries == 9)
        #expect(health.action == .kill)
        request.probe = "tcp://:80"
        let other = try #require(try Self.plan(request, image: image))
        #expect(other.command == nil && other.target?.description == "tcp://127.0.0.1:80" && other.retries == 9)
    }

    private static func only(_ change: (inout HealthRequest) -> Void) -> HealthRequest {
        var request = HealthRequest()
        change(&request)
        return request
    }

    private static func request(_ change: (inout HealthRequest) -> Void) -> HealthRequest {
        var request = HealthRequest(test: ["CMD", "a"])
        change(&request)
        return request
    }

    @Test(
        "what can't be honoured is refused in words",
        arguments: [
            ("interval", request { $0.intervalMilliseconds = -1 }), ("timeout", request { $0.timeoutMilliseconds = Int64.max }),
            ("start period", request { $0.startPeriodMilliseconds = -5 }),
            ("start interval", request { $0.startIntervalMilliseconds = -1 }),
            ("retries", request { $0.retries = -1 }),
            ("where there is none", only { $0.retries = 2 }),
            ("where there is none", only { $0.onFailure = HealthAction.kill }),
            ("scheme", HealthRequest(probe: "ftp://:1")), ("and by", request { $0.probe = "tcp://:1" }),
            ("health check", request { $0.test = ["CMD"] }), ("health check", request { $0.test = ["CMD", ""] }),
            ("health check", request { $0.test = ["CMD-SHELL", "a", "b"] }),
            ("health check", request { $0.test = ["SHELL", "a"] }), ("NUL", request { $0.test = ["CMD", "a\u{0}"] }),
            ("no health check, and", only { ($0.test, $0.retries) = (["NONE"], 1) }),
        ] as [(String, HealthRequest)])
    func refused(part: String, request: HealthRequest) {
        expectInvalid(part) { try Self.plan(request) }
    }

    @Test("a container that goes at its end can't be restarted")
    func removed() {
        expectInvalid("removed") { try Self.plan(Self.request { $0.onFailure = .restart }, remove: true) }
        #expect(throws: Never.self) { try Self.plan(Self.request { $0.onFailure = .kill }, remove: true) }
    }

    @Test(
        "what of the image can't be honoured is the image's fault",
        arguments: [
            #"{"Test":7}"#, #"{"Test":["CMD","a"],"Interval":-1}"#, #"{"Test":["CMD","a"],"Timeout":999999}"#,
            #"{"Test":["CMD","a"],"Retries":-1}"#,
            #"{"Test":["WHAT","a"]}"#, #"{"Test":["CMD"]}"#,
        ])
    func imageRefused(image: String) {
        let error = #expect(throws: ContainerError.self) { try Self.plan(nil, image: image) }
        guard case .invalidImage? = error else {
            Issue.record("\(error.map { "\($0)" } ?? "no error")")
            return
        }
    }
}
