// SPDX-License-Identifier: Apache-2.0

package import APITypes

/// The limits of a container's group as they were typed: of `run`, `create` and `update`.
package struct LimitFlags: Sendable {
    package var memory: String?
    package var memorySwap: String?
    package var memoryReservation: String?
    package var cpus: String?
    package var cpuShares: Int64?
    package var cpusetCPUs: String?
    package var cpusetMemoryNodes: String?
    package var pidsLimit: Int64?
    package var blockIOWeight: Int64?
    /// `/dev/sda:1m`, and `/dev/sda:100` for the last two.
    package var deviceReadBytes: [String] = []
    package var deviceWriteBytes: [String] = []
    package var deviceReads: [String] = []
    package var deviceWrites: [String] = []

    package init() {}

    /// - Throws: `UsageError` for the first flag that can't be read.
    package func request() throws(UsageError) -> ResourceRequest {
        var request = ResourceRequest()
        if let memory { request.memoryInBytes = try Quantity.bytes(memory, option: "--memory") }
        if let memorySwap {
            request.memorySwapInBytes = memorySwap == "-1" ? -1 : try Quantity.bytes(memorySwap, option: "--memory-swap")
        }
        if let memoryReservation {
            request.memoryReservationInBytes = try Quantity.bytes(memoryReservation, option: "--memory-reservation")
        }
        if let cpus { request.nanoCPUs = try Quantity.nanoCPUs(cpus, option: "--cpus") }
        request.cpuShares = cpuShares
        request.cpusetCPUs = cpusetCPUs
        request.cpusetMemoryNodes = cpusetMemoryNodes
        request.pidsLimit = pidsLimit
        request.blockIOWeight = blockIOWeight
        var devices: [DeviceLimitRequest] = []
        try add(deviceReadBytes, "--device-read-bps", \.readBytesPerSecond, to: &devices)
        try add(deviceWriteBytes, "--device-write-bps", \.writtenBytesPerSecond, to: &devices)
        try add(deviceReads, "--device-read-iops", \.readsPerSecond, to: &devices)
        try add(deviceWrites, "--device-write-iops", \.writesPerSecond, to: &devices)
        if !devices.isEmpty { request.devices = devices }
        return request
    }

    private func add(
        _ texts: [String], _ option: String, _ rate: WritableKeyPath<DeviceLimitRequest, Int64?>, to devices: inout [DeviceLimitRequest]
    ) throws(UsageError) {
        for text in texts {
            guard let colon = text.lastIndex(of: ":"), text.hasPrefix("/") else {
                throw UsageError(option, text, "no device and rate", remedy: "use /dev/sda:1m, or /dev/sda:100 for operations")
            }
            let path = String(text[..<colon])
            let value = try Quantity.bytes(String(text[text.index(after: colon)...]), option: option)
            let place = devices.firstIndex { $0.path == path } ?? devices.endIndex
            if place == devices.endIndex { devices.append(DeviceLimitRequest(path: path)) }
            devices[place][keyPath: rate] = value
        }
    }

    /// `nofile=1024:4096`; one number is both.
    package static func ulimit(_ text: String) throws(UsageError) -> UlimitRequest {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let numbers = parts.count == 2 ? parts[1].split(separator: ":", omittingEmptySubsequences: false).map { limit($0) } : []
        guard let name = parts.first, !name.isEmpty, (1...2).contains(numbers.count), let soft = numbers[0],
            let hard = numbers[numbers.count - 1]
        else {
            throw UsageError("--ulimit", text, "no name and limits", remedy: "use nofile=1024:4096, or core=0; -1 is unlimited")
        }
        return UlimitRequest(name: String(name), soft: soft, hard: hard)
    }

    private static func limit(_ text: Substring) -> Int64? {
        if text == "-1" || text == "unlimited" { return -1 }
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return Int64(text)
    }
}
