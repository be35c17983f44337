// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux

/// What has to hold before anything else runs.
func prepareProcess() {
    // Every mode in this project is explicit, and therefore exact.
    umask(0)
    // A client that goes away is an error of write(2), not the end of the daemon.
    signal(SIGPIPE, SIG_IGN)
    raiseDescriptorLimit()
    // A pull moves pieces of layers between threads: with a heap for each of them, its peak is 20 MB higher, and no faster.
    Allocator.limitArenas(to: 2)
}

/// Each running container takes a few descriptors. Not to the hard limit: where that is a thousand million, what the daemon starts
/// would inherit it, and programs that close every descriptor take minutes.
private func raiseDescriptorLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    let wanted = min(limit.rlim_max, 65_536)
    guard limit.rlim_cur < wanted else { return }
    limit.rlim_cur = wanted
    // Raising a soft limit within the hard one can't be refused.
    _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
