// SPDX-License-Identifier: Apache-2.0

package import APITypes

/// The `--health-…` options, as they were typed: Docker's names, and `--health-probe` and `--health-on-failure`.
package struct HealthFlags: Sendable {
    package var command: String?
    package var probe: String?
    package var interval: String?
    package var timeout: String?
    package var startPeriod: String?
    package var startInterval: String?
    package var retries: Int?
    package var onFailure: String?
    package var none = false

    package init() {}

    /// - Returns: nil where nothing was said.
    package func request() throws(UsageError) -> HealthRequest? {
        var request = HealthRequest()
        if let command, probe != nil { throw UsageError("--health-cmd", command, "not together with --health-probe") }
        if let command {
            guard !command.isEmpty else {
                throw UsageError("--health-cmd", command, "no command", remedy: "--no-healthcheck turns the image's check off")
            }
            request.test = ["CMD-SHELL", command]
        }
        if let probe { try Self.add(probe, to: &request) }
        request.intervalMilliseconds = try Self.time(interval, "--health-interval")
        request.timeoutMilliseconds = try Self.time(timeout, "--health-timeout")
        request.startPeriodMilliseconds = try Self.time(startPeriod, "--health-start-period")
        request.startIntervalMilliseconds = try Self.time(startInterval, "--health-start-interval")
        if let retries {
            guard retries >= 0 else {
                throw UsageError("--health-retries", "\(retries)", "less than 0", remedy: "use 1 or more; default: 3")
            }
            request.retries = retries
        }
        if let onFailure {
            guard let action = HealthAction(rawValue: onFailure) else {
                throw UsageError("--health-on-failure", onFailure, "no such choice", remedy: "use none, kill, restart or stop")
            }
            request.onFailure = action
        }
        guard none else { return request == HealthRequest() ? nil : request }
        guard request == HealthRequest() else { throw UsageError("--no-healthcheck and --health-… can't both be had") }
        return HealthRequest(test: ["NONE"])
    }

    /// `exec:` is a program without a shell; the daemon knows the other forms.
    private static func add(_ probe: String, to request: inout HealthRequest) throws(UsageError) {
        guard probe.hasPrefix("exec:") else {
            request.probe = probe
            return
        }
        let words = probe.dropFirst("exec:".count).split(separator: " ").map(String.init)
        guard !words.isEmpty else { throw UsageError("--health-probe", probe, "no program", remedy: "use exec:/bin/check and words") }
        request.test = ["CMD"] + words
    }

    private static func time(_ text: String?, _ option: String) throws(UsageError) -> Int64? {
        guard let text else { return nil }
        return try Quantity.milliseconds(text, option: option)
    }
}
