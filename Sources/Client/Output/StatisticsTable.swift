// SPDX-License-Identifier: Apache-2.0

package import APITypes

/// One round of `stats`, for people.
package enum StatisticsTable {
    package static let header = [
        "NAME", "CPU %", "MEMORY", "LIMIT", "MEM %", "PEAK", "PIDS", "BLOCK READ", "WRITTEN", "NET RECEIVED", "SENT", "PRESSURE CPU", "MEM",
        "IO",
    ]

    package static func text(_ sample: StatisticsSample) -> String { table(header, sample.containers.map(cells)) }

    private static func cells(_ row: ContainerStatistics) -> [String] {
        [
            row.state == .paused ? "\(row.name) (paused)" : row.name, row.cpu.map { percent($0.percent) } ?? "-",
            bytes(row.memory?.workingSetBytes), bytes(row.memory?.limitBytes), row.memory?.percent.map(percent) ?? "-",
            bytes(row.memory?.peakBytes), row.processes.map { "\($0.count)" + ($0.limit.map { "/\($0)" } ?? "") } ?? "-",
            bytes(row.blockIO?.readBytes), bytes(row.blockIO?.writtenBytes), bytes(row.network?.receivedBytes),
            bytes(row.network?.sentBytes), share(row.pressure?.cpu), share(row.pressure?.memory), share(row.pressure?.io),
        ]
    }

    private static func bytes(_ count: UInt64?) -> String { count.map { byteCount(Int64(clamping: $0)) } ?? "-" }

    /// How much of the last ten seconds somebody waited.
    private static func share(_ resource: PressureStatistics.Resource?) -> String { resource.map { percent($0.some.average10) } ?? "-" }

    /// Two decimals always: columns of numbers are compared by eye.
    package static func percent(_ value: Double) -> String {
        let hundredths = Int64((value * 100).rounded())
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)%"
    }
}
