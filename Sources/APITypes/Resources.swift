// SPDX-License-Identifier: Apache-2.0

/// Limits; nil is no limit, or, in an update, as it was. What the kernel can't enforce is refused, never dropped.
public struct ResourceRequest: Codable, Sendable, Hashable {
    public var memoryInBytes: Int64?
    /// Memory and swap together; -1 is no limit on swap. Needs `memoryInBytes`, and is not less.
    public var memorySwapInBytes: Int64?
    /// What the container is left with when others need memory.
    public var memoryReservationInBytes: Int64?
    /// Billionths of a CPU: 1_500_000_000 is one and a half.
    public var nanoCPUs: Int64?
    /// Against others' when there is not enough for all: 2 to 262,144; 1,024 is what a container without it has.
    public var cpuShares: Int64?
    /// Processors it may run on: "0-2,4".
    public var cpusetCPUs: String?
    /// Memory nodes it may take memory of: "0".
    public var cpusetMemoryNodes: String?
    public var pidsLimit: Int64?
    /// Against others' at one disk, where its scheduler has weights: 10 to 1,000.
    public var blockIOWeight: Int64?
    public var devices: [DeviceLimitRequest]?

    public init(memoryInBytes: Int64? = nil, nanoCPUs: Int64? = nil, pidsLimit: Int64? = nil) {
        self.memoryInBytes = memoryInBytes
        self.nanoCPUs = nanoCPUs
        self.pidsLimit = pidsLimit
    }

    /// With what `change` sets in place of what was there; what it leaves out stays.
    public func updated(by change: ResourceRequest) -> ResourceRequest {
        var result = self
        result.memoryInBytes = change.memoryInBytes ?? memoryInBytes
        result.memorySwapInBytes = change.memorySwapInBytes ?? memorySwapInBytes
        result.memoryReservationInBytes = change.memoryReservationInBytes ?? memoryReservationInBytes
        result.nanoCPUs = change.nanoCPUs ?? nanoCPUs
        result.cpuShares = change.cpuShares ?? cpuShares
        result.cpusetCPUs = change.cpusetCPUs ?? cpusetCPUs
        result.cpusetMemoryNodes = change.cpusetMemoryNodes ?? cpusetMemoryNodes
        result.pidsLimit = change.pidsLimit ?? pidsLimit
        result.blockIOWeight = change.blockIOWeight ?? blockIOWeight
        result.devices = change.devices.map { DeviceLimitRequest.updated(devices ?? [], by: $0) } ?? devices
        return result
    }
}

/// What may go to and from one block device each second; nil is no limit.
public struct DeviceLimitRequest: Codable, Sendable, Hashable {
    /// A device node of the host: "/dev/sda".
    public var path: String
    public var readBytesPerSecond: Int64?
    public var writtenBytesPerSecond: Int64?
    public var readsPerSecond: Int64?
    public var writesPerSecond: Int64?

    public init(path: String) { self.path = path }

    /// Device by device and rate by rate: what `change` leaves out stays, 0 takes a rate away, an empty list every one.
    static func updated(_ old: [Self], by change: [Self]) -> [Self]? {
        var result = change.isEmpty ? [] : old
        for new in change {
            let place = result.firstIndex { $0.path == new.path } ?? result.endIndex
            if place == result.endIndex { result.append(Self(path: new.path)) }
            for rate in rates {
                if let value = new[keyPath: rate] { result[place][keyPath: rate] = value == 0 ? nil : value }
            }
        }
        result.removeAll { device in rates.allSatisfy { device[keyPath: $0] == nil } }
        return result.isEmpty ? nil : result
    }

    private static var rates: [WritableKeyPath<Self, Int64?>] {
        [\.readBytesPerSecond, \.writtenBytesPerSecond, \.readsPerSecond, \.writesPerSecond]
    }
}

/// One of setrlimit(2)'s limits, for every process of the container; -1 is "unlimited".
public struct UlimitRequest: Codable, Sendable, Hashable {
    /// "nofile", "nproc", "core", …
    public var name: String
    public var soft: Int64
    public var hard: Int64

    public init(name: String, soft: Int64, hard: Int64) {
        self.name = name
        self.soft = soft
        self.hard = hard
    }
}

/// `POST /v1/containers/{id}/update`.
public struct UpdateContainerRequest: Codable, Sendable, Hashable {
    /// What is left out stays as it is; 0, -1 or an empty list takes a limit away.
    public var resources: ResourceRequest
    public init(resources: ResourceRequest) { self.resources = resources }
}

/// The answer: every limit that holds now.
public struct UpdateContainerResponse: Codable, Sendable, Hashable {
    public var id: String
    public var name: String
    public var resources: ResourceRequest
    public init(id: String, name: String, resources: ResourceRequest) {
        self.id = id
        self.name = name
        self.resources = resources
    }
}
