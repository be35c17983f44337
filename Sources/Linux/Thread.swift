// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import SystemPackage

/// Starts a detached thread for work that blocks. It ends with its body.
package func startThread(name: String, _ body: @escaping @Sendable () -> Void) throws(KernelError) {
    let box = Unmanaged.passRetained(ThreadBody(name: name, run: body))
    var thread = pthread_t()
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, 1 << 20)
    let result = pthread_create(
        &thread, &attributes,
        { argument in
            guard let argument else { return nil }
            let body = Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue()
            _ = ctr_set_thread_name(String(body.name.prefix(15)))
            body.run()
            return nil
        }, box.toOpaque())
    if result != 0 {
        box.release()
        throw KernelError(call: "pthread_create(3)", object: name, errno: Errno(rawValue: result))
    }
}

private final class ThreadBody: Sendable {
    let name: String
    let run: @Sendable () -> Void
    init(name: String, run: @escaping @Sendable () -> Void) {
        self.name = name
        self.run = run
    }
}
