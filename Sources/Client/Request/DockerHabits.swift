// SPDX-License-Identifier: Apache-2.0

/// What fingers type that know Docker, and that is not there: said in words, with what there is instead.
package enum DockerHabits {
    /// - Parameter option: as it was typed, `-p` or `--publish`.
    package static func note(option: String) -> String? {
        // The parser takes a value joined to its letter only where there is no "=" in it.
        if option.hasPrefix("-e"), option.utf8.count > 2 { return "use -e NAME=value, with a blank between" }
        return switch option {
        case "-p", "--publish", "-P", "--publish-all", "--expose", "--ip", "--link", "--network-alias", "--dns", "--add-host",
            "--mac-address":
            "container networks are not there yet: use --network none (the default), host or container:NAME"
        case "--net": "use --network none (the default), host or container:NAME"
        case "--volumes-from", "--volume-driver": "volumes are not there yet: use -v /host:/container"
        case "--gpus", "--runtime": "devices are given one by one with --device, and there is one runtime"
        case "--cpu-quota", "--cpu-period": "use --cpus 1.5"
        case "--oom-kill-disable": "a container that can't be killed for want of memory hangs instead: use --oom-score-adj"
        case "--password": "a password on the command line is seen by everyone: use --password-stdin"
        case "-a", "--attach": "`ctr-swift attach` goes to a running container's streams; `run` starts one and stays with it"
        case "--log-driver": "there is one log: JSON lines on disk (--log file), or none (--log none); --log-opt sets its limits"
        case "--details": "records have no further details; --json shows all that is kept"
        case "--filter": "use --format or --json, and grep or jq"
        default: nil
        }
    }

    /// - Parameter command: the first word that is no command here.
    package static func note(command: String) -> String? {
        switch command {
        case "build", "commit", "import", "buildx", "builder":
            "images are not built here: use buildah or docker build, then `ctr-swift load`"
        case "save", "push", "tag", "history", "search", "manifest": "images are only pulled, loaded and removed: use skopeo for the rest"
        case "network": "container networks are not there yet: `run` has --network none, host and container:NAME"
        case "volume": "volumes are not there yet: `run` has -v /host:/container"
        case "container": "leave the word out: `ctr-swift ps`, `ctr-swift rm`, …"
        case "df": "use `ctr-swift system df`"
        case "compose", "swarm", "service", "stack", "node", "secret", "config", "context", "plugin", "trust", "checkpoint":
            "that is not this program's job"
        default: nil
        }
    }
}
