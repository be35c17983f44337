// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import JSON
internal import OCI
internal import ShimProtocol

/// What request, image and defaults make of a container's health check. Source: moby, `daemon/health.go` and `daemon/commit.go` (merge).
struct HealthPlan {
    /// nil: there is none.
    let health: ShimHealth?

    /// What a request's number of milliseconds may be.
    static let longest: Int64 = 365 * 24 * 3600 * 1000

    /// - Throws: `ContainerError.invalidRequest` for what can't be honoured, `.invalidImage` for what of the image can't.
    init(
        _ request: HealthRequest?, image: ImageConfig.ContainerConfig?, autoRemove: Bool, stopSignal: Int32, stopTimeoutSeconds: Int
    ) throws(ContainerError) {
        let wanted = request ?? HealthRequest()
        if wanted.test == ["NONE"] {
            var rest = wanted
            rest.test = nil
            guard rest == HealthRequest() else {
                throw .invalidRequest("no health check, and options of one", remedy: "leave one of the two out")
            }
            health = nil
            return
        }
        try Self.check(wanted)
        let given = try Self.imageCheck(image)
        guard let (command, target) = try Self.probe(wanted, given, image) else {
            guard wanted == HealthRequest() else {
                throw .invalidRequest(
                    "options of a health check where there is none", remedy: "say what is checked: --health-cmd or --health-probe")
            }
            health = nil
            return
        }
        var health = ShimHealth(command: command, target: target, stopSignal: stopSignal, stopTimeoutSeconds: stopTimeoutSeconds)
        health.intervalMilliseconds = try Self.time(wanted.intervalMilliseconds, given?.interval, "Interval", health.intervalMilliseconds)
        health.timeoutMilliseconds = try Self.time(wanted.timeoutMilliseconds, given?.timeout, "Timeout", health.timeoutMilliseconds)
        health.startPeriodMilliseconds = try Self.time(
            wanted.startPeriodMilliseconds, given?.startPeriod, "StartPeriod", health.startPeriodMilliseconds)
        health.startIntervalMilliseconds = try Self.time(
            wanted.startIntervalMilliseconds, given?.startInterval, "StartInterval", health.startIntervalMilliseconds)
        health.retries = try Self.retries(wanted.retries, given?.retries, health.retries)
        if wanted.onFailure == .restart, autoRemove {
            throw .invalidRequest(
                "a container that is removed at its end can't be restarted", remedy: "use --rm or --health-on-failure restart")
        }
        health.action = wanted.onFailure.flatMap { ShimHealth.Action(rawValue: $0.rawValue) }
        self.health = health
    }

    /// What can be told without the image.
    private static func check(_ wanted: HealthRequest) throws(ContainerError) {
        let times = [
            ("interval", wanted.intervalMilliseconds), ("timeout", wanted.timeoutMilliseconds),
            ("start period", wanted.startPeriodMilliseconds), ("start interval", wanted.startIntervalMilliseconds),
        ]
        for (name, value) in times {
            guard let value, !(0...longest).contains(value) else { continue }
            throw .invalidRequest(
                "a health \(name) of \(value) ms", remedy: "use 1ms to \(longest / 3_600_000)h, or 0 for the image's or the default")
        }
        if let retries = wanted.retries, !(0...Int(Int32.max)).contains(retries) {
            throw .invalidRequest("\(retries) health retries", remedy: "use 1 or more, or 0 for the image's or the default")
        }
        if wanted.test?.isEmpty == false, wanted.probe != nil {
            throw .invalidRequest("a health check by a program and by \"\(wanted.probe ?? "")\"", remedy: "leave one of the two out")
        }
    }

    private static func imageCheck(_ image: ImageConfig.ContainerConfig?) throws(ContainerError) -> ImageHealthcheck? {
        do throws(JSONError) { return try image?.healthcheck() } catch {
            throw .invalidImage("the image's Healthcheck can't be read (--no-healthcheck leaves it out): \(error)")
        }
    }

    private static func probe(
        _ wanted: HealthRequest, _ given: ImageHealthcheck?, _ image: ImageConfig.ContainerConfig?
    ) throws(ContainerError) -> (command: [String]?, target: ProbeTarget?)? {
        if let text = wanted.probe {
            do throws(ProbeTarget.Refusal) { return (nil, try ProbeTarget(parsing: text)) } catch {
                throw .invalidRequest("health probe \"\(text)\": \(error.reason)", remedy: error.remedy)
            }
        }
        if let test = wanted.test, !test.isEmpty {
            guard let command = try command(test, image) else {
                throw .invalidRequest(
                    "health check \"\(test.joined(separator: " "))\"", remedy: "use NONE, CMD and words, or CMD-SHELL and one script")
            }
            return (command, nil)
        }
        guard let test = given?.test, !test.isEmpty, test != ["NONE"] else { return nil }
        guard let command = try command(test, image) else {
            throw .invalidImage(
                "the image's Healthcheck is of no known form (--no-healthcheck leaves it out): \"\(test.joined(separator: " "))\"")
        }
        return (command, nil)
    }

    /// - Returns: nil where it is of no known form.
    private static func command(_ test: [String], _ image: ImageConfig.ContainerConfig?) throws(ContainerError) -> [String]? {
        guard !test.contains(where: { $0.utf8.contains(0) }) else { throw .invalidRequest("the health check holds a NUL byte") }
        let words = Array(test.dropFirst())
        guard let first = words.first, !first.isEmpty else { return nil }
        switch test.first {
        case "CMD": return words
        case "CMD-SHELL" where words.count == 1:
            do throws(JSONError) {
                let shell = try image?.shell() ?? []
                return (shell.isEmpty ? ["/bin/sh", "-c"] : shell) + words
            } catch {
                throw .invalidImage("the image's Shell can't be read: \(error)")
            }
        default: return nil
        }
    }

    /// - Parameters:
    ///   - wanted: milliseconds, checked.
    ///   - given: the image's nanoseconds.
    private static func time(_ wanted: Int64?, _ given: Int64?, _ name: String, _ standard: UInt64) throws(ContainerError) -> UInt64 {
        if let wanted, wanted != 0 { return UInt64(wanted) }
        guard let given, given != 0 else { return standard }
        guard given >= 1_000_000, given / 1_000_000 <= longest else {
            throw .invalidImage("the image's Healthcheck has \(name) \(given) ns, which is not 1 ms to a year")
        }
        return UInt64(given / 1_000_000)
    }

    private static func retries(_ wanted: Int?, _ given: Int?, _ standard: Int) throws(ContainerError) -> Int {
        if let wanted, wanted != 0 { return wanted }
        guard let given, given != 0 else { return standard }
        guard (1...Int(Int32.max)).contains(given) else { throw .invalidImage("the image's Healthcheck has Retries \(given)") }
        return given
    }
}

extension ShimHealth {
    /// As a request that leaves nothing open.
    var check: HealthRequest {
        var check = HealthRequest(test: command.map { ["CMD"] + $0 }, probe: target.map { "\($0)" })
        check.intervalMilliseconds = Int64(clamping: intervalMilliseconds)
        check.timeoutMilliseconds = Int64(clamping: timeoutMilliseconds)
        check.startPeriodMilliseconds = Int64(clamping: startPeriodMilliseconds)
        check.startIntervalMilliseconds = Int64(clamping: startIntervalMilliseconds)
        check.retries = retries
        check.onFailure = action.flatMap { HealthAction(rawValue: $0.rawValue) } ?? HealthAction.none
        return check
    }
}
