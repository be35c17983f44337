// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

extension Trait where Self == ConditionTrait {
    /// Containers are made by root.
    static var asRoot: Self { .enabled("needs root: run `make test` as root") { geteuid() == 0 } }

    /// A root filesystem for the tests comes from this one package.
    static var busybox: Self {
        .enabled("needs busybox-static: run `make setup`") { access(TestBundle.busybox, X_OK) == 0 }
    }
}
