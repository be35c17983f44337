// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client
internal import Glibc
internal import Linux
internal import OCI

struct Top: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top", abstract: "List the processes of a container, with their numbers on the host.",
        usage: "ctr-swift top [<options>] <container> [<ps options> ...]",
        discussion: """
            ps options are -ef, the default, and -o COLUMN,... with columns uid, gid, pid, ppid, pidin (the number inside), c, stime, etime, \
            tty, time, state, nlwp, rss, vsz, comm and cmd.
            """)

    @Flag(name: .long, help: "Show JSON.") var json = false
    @OptionGroup var connection: Connection
    @Argument(help: "Name or id.", completion: .containers) var container: String
    @Argument(parsing: .captureForPassthrough, help: ArgumentHelp("What to show, as ps(1) is told.", valueName: "ps options"))
    var options: [String] = []

    func run() throws {
        // Behind the name everything is ps's, but for this one, which ps does not have.
        let words = options.filter { $0 != "--json" }
        let columns: [ProcessColumn]
        do throws(ProcessOptionError) { columns = try ProcessColumn.columns(words) } catch {
            throw UsageError("\(error)", remedy: "`ctr-swift top --help` tells what there is")
        }
        let rows = try connection.client.request(
            .get, ["v1", "containers", container, "processes"], body: nil as String?, as: [ContainerProcess].self)
        if json || words.count != options.count { return try show(json: rows) }
        let processes = rows.map(ProcessDetails.init)
        show(table(columns.map(\.header), processes.map { process in columns.map { $0.text(process) } }))
    }
}

extension ProcessDetails {
    fileprivate init(_ process: ContainerProcess) {
        self.init(
            pid: process.pid, parent: process.parentPID, pidInside: process.pidInside, uid: process.uid, gid: process.gid,
            state: process.state, threads: process.threads, terminal: process.terminal, cpuMilliseconds: process.cpuMilliseconds,
            startedAtSeconds: Timestamp.parse(process.startedAt)?.seconds ?? 0, elapsedMilliseconds: process.elapsedMilliseconds,
            residentBytes: process.residentBytes, virtualBytes: process.virtualBytes, name: process.name, arguments: process.arguments)
    }
}

struct Stats: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Show what containers use, again every second.",
        discussion: "Without a container: of all that run. PRESSURE is how much of the last ten seconds somebody had to wait.")

    @Flag(name: .long, help: "Show it once.") var noStream = false
    @Option(
        name: .long, help: ArgumentHelp("Time between two rounds; default: 1000.", valueName: "milliseconds"))
    var interval: Int = 1000
    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: Connection
    @Argument(help: "Names or ids.", completion: .containers) var containers: [String] = []

    func validate() throws {
        guard (100...3_600_000).contains(interval) else {
            throw ValidationError(UsageError("--interval", "\(interval)", "not a time", remedy: "use 100 to 3600000 milliseconds"))
        }
    }

    func run() throws {
        let names = containers.isEmpty ? nil : containers.joined(separator: ",")
        try connection.client.stream(
            .get, ["v1", "stats"],
            query: [("containers", names), ("follow", noStream ? nil : "true"), ("interval", "\(interval)")], body: nil as String?,
            of: StatisticsSample.self
        ) { sample throws(ClientError) in
            do { try show(sample) } catch { throw ClientError(showing: error) }
        }
    }

    private func show(_ sample: StatisticsSample) throws {
        if noStream {
            if try output.show(sample.containers) { return }
        } else if output.json {
            for row in sample.containers { try ctr_swift.show(jsonLine: row) }
            return
        } else if output.format != nil {
            _ = try output.show(sample.containers)
            return
        }
        // A terminal shows the last round alone.
        ctr_swift.show((noStream || !isTerminal(1) ? "" : "\u{1b}[H\u{1b}[J") + StatisticsTable.text(sample))
    }
}
