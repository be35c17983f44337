// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Client

// What `run` and `create` have in common; the names are Docker's. Client's RunFlags makes a request of it.

struct IdentityOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("A name; default: the first digits of the id.", valueName: "name"))
    var name: String?
    @Option(
        name: [.customShort("l", allowingJoined: true), .long], parsing: .unconditionalSingleValue,
        help: ArgumentHelp("A label; repeatable.", valueName: "key=value"))
    var label: [String] = []
    @Option(
        name: .long, help: ArgumentHelp("Write the container's id to a file that does not exist.", valueName: "file"), completion: .file())
    var cidfile: String?
    @Flag(name: .long, help: "Remove the container when it has ended.")
    var rm = false
    @Option(
        name: .long,
        help: ArgumentHelp("Start it again when it has ended; default: no.", valueName: "no|on-failure[:retries]|always|unless-stopped"),
        completion: .list(["no", "on-failure", "always", "unless-stopped"]))
    var restart: String?
    @Option(name: .long, help: ArgumentHelp("Of an image for several; default: this node's.", valueName: "os/arch[/variant]"))
    var platform: String?
    @Option(
        name: .long, help: ArgumentHelp("Pull the image: missing, always or never.", valueName: "when"),
        completion: .list(["missing", "always", "never"]))
    var pull = "missing"
}

struct ProcessOptions: ParsableArguments {
    @OptionGroup var input: InputOptions
    @Option(
        name: [.customShort("w", allowingJoined: true), .long],
        help: ArgumentHelp("Working directory, made where it is missing; default: the image's.", valueName: "path"))
    var workdir: String?
    @Option(
        name: [.customShort("u", allowingJoined: true), .long],
        help: ArgumentHelp("User and group by name or number; default: the image's.", valueName: "user[:group]"))
    var user: String?
    @Option(
        name: .long, parsing: .unconditional,
        help: ArgumentHelp("Replace the image's entrypoint, and drop its command; empty clears it.", valueName: "path"))
    var entrypoint: String?
    @Flag(name: .long, help: "Run an init as PID 1 that reaps, and passes signals on.")
    var `init` = false
    @Option(name: .long, help: ArgumentHelp("What `stop` sends; default: the image's, else TERM.", valueName: "signal"))
    var stopSignal: String?
    @Option(
        name: .long, parsing: .unconditional,
        help: ArgumentHelp("How long `stop` waits before it kills; -1: for ever; default: 10.", valueName: "seconds"))
    var stopTimeout: Int?
    @Option(
        name: .long,
        help: ArgumentHelp("Keep the output: file or none; default: file, with --rm in the foreground none.", valueName: "where"),
        completion: .list(["file", "none"]))
    var log: String?
    @Option(
        name: .long, parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Limits of the log: max-size=10m, max-file=3, mode=non-blocking, max-buffer-size=1m; by commas, or repeatable.",
            valueName: "key=value"))
    var logOpt: [String] = []
    @Option(
        name: .long, parsing: .unconditionalSingleValue,
        help: ArgumentHelp("A limit of each process (nofile, nproc, core, ...); -1: unlimited; repeatable.", valueName: "name=soft[:hard]"))
    var ulimit: [String] = []
    @Option(
        name: .long, parsing: .unconditional,
        help: ArgumentHelp("How soon it is killed when the node is out of memory: -1000 to 1000.", valueName: "score"))
    var oomScoreAdj: Int?
}

struct FilesystemOptions: ParsableArguments {
    @Option(
        name: [.customShort("v", allowingJoined: true), .long],
        help: ArgumentHelp("Bind a path of the host (ro, rw, rslave, nosuid, ...); repeatable.", valueName: "/host:/container[:options]"),
        completion: .directory)
    var volume: [String] = []
    @Option(
        name: .long, help: ArgumentHelp("A tmpfs (size=64m, mode=1777, uid=, exec, ...); repeatable.", valueName: "/container[:options]"))
    var tmpfs: [String] = []
    @Option(
        name: .long,
        help: ArgumentHelp(
            "A mount by fields: type=bind,src=/host,dst=/in,ro, type=tmpfs,dst=/in,tmpfs-size=64m or type=image,src=image,dst=/in; repeatable.",
            valueName: "fields"))
    var mount: [String] = []
    @Flag(name: .long, help: "Mount the root read-only.")
    var readOnly = false
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The writable layer: synced, volatile (lost with the machine) or tmpfs; default: synced, with --rm volatile.", valueName: "kind"
        ),
        completion: .list(["synced", "volatile", "tmpfs"]))
    var upper: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "What the writable layer may take: 500m, 10g; needs project quota, or --upper tmpfs; default: no limit.", valueName: "size"))
    var upperSize: String?
    @Option(name: .long, help: ArgumentHelp("How many inodes it may have; needs the same; default: no limit.", valueName: "number"))
    var upperInodes: Int64?
    @Option(name: .long, help: ArgumentHelp("/dev/shm: default 64m.", valueName: "size"))
    var shmSize: String?
}

