// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import Testing

extension Trait where Self == ConditionTrait {
    /// Mounts, namespaces and containers are made by root.
    package static var asRoot: Self { .enabled("needs root: run `make test` as root") { geteuid() == 0 } }

    /// The root filesystem of the tests' containers is made of this one package.
    package static var busybox: Self { .enabled("needs busybox-static: run `make setup`") { access("/bin/busybox", X_OK) == 0 } }

    package static var python: Self { .enabled("needs python3: run `make setup`") { access("/usr/bin/python3", X_OK) == 0 } }
}
