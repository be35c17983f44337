// SPDX-License-Identifier: Apache-2.0

import APITypes
import Client
import Testing

@Suite struct LimitFlagsTests {
    @Test("limits are read exactly, and those that are not named are not sent") func limits() throws {
        #expect(try LimitFlags().request() == ResourceRequest())
        var flags = LimitFlags()
        flags.memory = "1.5g"
        flags.memorySwap = "-1"
        flags.memoryReservation = "64m"
        flags.cpus = "0.5"
        flags.cpuShares = 512
        flags.cpusetCPUs = "0-2,4"
        flags.pidsLimit = -1
        flags.blockIOWeight = 300
        flags.deviceReadBytes = ["/dev/sda:1m", "/dev/sdb:2k"]
        flags.deviceWrites = ["/dev/sda:100"]
        let request = try flags.request()
        #expect(request.memoryInBytes == 3 << 29 && request.memorySwapInBytes == -1 && request.memoryReservationInBytes == 64 << 20)
        #expect(request.nanoCPUs == 500_000_000 && request.cpuShares == 512 && request.cpusetCPUs == "0-2,4" && request.pidsLimit == -1)
        var first = DeviceLimitRequest(path: "/dev/sda")
        first.readBytesPerSecond = 1 << 20
        first.writesPerSecond = 100
        var second = DeviceLimitRequest(path: "/dev/sdb")
        second.readBytesPerSecond = 2048
        #expect(request.devices == [first, second])
    }

    @Test("an update takes the place of what it names alone") func update() throws {
        var flags = LimitFlags()
        flags.memory = "0"
        let before = ResourceRequest(memoryInBytes: 64 << 20, nanoCPUs: 5, pidsLimit: 9)
        #expect(before.updated(by: try flags.request()) == ResourceRequest(memoryInBytes: 0, nanoCPUs: 5, pidsLimit: 9))
    }

    @Test("an update of one rate of a device leaves its others, and other devices', as they were; 0 takes one away") func rates() throws {
        func resources(_ change: (inout LimitFlags) -> Void) throws -> ResourceRequest {
            var flags = LimitFlags()
            change(&flags)
            return try flags.request()
        }
        let before = try resources {
            $0.deviceWriteBytes = ["/dev/sda:1m", "/dev/sdb:3m"]
            $0.deviceReads = ["/dev/sda:7"]
        }
        let more = before.updated(by: try resources { $0.deviceReadBytes = ["/dev/sda:2m", "/dev/sdc:1"] })
        #expect(
            try more
                == resources {
                    $0.deviceReadBytes = ["/dev/sda:2m"]
                    $0.deviceWriteBytes = ["/dev/sda:1m", "/dev/sdb:3m"]
                    $0.deviceReads = ["/dev/sda:7"]
                }.updated(by: resources { $0.deviceReadBytes = ["/dev/sdc:1"] }))
        #expect(more.devices?.map(\.path) == ["/dev/sda", "/dev/sdb", "/dev/sdc"])
        #expect(more.devices?[0].writtenBytesPerSecond == 1 << 20 && more.devices?[0].readsPerSecond == 7)
        let less = more.updated(by: try resources { $0.deviceWriteBytes = ["/dev/sda:0", "/dev/sdb:0"] })
        #expect(less.devices?.map(\.path) == ["/dev/sda", "/dev/sdc"] && less.devices?[0].writtenBytesPerSecond == nil)
        #expect(less.devices?[0].readBytesPerSecond == 2 << 20)
        var none = ResourceRequest()
        none.devices = []
        #expect(less.updated(by: none).devices == nil, "an empty list takes all away")
        #expect(less.updated(by: ResourceRequest(pidsLimit: 3)).devices == less.devices)
    }

    @Test(
        "a limit of each process is a name and one or two numbers",
        arguments: [
            ("nofile=1024:4096", UlimitRequest(name: "nofile", soft: 1024, hard: 4096)),
            ("core=0", UlimitRequest(name: "core", soft: 0, hard: 0)),
            ("memlock=-1", UlimitRequest(name: "memlock", soft: -1, hard: -1)),
            ("nproc=5:unlimited", UlimitRequest(name: "nproc", soft: 5, hard: -1)),
        ])
    func ulimit(text: String, expected: UlimitRequest) throws { #expect(try LimitFlags.ulimit(text) == expected) }

    @Test(
        "what is none is refused, and named", arguments: ["nofile", "=3", "nofile=", "nofile=a", "nofile=1:2:3", "nofile=-2", "nofile=+3"])
    func wrongUlimit(text: String) {
        let error = #expect(throws: UsageError.self) { try LimitFlags.ulimit(text) }
        #expect(error?.message.contains(text) == true)
    }

    @Test("so are rates without a device or a number", arguments: ["/dev/sda", "sda:1m", "/dev/sda:fast", ":1m"])
    func wrongRate(text: String) {
        var flags = LimitFlags()
        flags.deviceWriteBytes = [text]
        #expect(throws: UsageError.self) { try flags.request() }
    }

    @Test("a round of statistics is a line for each container, with a dash for what is not told") func statistics() {
        var full = ContainerStatistics(id: "1", name: "web", state: .paused)
        full.cpu = CPUStatistics(percent: 150.05, usageNanoseconds: 1)
        full.memory = MemoryStatistics(workingSetBytes: 32 << 20, usedBytes: 40 << 20)
        full.memory?.limitBytes = 64 << 20
        full.memory?.percent = 50
        full.processes = ProcessStatistics(count: 3, limit: 40)
        let share = PressureStatistics.Share(average10: 1.5, average60: 0, average300: 0, totalMicroseconds: 3)
        full.pressure = PressureStatistics(cpu: .init(some: share, full: nil), memory: nil, io: nil)
        let lines = StatisticsTable.text(
            StatisticsSample(time: "", containers: [full, ContainerStatistics(id: "2", name: "\u{1b}[2J", state: .running)])
        ).split(separator: "\n")
        #expect(lines.count == 3)
        #expect(
            lines[1].split(separator: " ", omittingEmptySubsequences: true)
                == "web (paused) 150.05% 32.0 MiB 64.0 MiB 50.00% - 3/40 - - - - 1.50% - -".split(separator: " "))
        #expect(lines[2].hasPrefix("\\x1b[2J") && lines[2].filter { $0 == "-" }.count == 13)
    }
}