struct NetworkOptions: ParsableArguments {
    @Option(
        name: .long, help: ArgumentHelp("none (loopback alone), host or container:NAME.", valueName: "mode"),
        completion: .list(["none", "host", "container:"]))
    var network = "none"
    @Option(name: .long, help: ArgumentHelp("Default: the first digits of the id; with --network host the node's.", valueName: "name"))
    var hostname: String?
}

struct IsolationOptions: ParsableArguments {
    @Option(
        name: .long, parsing: .unconditionalSingleValue,
        help: ArgumentHelp("A capability beyond Docker's default ones, or ALL; repeatable.", valueName: "name"))
    var capAdd: [String] = []
    @Option(
        name: .long, parsing: .unconditionalSingleValue,
        help: ArgumentHelp("A default capability less, or ALL; repeatable.", valueName: "name"))
    var capDrop: [String] = []
    @Flag(name: .long, help: "All capabilities and devices, no filter, nothing masked: root in it is root on the node.")
    var privileged = false
    @Option(
        name: .long,
        help: ArgumentHelp(
            "seccomp=unconfined or a profile's file, no-new-privileges[=false], apparmor=PROFILE, systempaths=unconfined; repeatable.",
            valueName: "key=value"))
    var securityOpt: [String] = []
    @Option(
        name: .long, help: ArgumentHelp("A device node of the host; repeatable.", valueName: "/dev/host[:/dev/container][:rwm]"),
        completion: .file())
    var device: [String] = []
    @Option(name: .long, help: ArgumentHelp("A kernel parameter of a namespace of its own; repeatable.", valueName: "key=value"))
    var sysctl: [String] = []
    @Option(name: .long, help: ArgumentHelp("A supplementary group by name or number; repeatable.", valueName: "group"))
    var groupAdd: [String] = []
    @Option(
        name: .long, help: ArgumentHelp("Processes: private, host or container:NAME.", valueName: "mode"),
        completion: .list(["private", "host", "container:"]))
    var pid: String?
    @Option(
        name: .long, help: ArgumentHelp("Shared memory and queues: private, shareable, host or container:NAME.", valueName: "mode"),
        completion: .list(["private", "shareable", "host", "container:"]))
    var ipc: String?
    @Option(
        name: .long, help: ArgumentHelp("Host name: private, host or container:NAME.", valueName: "mode"),
        completion: .list(["private", "host", "container:"]))
    var uts: String?
    @Option(
        name: .long, help: ArgumentHelp("View of the cgroups: private, host or container:NAME.", valueName: "mode"),
        completion: .list(["private", "host", "container:"]))
    var cgroupns: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Ids: the node's (host, the default), of its own (auto), or of its own but for the caller's (keep).", valueName: "mode"),
        completion: .list(["host", "auto", "keep"]))
    var userns: String?

    var flags: IsolationFlags {
        var flags = IsolationFlags()
        flags.capabilitiesAdded = capAdd
        flags.capabilitiesDropped = capDrop
        flags.privileged = privileged
        flags.securityOptions = securityOpt
        flags.devices = device
        flags.sysctls = sysctl
        flags.groups = groupAdd
        flags.userNamespace = userns
        flags.namespaces = [("--pid", pid), ("--ipc", ipc), ("--uts", uts), ("--cgroupns", cgroupns)]
        return flags
    }
}

