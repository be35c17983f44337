// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

extension Trait where Self == ConditionTrait {
    /// Containers are made by root.
    static var asRoot: Self { .enabled("needs root: run `make test` as root") { geteuid() == 0 } }

    /// The root filesystem of the tests' containers is made of this one package.
    static var busybox: Self { .enabled("needs busybox-static: run `make setup`") { access(TestContainer.busybox, X_OK) == 0 } }

    static var python: Self { .enabled("needs python3: run `make setup`") { access("/usr/bin/python3", X_OK) == 0 } }
}