struct LimitOptions: ParsableArguments {
    @Option(
        name: [.customShort("m", allowingJoined: true), .long],
        help: ArgumentHelp("Memory: 64m, 1.5g; at least 6m; default: no limit.", valueName: "size"))
    var memory: String?
    @Option(name: .long, help: ArgumentHelp("CPUs: 0.5, 2; default: no limit.", valueName: "number"))
    var cpus: String?
    @Option(
        name: .long, parsing: .unconditional,
        help: ArgumentHelp("Processes and threads; -1 or 0, the default: no limit.", valueName: "number"))
    var pidsLimit: Int64?
    @Option(
        name: .long, parsing: .unconditional,
        help: ArgumentHelp("Memory and swap together; as --memory: no swap; -1: no limit on swap.", valueName: "size"))
    var memorySwap: String?
    @Option(name: .long, help: ArgumentHelp("Memory that it keeps when others need some.", valueName: "size"))
    var memoryReservation: String?
    @Option(
        name: .long, help: ArgumentHelp("CPU time against others when it is short: 2 to 262144, others have 1024.", valueName: "number"))
    var cpuShares: Int64?
    @Option(name: .long, help: ArgumentHelp("Processors it may run on: 0-2,4.", valueName: "list"))
    var cpusetCpus: String?
    @Option(name: .long, help: ArgumentHelp("Memory nodes it may take memory of: 0.", valueName: "list"))
    var cpusetMems: String?
    @Option(name: .long, help: ArgumentHelp("Block I/O against others: 10 to 1000; needs the bfq scheduler.", valueName: "number"))
    var blkioWeight: Int64?
    @Option(name: .long, help: ArgumentHelp("Bytes a second read from a device; repeatable.", valueName: "/dev/sda:1m"))
    var deviceReadBps: [String] = []
    @Option(name: .long, help: ArgumentHelp("Bytes a second written to it; repeatable.", valueName: "/dev/sda:1m"))
    var deviceWriteBps: [String] = []
    @Option(name: .long, help: ArgumentHelp("Reads a second; repeatable.", valueName: "/dev/sda:100"))
    var deviceReadIops: [String] = []
    @Option(name: .long, help: ArgumentHelp("Writes a second; repeatable.", valueName: "/dev/sda:100"))
    var deviceWriteIops: [String] = []

    var flags: LimitFlags {
        var flags = LimitFlags()
        flags.memory = memory
        flags.memorySwap = memorySwap
        flags.memoryReservation = memoryReservation
        flags.cpus = cpus
        flags.cpuShares = cpuShares
        flags.cpusetCPUs = cpusetCpus
        flags.cpusetMemoryNodes = cpusetMems
        flags.pidsLimit = pidsLimit
        flags.blockIOWeight = blkioWeight
        flags.deviceReadBytes = deviceReadBps
        flags.deviceWriteBytes = deviceWriteBps
        flags.deviceReads = deviceReadIops
        flags.deviceWrites = deviceWriteIops
        return flags
    }
}

/// Each group costs a tenth of a millisecond (docs/architecture.md, "What a short command costs").
struct RunOptions: ParsableArguments {
    @OptionGroup(title: "Container") var identity: IdentityOptions
    @OptionGroup(title: "Process") var process: ProcessOptions
    @OptionGroup(title: "Health check") var health: HealthOptions
    @OptionGroup(title: "Filesystem") var filesystem: FilesystemOptions
    @OptionGroup(title: "Network") var network: NetworkOptions
    @OptionGroup(title: "Limit") var limits: LimitOptions
    @OptionGroup(title: "Isolation") var isolation: IsolationOptions

    @Argument(help: "A reference, best by digest, or an image's id.", completion: .images)
    var image: String
    @Argument(
        parsing: .captureForPassthrough,
        help: ArgumentHelp(
            "The command and its words, in place of the image's; every word behind the image is the container's.", valueName: "command"))
    var arguments: [String] = []

    func validate() throws {
        guard ["missing", "always", "never"].contains(identity.pull) else {
            throw ValidationError(UsageError("--pull", identity.pull, "no such choice", remedy: "use missing, always or never"))
        }
    }

    func creation(_ client: APIClient) -> ContainerCreation {
        ContainerCreation(client: client, pull: identity.pull, cidfile: identity.cidfile)
    }

    func flags(detached: Bool) -> RunFlags {
        var flags = RunFlags(image: image)
        flags.arguments = arguments
        flags.name = identity.name
        flags.labels = identity.label
        flags.remove = identity.rm
        flags.restart = identity.restart
        flags.platform = identity.platform
        flags.interactive = process.input.interactive
        flags.tty = process.input.tty
        flags.environment = process.input.env
        flags.environmentFiles = process.input.envFile
        flags.workingDirectory = process.workdir
        flags.user = process.user
        flags.entrypoint = process.entrypoint
        flags.initProcess = process.`init`
        flags.stopSignal = process.stopSignal
        flags.stopTimeout = process.stopTimeout
        flags.log = process.log
        flags.logOptions = process.logOpt
        flags.health = health.flags
        flags.volumes = filesystem.volume
        flags.tmpfs = filesystem.tmpfs
        flags.mounts = filesystem.mount
        flags.readOnly = filesystem.readOnly
        flags.upper = filesystem.upper
        flags.upperSize = filesystem.upperSize
        flags.upperInodes = filesystem.upperInodes
        flags.network = network.network
        flags.hostname = network.hostname
        flags.limits = limits.flags
        flags.ulimits = process.ulimit
        flags.outOfMemoryScore = process.oomScoreAdj
        flags.sharedMemorySize = filesystem.shmSize
        flags.isolation = isolation.flags
        flags.detached = detached
        return flags
    }
}
